"""One table of a user's folder: read, typed, and its rows checked value by value."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from funnel.errors import unknown
from funnel.intake import text, values
from funnel.intake.columns import COLUMNS
from funnel.intake.drops import Gate
from funnel.intake.files import BINARIES, kind
from funnel.intake.rules import TOLD, Rule, sift
from funnel.intake.values import Column

Columns = Mapping[str, Column]
"""our names, and where they stand"""
UNREADABLE = (pl.exceptions.PolarsError, OSError, EOFError, csv.Error, UnicodeError)


def table(
    path: Path, columns: Columns, gate: Gate, header: Sequence[str] | None = None, optional: bool = False
) -> pl.DataFrame | None:
    """The sound rows of one file.

    Args:
        path: parquet, feather, or text with a header; text may be compressed (`.gz`).
        columns: what to read.
        gate: is told of everything that is wrong.
        header: the names of a text file that has none itself.
        optional: whether a lenient gate can go on without the table if it has no rows.

    Returns:
        `file`, `row` (from 1), `TOLD`, and the columns found: ids as strings, numbers and times (seconds) as Float64.
        None where there is nothing to read.
    """
    if path.stat().st_size == 0:
        gate.refuse(path.name, "should be a table. Found 0 bytes. Write the file again, or take it away.")
        return None
    try:
        frame = _collected(path, columns, gate, header)
    except UNREADABLE as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        gate.refuse(path.name, f"should be a readable {kind(path)[1:]} file. Found: {why}. {_look(path, error)}.")
        return None
    if frame is not None and frame.is_empty():
        _empty(path, gate, optional)
        return None
    return None if frame is None else _sound(path, frame, columns, gate)


def _look(path: Path, error: Exception) -> str:
    """What to do about a file that cannot be read."""
    if isinstance(error, UnicodeError):
        return "Write it in UTF-8"
    return "Look for a quote that is not closed, or write it again" if kind(path) == ".csv" else "Write it again"


def together(frames: Sequence[pl.DataFrame | None]) -> pl.DataFrame | None:
    """The rows of several files of one table; None where one of them could not be read."""
    read = [frame for frame in frames if frame is not None]
    return pl.concat(read) if read and len(read) == len(frames) else None


def _collected(path: Path, columns: Columns, gate: Gate, header: Sequence[str] | None) -> pl.DataFrame | None:
    lazy, known = _binary(path) if kind(path) in BINARIES else text.scan(path, header)
    if not _complete(path, columns, known, gate):
        return None
    beyond = [] if kind(path) in BINARIES else [pl.col(text.BEYOND)]
    found = [pl.col(column.at).alias(name) for name, column in columns.items() if column.at in known]
    frame = lazy.select(*found, *beyond).with_row_index("row", offset=1).collect()
    return frame if kind(path) in BINARIES else _ended(frame)


def _ended(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows without blank lines at the end, which many programs leave there and which tell of nothing."""
    told = frame.select(pl.any_horizontal(pl.exclude("row").is_not_null()).arg_true()).to_series()
    return frame.head(int(told[-1]) + 1 if len(told) else 0)


def _binary(path: Path) -> tuple[pl.LazyFrame, list[str]]:
    lazy = pl.scan_parquet(path, glob=False) if kind(path) == ".parquet" else pl.scan_ipc(path, glob=False)
    return lazy, lazy.collect_schema().names()


def _complete(path: Path, columns: Columns, known: list[str], gate: Gate) -> bool:
    """Whether every column that is needed is there, and each once; the gate is told of the others."""
    absent = [column for column in columns.values() if column.needed and column.at not in known]
    for column in absent:
        gate.refuse(path.name, _missing(column, known))
    twice = sorted({f"`{column.at}`" for column in columns.values() if known.count(column.at) > 1})
    if twice:
        gate.refuse(path.name, f"should have each column once. Found {', '.join(twice)} again. Rename the others.")
    return not absent and not twice


def _missing(column: Column, known: list[str]) -> str:
    what = unknown(column.at, known, "a column of the file")
    if column.named:
        return f"should have the column that {COLUMNS} names. {column.key}: {what}"
    remedy = f"Add it, or say in {COLUMNS} what it is called: {column.key}" if column.key else "Add it"
    return f"should have all columns that are needed. {what} {remedy}."


def _empty(path: Path, gate: Gate, optional: bool) -> None:
    rule = "should have rows. Found a header alone"
    if optional:
        gate.ignore(path.name, rule, "Take the file away if there is nothing to tell")
    else:
        gate.refuse(path.name, f"{rule}. Write the file again.")


def _sound(path: Path, frame: pl.DataFrame, columns: Columns, gate: Gate) -> pl.DataFrame | None:
    """The rows whose values are of their kind, typed."""
    found = {name: column for name, column in columns.items() if name in frame.columns}
    wrong = {name: column for name, column in found.items() if not values.holds(frame.schema[name], column.kind)}
    for name, column in wrong.items():
        found_type = f"Found {frame.schema[name]}. Write it so."
        gate.refuse(path.name, f"`{column.at}` should hold {values.WORDS[column.kind]}. {found_type}")
    if wrong:
        return None
    rules = [rule for name, column in found.items() for rule in values.rules(name, column)]
    if text.BEYOND in frame.columns:
        rules.insert(0, Rule("a row should have as many fields as the header", pl.col(text.BEYOND).is_not_null()))
    series = [values.typed(frame[name], column).alias(name) for name, column in found.items()]
    typed = frame.with_columns(pl.lit(path.name).alias("file"), pl.lit(False).alias(TOLD), *series)
    return sift(typed, rules, gate).select("file", "row", TOLD, *found)
