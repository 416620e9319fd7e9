"""Bubbles by lot: for some impressions the number of friends shown is drawn.

So what showing one more causes can be told from what is shown with many (a randomised cue: Bakshy et al., EC 2012).
"""

from dataclasses import replace

import numpy as np

from funnel.candidates import Requests
from funnel.rng import keyed_uniforms
from funnel.world.bubbles import Bubbles


def doses(bubbles: Bubbles, requests: Requests, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How many of its friends each bubble shows, and which bubbles were left to the lot.

    A lot falls on each bubble with probability `share`; the number is then uniform from nobody to all. The rest show
    all. Draws belong to request and item, so no batch and no ranking moves them.

    Args:
        bubbles: of the requests. seed: of the world.

    Returns:
        int64 (n,) numbers and bool (n,).
    """
    draws = keyed_uniforms(seed, "dose", requests.id[bubbles.request], bubbles.item, 2)
    available = bubbles.count.astype(np.int64)
    drawn = np.minimum((draws[:, 1] * (available + 1)).astype(np.int64), available)
    chosen = draws[:, 0] < share
    return np.where(chosen, drawn, available), chosen


def showing(bubbles: Bubbles, number: np.ndarray | int) -> Bubbles:
    """The bubbles with only the closest `number` (int (n,), or one for all) of their friends.

    An item of which nobody is shown stays a friend's item: it has its row, and no edge in it.
    """
    kept = np.arange(bubbles.edge.shape[1]) < np.reshape(number, (-1, 1))
    return replace(
        bubbles,
        edge=np.where(kept, bubbles.edge, -1).astype(np.int32),
        strong=bubbles.strong & kept,
        closeness=np.where(kept[:, 0], bubbles.closeness, np.float32(0)),
    )
