"""Round 0: a policy without any model, which shows popular items and random neighbours of the user's interests."""

import numpy as np

from funnel.candidates import Requests
from funnel.rng import keyed_uniforms
from funnel.traffic.slates import Slates


def bootstrap(
    requests: Requests, neighbours: np.ndarray, past_views: np.ndarray, popular: float, slots: int, seed: int
) -> Slates:
    """Every slot draws on its own: by popularity, or uniformly among the neighbours. A repeated item is dropped.

    Args:
        neighbours: int64 (R, K), items nearest by content to each user's interests, or to what is asked for.
        past_views: float32 (I,), counters that popularity follows.
        popular: share of slots that go to popularity. slots: positions a slate.

    Returns:
        Slates whose propensity is popular * share of views + (1 - popular) / K if the item is a neighbour.
    """
    shape = (len(requests), slots)
    request, slot = np.repeat(requests.id, slots), np.tile(np.arange(slots), len(requests))
    draws = keyed_uniforms(seed, "bootstrap", request, slot, 3).reshape(*shape, 3)
    share = (past_views + 1) / (past_views + 1).sum(dtype=np.float64)
    by_views = np.searchsorted(np.cumsum(share), draws[..., 0]).clip(max=len(share) - 1)
    neighbour = (draws[..., 1] * neighbours.shape[1]).astype(np.int64)
    item = np.where(draws[..., 2] < popular, by_views, np.take_along_axis(neighbours, neighbour, axis=1))

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
