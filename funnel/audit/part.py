"""Some whole requests of a log as the ledger that all measures read, and beside it what only logs have.

What logs cannot tell is empty or 0 in the ledger: true values, the oracle's items, what else a user's friends are. No
measure that asks for it is asked here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from funnel.audit import rows
from funnel.audit.census import groups
from funnel.audit.spec import LogSpec
from funnel.candidates import Candidates
from funnel.metrics.ledger import Ledger
from funnel.metrics.slices import Slices, friend_or_other

CELLS = 4_000_000
"""cells of requests times candidates that are held at a time: selecting pads all requests to the greatest pool"""


@dataclass(frozen=True)
class Part:
    """R requests and n rows."""

    ledger: Ledger
    spec: LogSpec
    group: np.ndarray
    """int64 (R,): group of users that the request goes with"""
    reach: np.ndarray
    """uint8 (n,): number of the last stage whose output the row is in"""
    scores: dict[str, np.ndarray]
    """float32 (n,) a stage: what orders a request's rows as it sorts them; nan where it did not score the row"""
    judge: np.ndarray
    """float32 (n,): the same of the reference's score, or of the late stage's own; nan where unknown"""
    slices: Slices
    """bool (n,) each: `all`, and the rows by which the log tells measures apart"""

    def past(self, stage: str) -> np.ndarray:
        """bool (n,): the rows in a stage's output."""
        return self.reach >= self.spec.stages.index(stage)

    @property
    def stages(self) -> Slices:
        """bool (n,) a stage, in funnel order: the rows in its output."""
        return {stage: self.past(stage) for stage in self.spec.stages}

    def score(self, stage: str) -> np.ndarray:
        """float32 (n,): a stage's score; nan where nothing is known."""
        return self.scores.get(stage, np.full(len(self.reach), np.nan, np.float32))


def parts(table: pl.DataFrame, spec: LogSpec, slate_size: int, values: dict[str, list[str]]) -> Iterator[Part]:
    """The rows of a bucket, some requests at a time, those of like pools together.

    Args:
        table: sound rows, by request and item.
        values: of each slice column.
    """
    pool = pl.len().over(rows.REQUEST).alias("pool")
    table = table.with_columns(pool).sort("pool", maintain_order=True)
    begins = _begins(table[rows.REQUEST].to_numpy())
    pools, start = np.diff(begins), 0
    while start < len(pools):
        # Pools rise, so the last of a part is its greatest.
        cells = pools[start:] * np.arange(1, len(pools) - start + 1)
        stop = start + max(1, int(np.searchsorted(cells, CELLS, side="right")))
        yield part(table[int(begins[start]) : int(begins[stop])], spec, slate_size, values)
        start = stop


def part(table: pl.DataFrame, spec: LogSpec, slate_size: int, values: dict[str, list[str]]) -> Part:
    """Whole requests, one after another, as a ledger."""
    begins, reach = _begins(table[rows.REQUEST].to_numpy()), table[rows.REACH].to_numpy()
    scores = {stage: _order(table, rows.score(stage)) for stage in spec.scored}
    late = scores.get(spec.late, np.full(len(table), np.nan, np.float32))
    judge = _order(table, rows.REFERENCE) if spec.columns.reference else late
    ledger = _ledger(table, spec, slate_size, begins, reach, scores, judge)
    slices = _slices(table, spec, ledger, values)
    return Part(ledger, spec, groups(table[rows.USER].to_numpy()[begins[:-1]]), reach, scores, judge, slices)


def _ledger(
    table: pl.DataFrame,
    spec: LogSpec,
    slate_size: int,
    begins: np.ndarray,
    reach: np.ndarray,
    scores: dict[str, np.ndarray],
    judge: np.ndarray,
) -> Ledger:
    n, requests = len(table), len(begins) - 1
    no, zeros = np.zeros(n, bool), np.zeros(n, np.float32)
    early = reach >= spec.stages.index(spec.early)
    source = table[rows.SOURCE].fill_null(0).to_numpy() if spec.columns.source else np.zeros(n, np.int64)
    return Ledger(
        rows=Candidates(begins, table[rows.ITEM].to_numpy(), source, zeros),
        oracle=no,
        retrieved=np.ones(n, bool),
        early=early,
        granted=no,
        slate=reach == len(spec.stages) - 1,
        value=zeros,
        rest_value=zeros,
        friend=table[rows.FRIEND].to_numpy() if spec.columns.bubble_count else no,
        closeness=zeros,
        fresh=no,
        small=no,
        early_score=np.nan_to_num(scores.get(spec.early, zeros)),
        late_score=np.nan_to_num(scores.get(spec.late, zeros)),
        reference_score=np.nan_to_num(judge),
        blind_oracle=no,
        oracle_value=np.zeros(requests, np.float32),
        friends=np.zeros(requests, np.int64),
        truth={},
        predicted={
            stage: {task: _known(table, rows.predicted(stage, task)) for task in of_stage}
            for stage, of_stage in spec.predictions.items()
        },
        labels={task: _known(table, rows.label(task)) for task in spec.labels},
        keep=spec.keep or np.maximum(np.add.reduceat(early.astype(np.int64), begins[:-1]), 1),
        slate_size=slate_size,
    )


def _slices(table: pl.DataFrame, spec: LogSpec, ledger: Ledger, values: dict[str, list[str]]) -> Slices:
    slices = friend_or_other(ledger) if spec.columns.bubble_count else {"all": np.ones(len(table), bool)}
    for column, of_column in values.items():
        found = table[rows.sliced(column)]
        if set(of_column) <= {"0", "1"}:
            slices[column] = (found == "1").to_numpy()
        else:
            slices |= {f"{column}={value}": (found == value).to_numpy() for value in of_column}
    for bit, name in enumerate(spec.sources):
        slices[f"source={name}"] = (ledger.rows.source >> bit & 1).astype(bool)
    return slices


def _order(table: pl.DataFrame, column: str) -> np.ndarray:
    """float32 (n,), nan for null: a score, or its place among those of its request where float32 would make equal what
    differs. Measures ask for the order inside a request and for nothing else."""
    score = table[column]
    if not score.cast(pl.Float32).cast(pl.Float64).eq_missing(score).all():
        table = table.select(pl.col(column).rank("dense").over(rows.REQUEST))
    return _known(table.select(pl.col(column).cast(pl.Float32)), column)


def _known(table: pl.DataFrame, column: str) -> np.ndarray:
    """float32 (n,): the column, nan for null."""
    return table[column].fill_null(np.nan).to_numpy()


def _begins(request: np.ndarray) -> np.ndarray:
    """int64 (R + 1,): where each request begins, and the end."""
    first = np.append(True, request[1:] != request[:-1])[: len(request)]
    return np.append(np.flatnonzero(first), len(request))
