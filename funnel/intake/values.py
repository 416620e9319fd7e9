"""What a column holds and how it is typed: ids as text, numbers and times as Float64."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from funnel.intake.columns import COLUMNS
from funnel.intake.rules import CORRECT, Rule

Kind = Literal["id", "number", "time"]
WORDS = {"id": "whole numbers or text", "number": "numbers", "time": "numbers or dates"}
"""what a column of each kind may hold"""
UNITS = {"seconds": 1.0, "milliseconds": 1e-3}
"""what times and durations may be in, in seconds"""
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
LATEST = 7_258_118_400
"""the year 2200, in seconds; a later time was meant in another unit"""
LOST = "\ufffd"
"""what stands where bytes were no UTF-8"""


@dataclass(frozen=True)
class Column:
    """A column to read."""

    at: str
    """what the file calls it"""
    kind: Kind = "id"
    unit: float = 1.0
    """what its numbers are multiplied by; brings times and durations to seconds"""
    needed: bool = True
    """whether the table is of no use without it"""
    key: str = ""
    """where the TOML beside the tables can name it"""
    named: bool = False
    """whether it does"""


def holds(dtype: pl.DataType, kind: Kind) -> bool:
    """Whether a column of this type can be of this kind."""
    if dtype in (pl.String, pl.Null) or isinstance(dtype, pl.Categorical | pl.Enum):
        return True
    if kind == "id":
        return dtype.is_integer()
    return dtype.is_numeric() or (kind == "time" and dtype in (pl.Date, pl.Datetime))


def typed(values: pl.Series, column: Column) -> pl.Series:
    """The values as strings, or as Float64 in seconds or as they are. A missing one is null, one of no sense NaN."""
    if values.dtype in (pl.Date, pl.Datetime):
        return values.dt.epoch("us") / 1e6
    if column.kind == "id":
        return _text(values)
    if values.dtype.is_numeric():
        return values.cast(pl.Float64) * column.unit
    return _number(_text(values), column)


def rules(name: str, column: Column) -> list[Rule]:
    """What should hold of every value of a column, once it is typed."""
    value, told = pl.col(name), f"`{column.at}` should be"
    given = Rule(f"{told} given", value.is_null())
    if column.kind == "id":
        return [given, Rule(f"{told} UTF-8", value.str.contains(LOST, literal=True), "Write the file in UTF-8")]
    if column.kind == "number":
        return [given, Rule(f"{told} a finite number", ~value.is_finite())]
    unit = next(word for word, seconds in UNITS.items() if seconds == column.unit)
    span = f"{told} a date or {unit} since 1970, up to the year 2200"
    remedy = f"{CORRECT}, or name the unit in {COLUMNS}" if column.key else CORRECT
    return [given, Rule(span, ~value.is_between(0, LATEST), remedy)]


def _text(values: pl.Series) -> pl.Series:
    text = values.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _number(text: pl.Series, column: Column) -> pl.Series:
    number = text.cast(pl.Float64, strict=False) * column.unit
    for date in DATES if column.kind == "time" else ():
        if number.null_count() > text.null_count():
            number = number.fill_null(text.str.to_datetime(date, strict=False).dt.epoch("us") / 1e6)
    return number.fill_null(float("nan")).set(text.is_null(), None)
