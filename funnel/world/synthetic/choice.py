"""How people come by items outside the funnel: what they watched before, and what they react to in public.

A person meets a few items by popularity and takes the one that pleases best (a discrete choice with Gumbel noise). It
costs a constant per choice, so histories and reactions grow linearly with users and never touch all pairs.
"""

import numpy as np

from funnel.rng import stream
from funnel.world.synthetic.population import Items, Users
from funnel.world.truth import match

CHUNK = 200_000
"""choices made at a time"""


def choose(
    user: np.ndarray, people: Users, items: Items, weight: np.ndarray, offers: int, seed: int, name: str
) -> np.ndarray:
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
        met, pleasure = np.empty(draws.shape, np.int32), np.empty(draws.shape, np.float32)
        met[order] = rising
        pleasure[order] = _pleasure(people, items, who[order // offers], rising)
        pleasure = pleasure.reshape(shape) + generator.gumbel(size=shape).astype(np.float32)
        chosen[start : start + CHUNK] = met.reshape(shape)[np.arange(len(who)), pleasure.argmax(1)]
    return chosen


def _pleasure(people: Users, items: Items, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """float32 (n,): what pleases in a pair, taste and quality alike."""
    return match(people.taste.take(user, 0), items.topic.take(item, 0)) + items.quality[item]
