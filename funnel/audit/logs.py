"""The files of a folder of stage logs, and that each of them has the columns that the layout names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import polars as pl

from funnel.audit.layouts import layout
from funnel.audit.spec import LogSpec
from funnel.errors import InputError, unknown
from funnel.intake.drops import Gate
from funnel.intake.files import opened
from funnel.intake.recflow import ALL_STAGE

READERS: dict[str, Callable[[Path | list[Path]], pl.LazyFrame]] = {
    **dict.fromkeys((".feather", ".arrow", ".ipc"), partial(pl.scan_ipc, glob=False)),
    ".parquet": partial(pl.scan_parquet, glob=False),
}
"""who reads a file, or several of one schema, lazily; by suffix. Brackets and stars in names mean themselves"""

DAMAGED = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""what reading a damaged file ends in"""


@dataclass(frozen=True)
class Logs:
    """The logs of one folder; nothing of them is held but names and dtypes."""

    folder: Path
    spec: LogSpec
    schemas: dict[Path, pl.Schema]
    """columns and dtypes of each file, in the order of the names"""

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.schemas)

    def name(self, path: Path) -> str:
        """What a file is called in messages."""
        return str(path.relative_to(self.folder))

    def scan(self, paths: Sequence[Path]) -> pl.LazyFrame:
        """The used columns of files of one `run`, unread."""
        return READERS[paths[0].suffix](list(paths)).select(self.spec.used)

    def runs(self) -> list[list[Path]]:
        """The files in their order, those that follow each other with equal columns and dtypes together."""
        alike = groupby(self.schemas, key=lambda path: (path.suffix, self.schemas[path]))
        return [list(paths) for _, paths in alike]


def open_logs(source: Path, gate: Gate) -> Logs:
    """The logs of a folder; what is wrong with single files goes to the gate.

    Args:
        source: a folder of feather or parquet files, or one whose `all_stage/` holds them.

    Raises:
        InputError: no folder, no file that can be read, or nothing that says what the columns are.
    """
    folder = opened(source)
    inner = folder / ALL_STAGE
    there = (inner if inner.is_dir() else folder).iterdir()
    paths = sorted(path for path in there if path.suffix in READERS and path.is_file())
    if not paths:
        kinds = ", ".join(READERS)
        raise InputError(f"{folder}: should hold stage logs ({kinds}), or a folder `{ALL_STAGE}` of them. Found none.")
    schemas = {path: schema for path in paths if (schema := _schema(folder, path, gate)) is not None}
    if not schemas:
        gate.settle()
    first = next(iter(schemas))
    spec = layout(folder, schemas[first].names())
    logs = Logs(folder, spec, schemas)
    for path in schemas:
        for problem in _problems(logs, path, first):
            gate.refuse(logs.name(path), problem)
    return logs


def _schema(folder: Path, path: Path, gate: Gate) -> pl.Schema | None:
    """Columns and dtypes of a file; None where it has none, which the gate is told."""
    name = str(path.relative_to(folder))
    if path.stat().st_size == 0:
        gate.refuse(name, "should hold rows. Found 0 bytes. Write it anew, or take it out of the folder.")
        return None
    try:
        return READERS[path.suffix](path).collect_schema()
    except DAMAGED as error:
        gate.refuse(name, unreadable(path, error))
        return None


def unreadable(path: Path, error: BaseException) -> str:
    """The problem of a file that could not be read."""
    why = str(error).splitlines()[0].rstrip(".")
    return f"should be a readable {path.suffix[1:]} file. Found: {why}. Write it anew."


def _problems(logs: Logs, path: Path, first: Path) -> Iterator[str]:
    """What is wrong with the columns of a file: absent ones, and dtypes that cannot be what they are named for."""
    schema = logs.schemas[path]
    for column in logs.spec.used:
        if column not in schema:
            yield f"{unknown(column, schema.names(), 'a column of it')} Add it, or correct what names it."
        elif family(schema[column]) != family(logs.schemas[first].get(column, schema[column])):
            other = logs.schemas[first][column]
            yield (
                f"column `{column}` should be of the same kind as in {logs.name(first)}, {other}. "
                f"Found {schema[column]}. Write the files with one dtype."
            )
        elif family(schema[column]) not in (allowed := families(logs.spec, column)):
            yield f"column `{column}` should hold {' or '.join(allowed)}. Found {schema[column]}. Convert it."


def family(dtype: pl.DataType) -> str:
    """What the values of a dtype are; widths do not matter."""
    if dtype.is_integer() or dtype == pl.Boolean:
        return "integers"
    if dtype.is_float():
        return "numbers"
    return "text" if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum) else str(dtype)


def families(spec: LogSpec, column: str) -> tuple[str, ...]:
    """What a column may hold."""
    columns = spec.columns
    if column in (columns.request, columns.user, columns.item):
        return "integers", "text"
    if column in spec.slices:
        return "integers", "text", "numbers"
    if column == columns.stage:
        return ("text",)
    whole = (columns.time, columns.source, columns.bubble_count, *spec.reach, *spec.ranks.values())
    return ("integers",) if column in whole else ("integers", "numbers")
