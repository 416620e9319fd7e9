"""How people come by items outside the funnel: what they watched before, and what they react to in public.

A person meets a few items by popularity and takes the one that pleases best (a discrete choice with Gumbel noise). It
costs a constant per choice, so histories and reactions grow linearly with users and never touch all pairs.
"""

import numpy as np

from funnel.rng import stream
from funnel.world.truth import match

OFFERS = 8
"""items met per choice; enough that taste shows, few enough that popularity does too"""
CHUNK = 200_000
"""choices made at a time"""


def choose(
    user: np.ndarray,
    taste: np.ndarray,
    topic: np.ndarray,
    quality: np.ndarray,
    weight: np.ndarray,
    seed: int,
    name: str,
) -> np.ndarray:
    """The item that each choice falls on.

    Args:
        user: int (n,), who chooses.
        taste: float32 (U, D). topic: float32 (I, D). quality: float32 (I,).
        weight: float (I,), how likely an item is met; sums to one.

    Returns:
        int32 (n,).
    """
    cumulative = np.cumsum(weight, dtype=np.float64)
    cumulative /= cumulative[-1]
    chosen = np.empty(len(user), np.int32)
    for part, start in enumerate(range(0, len(user), CHUNK)):
        generator = stream(seed, "world", "choice", name, part)
        who = user[start : start + CHUNK]
        shape = (len(who), OFFERS)
        draws = generator.random(shape).ravel()
        # In rising order the search and the reading of item tables walk through memory instead of jumping about in it.
        order = np.argsort(draws)
        rising = np.searchsorted(cumulative, draws[order])
        met, pleasure = np.empty(draws.shape, np.int32), np.empty(draws.shape, np.float32)
        met[order] = rising
        pleasure[order] = match(taste.take(who[order // OFFERS], 0), topic.take(rising, 0)) + quality[rising]
        pleasure = pleasure.reshape(shape) + generator.gumbel(size=shape).astype(np.float32)
        chosen[start : start + CHUNK] = met.reshape(shape)[np.arange(len(who)), pleasure.argmax(1)]
    return chosen
