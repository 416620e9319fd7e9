"""Which experts the tasks of a ranker mix, on rows that it was not fitted to."""

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Tensor

from funnel.models.spec import ModelSpec, PLESpec
from funnel.training.batches import Rows
from funnel.training.diagnostics.trial import Value
from funnel.training.ranker import Ranker

ROWS_AT_ONCE = 2**13
"""so that memory does not follow the number of rows"""


@torch.inference_mode()
def gates(ranker: Ranker, data: Rows) -> list[Value]:
    """Mean share of every expert in every task's mixture, and how far the gates of two tasks are apart, by gated layer.

    The distance is the total variation of the two mixtures, row by row; two tasks' private experts are different ones.
    """
    shares: dict[str, Tensor] = {}
    distances: dict[str, Tensor] = {}
    own = _private(ranker.spec.model)
    for rows, layers in _by_rows(ranker, data):
        for layer, mixtures in layers.items():
            weight = rows / len(data)
            shares[layer] = shares.get(layer, 0) + weight * mixtures.mean(0)
            distances[layer] = distances.get(layer, 0) + weight * _distance(mixtures, own).mean(0)
    tasks = ranker.spec.tasks
    values: list[Value] = []
    for layer, share in shares.items():
        names = _experts(ranker.spec.model, share.shape[1])
        values += [
            ("gate", task, expert, layer, None, float(share[row, column]))
            for row, task in enumerate(tasks)
            for column, expert in enumerate(names)
        ]
    for layer, distance in distances.items():
        values += [
            ("gate_distance", tasks[one], tasks[other], layer, None, float(distance[one, other]))
            for one, other in combinations(range(len(tasks)), 2)
        ]
    return values


def _by_rows(ranker: Ranker, data: Rows) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Rows at a time, and the mixtures (B, T, n) of each gated layer."""
    weight, bias = ranker.model.first()
    for x in torch.from_numpy(ranker.inputs.apply(data.x)).split(ROWS_AT_ONCE):
        yield len(x), ranker.model.gates(torch.addmm(bias, x, weight))


def _distance(mixtures: Tensor, own: int) -> Tensor:
    """(B, T, T): half the sum over experts of the difference, the first `own` of each task being different experts."""
    private, shared = mixtures[:, :, :own].sum(2), mixtures[:, :, own:]
    apart = (shared[:, :, None] - shared[:, None]).abs().sum(3)
    return (apart + private[:, :, None] + private[:, None]) / 2


def _private(model: ModelSpec) -> int:
    return model.private if isinstance(model, PLESpec) else 0


def _experts(model: ModelSpec, count: int) -> list[str]:
    """What the columns of a gate are called."""
    own = _private(model)
    return [f"own {column + 1}" if column < own else f"shared {column - own + 1}" for column in range(count)]
