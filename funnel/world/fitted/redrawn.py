"""Interactions drawn from a fit: people come by items by popularity and choose by taste, and by nothing else.

What a world of the fit's tastes alone would have had in its records: held against the data it shows how well the fit's
laws hold, and on friendships it shows what a measure finds where no friend has any influence.
"""

import numpy as np

from funnel.world.arrays import distinct
from funnel.world.choice import Pleasure, choose

ROUNDS = 8
"""rounds of drawing; an item that a user chose before is chosen anew, and of the least popular ones some stay out"""


def redrawn(
    counts: np.ndarray,
    taste: np.ndarray,
    topic: np.ndarray,
    popularity: np.ndarray,
    offers: int,
    seed: int,
    name: str,
) -> np.ndarray:
    """int64, ascending: user * I + item of distinct interactions.

    Args:
        counts: int (U,), how many items each user chooses.
        taste, topic: float32 (U, D), (I, D); a taste longer than one wants what it wants more strongly.
        popularity: float (I,), how likely an item is met. offers: items met a choice.
        name: of what they are for.
    """
    # Quality pleases nobody here, since it is in the popularity that is observed.
    pleasure = Pleasure(taste, topic, np.zeros(len(topic), np.float32))
    items, pairs = len(popularity), np.empty(0, np.int64)
    for part in range(ROUNDS):
        missing = counts - np.bincount(pairs // items, minlength=len(counts))
        user = np.repeat(np.arange(len(counts)), missing)
        item = choose(user, pleasure, popularity, offers, seed, f"{name}/{part}")
        pairs = distinct(np.concatenate([pairs, user * items + item]))
    return pairs
