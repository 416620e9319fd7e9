"""Who asks, and when: requests arrive in proportion to the activity of users."""

import numpy as np

from funnel.candidates import Requests
from funnel.rng import stream
from funnel.world.world import World

SPAN = 2**40
"""ids that each purpose has"""


def arrivals(world: World, purpose: str, count: int) -> Requests:
    """`count` requests of one named purpose; ids of different purposes never meet.

    Args:
        purpose: `bootstrap`, `traffic` or `evaluation`.
    """
    share = np.cumsum(world.truth.activity, dtype=np.float64)
    draws = stream(world.seed, "requests", purpose).random(count) * share[-1]
    user = np.minimum(np.searchsorted(share, draws), world.users - 1)
    first = ("bootstrap", "traffic", "evaluation").index(purpose) * SPAN
    return Requests(first + np.arange(count), user)
