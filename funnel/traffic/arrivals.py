"""Who asks, and when: requests arrive in proportion to the activity of users."""

import numpy as np

from funnel.candidates import Requests
from funnel.rng import stream
from funnel.world.world import World

SPAN = 2**40
"""ids that each purpose has in a round"""
PURPOSES = ("bootstrap", "traffic", "evaluation")


def arrivals(world: World, purpose: str, count: int, round: int = 1) -> Requests:
    """`count` requests of one named purpose in one round; ids of two of them never meet, and rise with the rounds.

    In a world with S surfaces whoever is drawn for the evaluation asks on all of them: his S requests stand side by
    side, and `count` is rounded down to a multiple of S.

    Args:
        purpose: one of `PURPOSES`.
    """
    names = (purpose,) if round == 1 else (purpose, round)
    together = max(1, world.observed.surfaces) if purpose == "evaluation" else 1
    count -= count % together
    share = np.cumsum(world.truth.activity, dtype=np.float64)
    draws = stream(world.seed, "requests", *names).random(count // together) * share[-1]
    user = np.minimum(np.searchsorted(share, draws), world.users - 1)
    user = (user[:, None] // together * together + np.arange(together)).ravel()
    first = (PURPOSES.index(purpose) + (round - 1) * len(PURPOSES)) * SPAN
    return Requests(first + np.arange(count), user)
