"""The rows of a log as all layouts have them: one name and one dtype for what each column is.

Ids of text become 64-bit hashes: a table of a billion texts would not fit, and any two of a million meet with a
probability of some 3e-8.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from funnel.audit.logs import Logs
from funnel.audit.spec import LogSpec

ROW = "row"
"""number of the row among those of all files, from 0"""
REQUEST, USER, ITEM, TIME, REACH = "request", "user", "item", "time", "reach"
SOURCE, FRIEND, REFERENCE = "source", "friend", "reference"


def score(stage: str) -> str:
    return f"score.{stage}"


def label(task: str) -> str:
    return f"label.{task}"


def predicted(stage: str, task: str) -> str:
    return f"predicted.{stage}.{task}"


def sliced(column: str) -> str:
    return f"slice.{column}"


def raw(column: str) -> pl.Expr:
    """A column as the file has it; apart from ours, since files may call theirs the same."""
    return pl.col(_raw(column))


def flag(column: str) -> pl.Expr:
    """A 0/1 column of the file as a number, whether it holds numbers or truth values."""
    return raw(column).cast(pl.Int64)


def rows(logs: Logs, paths: Sequence[Path], start: int = 0) -> pl.LazyFrame:
    """The rows of files of one run, unread: their own columns as `raw` has them, and the columns of every layout.

    Args:
        start: number of the first row.
    """
    own = logs.scan(paths).rename(_raw).with_row_index(ROW, start)
    return own.with_columns(**columns(logs.spec, logs.schemas[paths[0]]))


def columns(spec: LogSpec, schema: pl.Schema) -> dict[str, pl.Expr]:
    """By name, each column of every layout: ids int64, `reach` the number of the last stage whose output the row is in
    (null where that is not known), scores float64 and other numbers float32, null where nothing is known."""
    own = spec.columns
    found = {name: _id(column, schema) for name, column in ((REQUEST, own.request), (USER, own.user), (ITEM, own.item))}
    found[REACH] = _reach(spec)
    if own.time:
        found[TIME] = raw(own.time).cast(pl.Int64, strict=False)  # a rule tells of those beyond
    if own.source:
        found[SOURCE] = raw(own.source).cast(pl.Int64, wrap_numerical=True)
    if own.bubble_count:
        found[FRIEND] = raw(own.bubble_count).fill_null(0) > 0
    found |= {name: raw(column).cast(_width(name)) for name, column in numbers(spec).items()}
    ranks = {stage: raw(column) for stage, column in spec.ranks.items() if stage not in spec.scores}
    found |= {score(stage): -pl.when(rank > 0).then(rank).cast(pl.Float64) for stage, rank in ranks.items()}
    return found | {sliced(column): raw(column).cast(pl.String).fill_null("none") for column in spec.slices}


def numbers(spec: LogSpec) -> dict[str, str]:
    """By name, the file's columns that hold one number a row: scores, labels and predictions."""
    found = {score(stage): column for stage, column in spec.scores.items()}
    found |= {REFERENCE: spec.columns.reference} if spec.columns.reference else {}
    found |= {label(task): column for task, column in spec.labels.items()}
    return found | {
        predicted(stage, task): column
        for stage, of_stage in spec.predictions.items()
        for task, column in of_stage.items()
    }


def _width(name: str) -> type[pl.DataType]:
    """The dtype of a number; scores that a stage tells apart must stay apart."""
    return pl.Float64 if name == REFERENCE or name.startswith(score("")) else pl.Float32


def names(spec: LogSpec) -> list[str]:
    """The columns of every layout that these logs have."""
    return [ROW, *columns(spec, pl.Schema())]


def _raw(column: str) -> str:
    return f"raw.{column}"


def _id(column: str, schema: pl.Schema) -> pl.Expr:
    dtype = schema.get(column, pl.Int64)
    if dtype.is_integer() and dtype not in (pl.Int128, pl.UInt128):
        return raw(column).cast(pl.Int64, wrap_numerical=True)
    return pl.when(raw(column).is_not_null()).then(raw(column).cast(pl.String).hash(0).reinterpret(signed=True))


def _reach(spec: LogSpec) -> pl.Expr:
    number = {stage: place for place, stage in enumerate(spec.stages)}
    if spec.columns.stage:
        named = raw(spec.columns.stage).cast(pl.String)
        return named.replace_strict(number, default=None, return_dtype=pl.UInt8)
    reached = [pl.when(flag(name) == 1).then(pl.lit(number[stage], pl.UInt8)) for name, stage in spec.reach.items()]
    return pl.max_horizontal(reached)
