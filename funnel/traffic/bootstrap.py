"""Round 0: a policy without any model, which shows popular items and random neighbours of the user's interests."""

import numpy as np

from funnel.candidates import Requests
from funnel.rng import stream
from funnel.traffic.slates import Slates


def bootstrap(
    requests: Requests, neighbours: np.ndarray, past_views: np.ndarray, popular: float, slots: int, seed: int
) -> Slates:
    """Every slot draws on its own: by popularity, or uniformly among the neighbours. A repeated item is dropped.

    Args:
        neighbours: int64 (R, K), items nearest to each user's interests by content.
        past_views: float32 (I,), counters that popularity follows.
        popular: share of slots that go to popularity. slots: positions a slate.

    Returns:
        Slates whose propensity is popular * share of views + (1 - popular) / K if the item is a neighbour.
    """
    generator = stream(seed, "traffic", "bootstrap")
    share = (past_views + 1) / (past_views + 1).sum(dtype=np.float64)
    shape = (len(requests), slots)
    by_views = np.searchsorted(np.cumsum(share), generator.random(shape)).clip(max=len(share) - 1)
    near = np.take_along_axis(neighbours, generator.integers(0, neighbours.shape[1], shape), axis=1)
    item = np.where(generator.random(shape) < popular, by_views, near)

    order = np.argsort(item, axis=1, kind="stable")
    ordered = np.take_along_axis(item, order, axis=1)
    repeated = np.zeros(shape, bool)
    np.put_along_axis(repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    request, position = np.nonzero(~repeated)
    item = item[request, position]
    is_near = (neighbours[request] == item[:, None]).any(1)
    return Slates(
        request=request,
        item=item,
        position=position,
        source=np.zeros(len(item), np.int64),
        propensity=(popular * share[item] + (1 - popular) * is_near / neighbours.shape[1]).astype(np.float32),
        explored=np.ones(len(item), bool),
    )
