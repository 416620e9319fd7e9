"""One table of a user's folder, read and typed: ids as text, numbers as numbers, and where each row stood."""

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from funnel.errors import unknown
from funnel.intake.columns import COLUMNS, TableColumns
from funnel.intake.drops import Gate
from funnel.intake.files import BINARIES, SEPARATORS, kind
from funnel.intake.rules import Rule, sift

EXTRA = "fields beyond the header"
Kind = Literal["id", "number", "time"]
LOST = "\ufffd"
"""what stands where bytes were no UTF-8"""
LATEST = 7_258_118_400
"""the year 2200, in seconds; a later time was meant in another unit"""


@dataclass(frozen=True)
class Column:
    """A column to read."""

    at: str
    """what the file calls it"""
    kind: Kind = "id"
    needed: bool = True
    """whether the table is of no use without it"""
    key: str = ""
    """its path in the TOML beside the tables, where a user can name it"""
    named: bool = False
    """whether the user did"""


def mapped(table: str, columns: TableColumns, kinds: Mapping[str, Kind], needed: Sequence[str]) -> dict[str, Column]:
    """The columns of a table as its TOML names them.

    Args:
        table: the key of the table in the TOML.
        kinds: our names of the columns, and what they hold.
        needed: those without which the table is of no use.
    """
    return {
        name: Column(
            getattr(columns, name),
            kind,
            name in needed or columns.mapped(name),
            f"{table}.{name}",
            columns.mapped(name),
        )
        for name, kind in kinds.items()
    }


def table(
    path: Path,
    columns: Mapping[str, Column],
    gate: Gate,
    header: Sequence[str] | None = None,
    optional: bool = False,
) -> pl.DataFrame | None:
    """The sound rows of one file.

    Args:
        path: parquet, feather, or text with a header; text may be compressed (`.gz`).
        columns: our names, and where they stand.
        gate: is told of everything that is wrong.
        header: the names of a text file that has none itself.
        optional: whether a lenient gate can go on without the table if it has no rows.

    Returns:
        `file`, `row` (from 1), and the columns found: ids as strings, numbers and times (seconds) as Float64. None
        where there is nothing to read.
    """
    if path.stat().st_size == 0:
        gate.refuse(path.name, "should be a table. Found 0 bytes. Write the file again, or take it away.")
        return None
    try:
        lazy, known = _binary(path) if kind(path) in BINARIES else _text(path, header)
        found = _found(path, columns, known, gate)
        if found is None:
            return None
        frame = lazy.select(found).with_row_index("row", offset=1).collect()
    except (pl.exceptions.PolarsError, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        gate.refuse(path.name, f"should be a readable {kind(path)[1:]} file. Found: {why}. Write it again.")
        return None
    if frame.is_empty():
        _empty(path, gate, optional)
        return None
    return _sound(path, frame, columns, gate)


def together(frames: Sequence[pl.DataFrame | None]) -> pl.DataFrame | None:
    """The rows of several files of one table; None where one of them could not be read."""
    read = [frame for frame in frames if frame is not None]
    return pl.concat(read) if read and len(read) == len(frames) else None


def _empty(path: Path, gate: Gate, optional: bool) -> None:
    rule, remedy = "should have rows. Found a header alone", "Take the file away if there is nothing to tell"
    if optional:
        gate.ignore(path.name, rule, remedy)
    else:
        gate.refuse(path.name, f"{rule}. Write the file again.")


def _binary(path: Path) -> tuple[pl.LazyFrame, list[str]]:
    lazy = pl.scan_parquet(path, glob=False) if kind(path) == ".parquet" else pl.scan_ipc(path)
    return lazy, lazy.collect_schema().names()


def _text(path: Path, header: Sequence[str] | None) -> tuple[pl.LazyFrame, list[str]]:
    """All columns as text, with one column more, which holds what stands beyond the header."""
    separator = SEPARATORS[kind(path)]
    quote = '"' if separator == "," else None
    names = list(header or _header(path, separator, quote))
    unique = [name if name not in names[:place] else f"{name}\0{place}" for place, name in enumerate(names)]
    lazy = pl.scan_csv(
        path,
        has_header=header is None,
        separator=separator,
        quote_char=quote,
        schema=dict.fromkeys([*unique, EXTRA], pl.String),
        missing_columns="insert",
        extra_columns="ignore",
        encoding="utf8-lossy",
        glob=False,
    )
    return lazy, names


def _header(path: Path, separator: str, quote: str | None) -> list[str]:
    opener: Callable = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        line = file.readline().rstrip("\r\n")
    return next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE), [])


def _found(path: Path, columns: Mapping[str, Column], known: list[str], gate: Gate) -> list[pl.Expr] | None:
    """What to select of a file; None, and the gate is told, where a column is not there once."""
    absent = {name: column for name, column in columns.items() if column.at not in known}
    for column in (column for column in absent.values() if column.needed):
        gate.refuse(path.name, _missing(column, known, path))
    twice = sorted({column.at for column in columns.values() if known.count(column.at) > 1})
    if twice:
        gate.refuse(path.name, f"should name each column once. Found twice: {', '.join(twice)}. Rename one.")
    if twice or any(column.needed for column in absent.values()):
        return None
    extra = [] if kind(path) in BINARIES else [pl.col(EXTRA)]
    return [pl.col(column.at).alias(name) for name, column in columns.items() if name not in absent] + extra


def _missing(column: Column, known: list[str], path: Path) -> str:
    if column.named:
        return f"{COLUMNS} names its {column.key}. {unknown(column.at, known, 'a column of the file')}"
    found = ", ".join(f"`{name}`" for name in known) or "none"
    remedy = f"Name the right one in {COLUMNS} as `{column.key}`" if column.key else "Add it"
    return f"should have a column `{column.at}`. Found {found}. {remedy}."


def _sound(path: Path, frame: pl.DataFrame, columns: Mapping[str, Column], gate: Gate) -> pl.DataFrame | None:
    """The rows whose values are of their kind, typed."""
    kinds = {name: column for name, column in columns.items() if name in frame.columns}
    wrong = [name for name, column in kinds.items() if not _holds(frame.schema[name], column.kind)]
    for name in wrong:
        gate.refuse(
            path.name, f"`{kinds[name].at}` should hold {WORDS[kinds[name].kind]}. Found {frame.schema[name]}. Cast it."
        )
    if wrong:
        return None
    typed = frame.with_columns(
        pl.lit(path.name).alias("file"), *(_typed(frame, name, column.kind) for name, column in kinds.items())
    )
    rules = [rule for name, column in kinds.items() for rule in _rules(name, column)]
    if EXTRA in frame.columns:
        rules.insert(0, Rule("a row should have as many fields as the header", pl.col(EXTRA).is_not_null()))
    return sift(typed, rules, gate).select("file", "row", *kinds)


WORDS = {"id": "whole numbers or text", "number": "numbers", "time": "seconds since 1970"}


def _holds(dtype: pl.DataType, kind: str) -> bool:
    if dtype in (pl.String, pl.Null) or isinstance(dtype, pl.Categorical | pl.Enum):
        return True
    if kind == "id":
        return dtype.is_integer()
    return dtype.is_numeric() or (kind == "time" and dtype in (pl.Date, pl.Datetime))


def _typed(frame: pl.DataFrame, name: str, kind: str) -> pl.Expr:
    """A missing value is null; one that is no number is NaN."""
    values, dtype = pl.col(name), frame.schema[name]
    if kind == "time" and dtype in (pl.Date, pl.Datetime):
        return values.dt.epoch("us") / 1e6
    if dtype.is_numeric():
        return values.cast(pl.String if kind == "id" else pl.Float64)
    text = values.cast(pl.String).str.strip_chars()
    text = pl.when(text != "").then(text)
    if kind == "id":
        return text.alias(name)
    number = text.cast(pl.Float64, strict=False)
    return pl.when(text.is_not_null()).then(number.fill_null(float("nan"))).alias(name)


def _rules(name: str, column: Column) -> list[Rule]:
    value, given = pl.col(name), Rule(f"`{column.at}` should be given", pl.col(name).is_null())
    match column.kind:
        case "id":
            lost = value.str.contains(LOST, literal=True)
            return [given, Rule(f"`{column.at}` should be UTF-8", lost, "Write the file in UTF-8")]
        case "number":
            return [given, Rule(f"`{column.at}` should be a finite number", ~value.is_finite())]
    span = Rule(f"`{column.at}` should be seconds since 1970, before the year 2200", ~value.is_between(0, LATEST))
    return [given, Rule(f"`{column.at}` should be a finite number", ~value.is_finite()), span]
