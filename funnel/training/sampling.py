"""Fewer negatives of a task whose positives are rare: which labels training sees.

Predictions stay on the scale of all rows: with a share s of the negatives the odds that training sees are 1 / s times
the true ones, so its loss reads the logit less log s (King and Zeng, Political Analysis 2001), in `Heads`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from funnel.rng import keyed_uniforms
from funnel.training.batches import Rows


def sampled(data: Rows, tasks: Sequence[str], shares: Mapping[str, float], seed: int) -> Rows:
    """The rows without the negatives that are left out; a row goes when none of its labels is left.

    Args:
        data: labels of `tasks`.
        shares: share of a task's negatives that is kept, by name; all where none is given.
        seed: draws are keyed by request, place of the row in it, and task.
    """
    labels = data.labels.copy()
    place = _places(data.request)
    for task, share in shares.items():
        column = labels[:, tasks.index(task)]
        draws = keyed_uniforms(seed, f"sampling {task}", data.request, place, 1)[:, 0]
        column[(column == 0) & (draws >= share)] = np.nan
    thinned = Rows(data.x, labels, data.request)
    return thinned.take(~np.isnan(labels).all(1))


def _places(request: np.ndarray) -> np.ndarray:
    """int64 (N,): how many earlier rows are of the same request."""
    order = np.argsort(request, kind="stable")
    ordered = request[order]
    first = np.searchsorted(ordered, ordered)
    place = np.empty(len(request), np.int64)
    place[order] = np.arange(len(request)) - first
    return place
