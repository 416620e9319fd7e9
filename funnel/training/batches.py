"""From a log to arrays: the input rows, the labels, and the scaling of both.

Everything is one array; an epoch is a permutation of its rows. Columns stand in the order user side, item side, pair,
context, which is also the order in which serving adds their shares up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from funnel.errors import DataError
from funnel.features import Pairs, Towers, per_candidate, select, table
from funnel.rng import keyed_uniforms, stream
from funnel.tasks import TASK
from funnel.training.spec import RankerSpec
from funnel.world.bubbles import Bubbles, join
from funnel.world.observed import Observed

SIDES = ("user", "item", "pair", "context")

REQUESTS_AT_ONCE = 2048
"""requests whose bubbles are held in memory together"""


@dataclass(frozen=True)
class Scaling:
    """Affine scale of N rows of columns: z = (x - mean) / std."""

    mean: np.ndarray
    """float32 (F,)"""
    std: np.ndarray
    """float32 (F,): 1 where a column is constant"""

    @classmethod
    def of(cls, columns: np.ndarray) -> "Scaling":
        """The scale that gives each column (N, F) mean 0 and sd 1; NaN does not count."""
        mean = np.atleast_1d(np.nanmean(columns, axis=0, dtype=np.float64))
        std = np.atleast_1d(np.nanstd(columns, axis=0, dtype=np.float64))
        constant = std <= 1e-6 * np.maximum(np.abs(mean), 1)
        return cls(mean.astype(np.float32), np.where(constant, 1, std).astype(np.float32))

    def apply(self, columns: np.ndarray) -> np.ndarray:
        return (columns - self.mean) / self.std


@dataclass(frozen=True)
class Rows:
    """N rows of impressions, unscaled."""

    x: np.ndarray
    """float32 (N, F)"""
    labels: np.ndarray
    """float32 (N, T); NaN where the label does not exist"""
    request: np.ndarray
    """int64 (N,): the request that a row is of; rows of one request are never parted"""

    def __len__(self) -> int:
        return len(self.x)

    def take(self, chosen: np.ndarray) -> "Rows":
        """The rows where a mask, bool (N,), holds."""
        return Rows(self.x[chosen], self.labels[chosen], self.request[chosen])

    def tasks(self, places: Sequence[int]) -> "Rows":
        """All rows with the labels of some tasks, by column, in that order."""
        return Rows(self.x, self.labels[:, list(places)], self.request)


@dataclass(frozen=True)
class Period:
    """A stretch of logged traffic, and what could be observed while it was served."""

    log: pl.DataFrame
    """impressions, or what `funnel.training.logged` makes of them"""
    observed: Observed
    towers: Towers
    """vectors of the users and items that there were"""


def columns_of(features: Sequence[str], observed: Observed) -> dict[str, int]:
    """Columns of each feature, in the order of the input row."""
    chosen = [feature for side in SIDES for feature in select(tuple(features), side)]
    return {feature.name: feature.columns(observed) for feature in chosen}


def rows(spec: RankerSpec, periods: Sequence[Period]) -> Rows:
    """The training rows of some periods, one after the other.

    Raises:
        DataError: a task has no label in any of them.
    """
    labels = [period.log.select("request", *spec.tasks) for period in periods]
    log = pl.concat(labels)
    x = np.concatenate([_columns(spec, period) for period in periods])
    return Rows(x, labels_of(spec.tasks, log), log["request"].to_numpy())


def _columns(spec: RankerSpec, period: Period) -> np.ndarray:
    """float32 (N, F): the input rows of one period."""
    user, item = period.log["user"].to_numpy(), period.log["item"].to_numpy()
    sides = [
        table(spec.features, "user", period.observed)[user],
        table(spec.features, "item", period.observed)[item],
        _pair_columns(spec, period),
    ]
    return np.concatenate(sides, axis=1)


def labels_of(tasks: Sequence[str], log: pl.DataFrame) -> np.ndarray:
    """float32 (N, T): the labels of a log; NaN where there is none."""
    labels = np.stack([log[task].to_numpy().astype(np.float32) for task in tasks], axis=1)
    for place, task in enumerate(tasks):
        if np.isnan(labels[:, place]).all():
            given = TASK[task].given
            remedy = f"Its condition `{given}` never held: log more, or" if given else "Log it, or"
            raise DataError(
                f"Task `{task}`: should have a label in the training log. Found none in {len(log)} impressions."
                f" {remedy} take the task out of the stage."
            )
    return labels


def _pair_columns(spec: RankerSpec, period: Period) -> np.ndarray:
    """float32 (N, F'): the pair and context features of the log's rows."""
    log, observed, towers = period.log, period.observed, period.towers
    user, item = log["user"].to_numpy(), log["item"].to_numpy()
    position = log["position"].to_numpy().astype(np.float32)
    order, parts = [], []
    for chosen, bubbles, bubble in joined(log, observed):
        pairs = Pairs(observed, towers, user[chosen], item[chosen], position[chosen], bubbles, bubble)
        order.append(chosen)
        parts.append(per_candidate(spec.features, pairs))
    columns = np.empty((len(log), parts[0].shape[1]), np.float32)
    columns[np.concatenate(order)] = np.concatenate(parts)
    return columns


def joined(log: pl.DataFrame, observed: Observed) -> Iterator[tuple[np.ndarray, Bubbles, np.ndarray]]:
    """A log's rows beside the bubbles of their requests, some requests at a time.

    Args:
        log: has `request`, `user` and `item`; a request is by one user.

    Yields:
        int64 (n,) row numbers, request by request; the bubbles of those requests; int64 (n,) the bubble of each row, -1
        where it carries none.
    """
    ids, first, owner = np.unique(log["request"].to_numpy(), return_index=True, return_inverse=True)
    user, item = log["user"].to_numpy(), log["item"].to_numpy()
    order = np.argsort(owner, kind="stable")
    for start in range(0, len(ids), REQUESTS_AT_ONCE):
        bubbles = join(observed, user[first[start : start + REQUESTS_AT_ONCE]])
        low, high = np.searchsorted(owner, (start, start + REQUESTS_AT_ONCE), sorter=order)
        chosen = order[low:high]
        yield chosen, bubbles, bubbles.find(owner[chosen] - start, item[chosen])


def held_out(request: np.ndarray, share: float, seed: int) -> np.ndarray:
    """bool (N,): the rows of the requests, (N,), that are kept out of training; the same for every ranker of a seed."""
    draws = keyed_uniforms(seed, "held_out", request, np.zeros_like(request), 1)
    return draws[:, 0] < share


def shuffled(count: int, batch: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """The row numbers of each batch of one epoch: int64 (batch,), the last one shorter."""
    order = stream(seed, "shuffle", epoch).permutation(count)
    for start in range(0, count, batch):
        yield order[start : start + batch]
