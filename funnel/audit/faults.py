"""What a row must hold by itself, and the one pass over the files that looks for rows that do not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnel.audit import rows
from funnel.audit.logs import DAMAGED, Logs, unreadable
from funnel.audit.rows import raw
from funnel.audit.spec import LogSpec
from funnel.intake.drops import Gate
from funnel.intake.rules import Rule
from funnel.tasks import TASK

VALUES = 50
"""distinct values that a slice column has at most: each is a slice of its own, with measures of its own"""


EARLIEST, LATEST = 100_000_000_000, 4_102_444_800_000
"""milliseconds from 1970 to 1973 and to 2100; seconds taken for milliseconds lie before that"""


@dataclass(frozen=True)
class Found:
    """What the pass has seen of sound and unsound rows together."""

    rows: tuple[int, ...]
    """of each file"""
    first: int | None
    """least and greatest time of a request in milliseconds; None where the log tells none"""
    last: int | None
    values: dict[str, list[str]]
    """distinct values of each slice column, sorted"""


def rules(spec: LogSpec) -> list[Rule]:
    """Every rule that these logs' columns are under."""
    ids = (spec.columns.request, spec.columns.user, spec.columns.item, spec.columns.time)
    found = [Rule(f"`{column}` should be given", raw(column).is_null(), "Fill it in") for column in ids if column]
    return [*found, *_of_time(spec), *_of_stages(spec), *_of_numbers(spec)]


def _of_time(spec: LogSpec) -> Iterator[Rule]:
    if spec.columns.time:
        text = f"`{spec.columns.time}` should be milliseconds since 1970, after 1972 and before 2100"
        outside = ~pl.col(rows.TIME).is_between(EARLIEST, LATEST).fill_null(raw(spec.columns.time).is_null())
        yield Rule(text, outside, "Convert it")


def _of_stages(spec: LogSpec) -> Iterator[Rule]:
    if spec.columns.stage:
        known = ", ".join(f"`{stage}`" for stage in spec.stages)
        stage = rows.REACH
        yield Rule(f"`{spec.columns.stage}` should be one of {known}", pl.col(stage).is_null(), "Correct it")
        return
    flags = ", ".join(f"`{flag}`" for flag in spec.reach)
    for flag in spec.reach:
        yield Rule(f"`{flag}` should be 0 or 1", ~rows.flag(flag).is_in([0, 1]).fill_null(False), "Correct it")
    none = pl.all_horizontal(rows.flag(flag).eq_missing(0) for flag in spec.reach)
    yield Rule(f"a row should be in a stage: one of {flags} should be 1", none, "Say where the funnel left the row")
    number = {stage: place for place, stage in enumerate(spec.stages)}
    for flag in spec.cut:
        further = (rows.flag(flag) == 1) & (pl.col(rows.REACH) > number[spec.reach[flag]])
        yield Rule(
            f"a row with `{flag}` should have gone no further", further.fill_null(False), "Correct one of its flags"
        )


def _of_numbers(spec: LogSpec) -> Iterator[Rule]:
    labels = {rows.label(task): task for task in spec.labels}
    predictions = {rows.predicted(stage, task): task for stage, of in spec.predictions.items() for task in of}
    for name, column in rows.numbers(spec).items():
        number, binary = pl.col(name), is_binary(labels.get(name, predictions.get(name)))
        if name in labels and binary:
            text, holds = "be 0 or 1, or null where it could not happen", (number == 0) | (number == 1)
        elif name in predictions and binary:
            text, holds = "be a probability, or null where none was predicted", number.is_between(0, 1)
        else:
            text, holds = "be a finite number, or null where none is known", number.is_finite()
        yield Rule(f"`{column}` should {text}", ~holds.fill_null(True), "Correct it, or make it null")


def is_binary(task: str | None) -> bool:
    """Whether a task happens or not; one that the catalogue lacks does."""
    return task is not None and (task not in TASK or TASK[task].kind == "binary")


def sound(spec: LogSpec) -> pl.Expr:
    """bool: the row breaks no rule."""
    return ~pl.any_horizontal(rule.broken for rule in rules(spec))


def look(logs: Logs, path: Path, gate: Gate) -> Found:
    """Reads one file through, and tells the gate of the rows that break a rule, or that the file is damaged."""
    checked, spec = rules(logs.spec), logs.spec
    asked = [pl.len().alias("rows")]
    for number, rule in enumerate(checked):
        asked += [rule.broken.sum().alias(f"broken {number}"), _first(rule).alias(f"first {number}")]
    time = pl.col(rows.TIME) if spec.columns.time else pl.lit(None, pl.Int64)
    asked += [time.min().alias("from"), time.max().alias("to")]
    asked += [_values(rows.sliced(column)) for column in spec.slices]
    try:
        seen = rows.rows(logs, [path]).select(asked).collect(engine="streaming").row(0, named=True)
    except DAMAGED as error:
        gate.refuse(logs.name(path), unreadable(path, error))
        return Found((0,), None, None, {column: [] for column in spec.slices})
    for number, rule in enumerate(checked):
        if count := seen[f"broken {number}"]:
            gate.broken(logs.name(path), rule.text, count, seen[f"first {number}"] + 1, rule.remedy)
    values = {column: sorted(seen[rows.sliced(column)]) for column in spec.slices}
    return Found((seen["rows"],), seen["from"], seen["to"], values)


def _values(column: str) -> pl.Expr:
    """The distinct values of a slice column, as a list; one too many where there are too many, lest all be held."""
    return pl.col(column).unique().head(VALUES + 1).implode().alias(column)


def _first(rule: Rule) -> pl.Expr:
    return pl.when(rule.broken).then(pl.col(rows.ROW)).min()


def together(logs: Logs, found: list[Found], gate: Gate) -> Found:
    """What all files hold; that this is nothing, or too many values of a slice column, is told to the gate."""
    if not any(sum(one.rows) for one in found):
        gate.refuse("", "should hold rows. Found none in any file. Name the folder of the logs.")
    values = {column: sorted({value for one in found for value in one.values[column]}) for column in logs.spec.slices}
    for column, of_column in values.items():
        if len(of_column) > VALUES:
            gate.refuse(
                "",
                f"slice column `{column}` should have at most {VALUES} values. Found more. "
                "Take it out of `slices`, or make fewer groups of its values.",
            )
    first = [one.first for one in found if one.first is not None]
    last = [one.last for one in found if one.last is not None]
    counts = tuple(count for one in found for count in one.rows)
    return Found(counts, min(first, default=None), max(last, default=None), values)
