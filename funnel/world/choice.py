"""How people come by items outside the funnel: what they watched before, and what they react to in public.

A person meets a few items by popularity and takes the one that pleases best (a discrete choice with Gumbel noise). It
costs a constant per choice, so histories and reactions grow linearly with users and never touch all pairs.
"""

from dataclasses import dataclass

import numpy as np

from funnel.rng import stream
from funnel.world.truth import match

CHUNK = 200_000
"""choices made at a time"""


@dataclass(frozen=True)
class Pleasure:
    """What pleases U users in I items: taste and quality alike."""

    taste: np.ndarray
    """float32 (U, D), unit length"""
    topic: np.ndarray
    """float32 (I, D), unit length"""
    quality: np.ndarray
    """float32 (I,)"""

    def of(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """float32 (n,): of each pair."""
        return match(self.taste.take(user, 0), self.topic.take(item, 0)) + self.quality[item]


def choose(user: np.ndarray, pleasure: Pleasure, weight: np.ndarray, offers: int, seed: int, name: str) -> np.ndarray:
    """The item that each choice falls on.

    Args:
        user: int (n,), who chooses.
        weight: float (I,), how likely an item is met.
        offers: items met a choice.
        name: of what the choices are for.

    Returns:
        int32 (n,).
    """
    cumulative = np.cumsum(weight, dtype=np.float64)
    cumulative /= cumulative[-1]
    chosen = np.empty(len(user), np.int32)
    for part, start in enumerate(range(0, len(user), CHUNK)):
        generator = stream(seed, "world", "choice", name, part)
        who = user[start : start + CHUNK]
        shape = (len(who), offers)
        draws = generator.random(shape).ravel()
        # In rising order the search and the reading of item tables walk through memory instead of jumping about in it.
        order = np.argsort(draws)
        rising = np.searchsorted(cumulative, draws[order])
        met, pleases = np.empty(draws.shape, np.int32), np.empty(draws.shape, np.float32)
        met[order] = rising
        pleases[order] = pleasure.of(who[order // offers], rising)
        pleases = pleases.reshape(shape) + generator.gumbel(size=shape).astype(np.float32)
        chosen[start : start + CHUNK] = met.reshape(shape)[np.arange(len(who)), pleases.argmax(1)]
    return chosen
