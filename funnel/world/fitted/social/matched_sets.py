"""Matched sets: what a user chose, beside items that the same user might as well have met and did not choose.

A set is one held-out interaction (the case) and alternatives drawn by popularity among the items that the user never
interacted with. Whatever belongs to the user alone (activity, number of friends) is the same all over a set and drops
out (nested case-control; Breslow and Day 1980). Drawing alternatives by popularity leaves odds unbiased as long as the
popularity stands among the controls (McFadden 1978).
"""

from dataclasses import dataclass

import numpy as np

from funnel.candidates import position_in
from funnel.rng import stream

ALTERNATIVES = 10
"""a case: of the information of countless ones they have ten elevenths (Ury 1975)"""
SETS = 20_000
"""most sets; intervals of a few per cent need no more"""
ROUNDS = 4
"""rounds of drawing; an alternative that is still an item of the user is left out"""


@dataclass(frozen=True)
class Sets:
    """S sets of one case, in column 0, and its alternatives."""

    user: np.ndarray
    """int32 (S,)"""
    item: np.ndarray
    """int32 (S, 1 + ALTERNATIVES)"""
    allowed: np.ndarray
    """bool, same shape: no interaction but the case"""

    @property
    def users(self) -> np.ndarray:
        """int32, same shape as `item`: the user of each place."""
        return np.broadcast_to(self.user[:, None], self.item.shape)


def matched_sets(user: np.ndarray, item: np.ndarray, pairs: np.ndarray, popularity: np.ndarray, seed: int) -> Sets:
    """Sets of held-out interactions, at most `SETS` of them.

    Args:
        user, item: int32 (n,), the held-out interactions.
        pairs: int64, ascending: user * I + item of all interactions, held out or not.
        popularity: float (I,), above zero: how likely an item is met.
    """
    generator = stream(seed, "social", "sets")
    chosen = np.sort(generator.permutation(len(user))[:SETS])
    user, case = user[chosen], item[chosen]
    cumulative = np.cumsum(popularity, dtype=np.float64)
    drawn = np.zeros((len(user), ALTERNATIVES), np.int32)
    taken = np.ones(drawn.shape, bool)
    for _ in range(ROUNDS):
        draws = generator.random(taken.sum()) * cumulative[-1]
        drawn[taken] = np.minimum(np.searchsorted(cumulative, draws, side="right"), len(popularity) - 1)
        taken = position_in(user[:, None].astype(np.int64) * len(popularity) + drawn, pairs) >= 0
    allowed = np.column_stack([np.ones(len(user), bool), ~taken])
    return Sets(user, np.column_stack([case, drawn]).astype(np.int32), allowed)
