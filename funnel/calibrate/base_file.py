"""The base that a calibration writes: every field spelt out, and comments that say how it came about."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from funnel.errors import SpecError
from funnel.patch import Table

MARK = "# Written by a calibration."
"""how every file begins that may be written again"""


def place(name: str, scenarios: Path) -> Path:
    """Where the base of a name stands."""
    return scenarios / "base" / f"{name}.toml"


def check_place(name: str, scenarios: Path) -> None:
    """That a calibration may write here.

    Raises:
        SpecError: there is a base that no calibration wrote, which is then left alone.
    """
    path = place(name, scenarios)
    if path.exists() and not path.read_text(encoding="utf-8").startswith(MARK):
        raise SpecError(
            f"name: should not be that of a base which no calibration wrote. Found {path}. Choose another name."
        )


def write(path: Path, funnel: Table, heading: str, notes: Mapping[str, str]) -> None:
    """Writes the base beside its place and moves it there.

    Args:
        funnel: the table of the funnel.
        heading: what a reader should know first, in lines.
        notes: what stands behind a number, by path.
    """
    told = "".join(f"# {line}".rstrip() + "\n" for line in heading.splitlines())
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(f"{MARK}\n{told}{toml(funnel, notes)}", encoding="utf-8")
    os.replace(temporary, path)


def toml(table: Table, notes: Mapping[str, str]) -> str:
    """Plain tables as TOML, each table under a heading of its own, with notes behind their numbers."""
    return "".join(_lines(table, "", notes))


def _lines(table: Table, path: str, notes: Mapping[str, str]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if path and (plain or not table):
        yield f"\n[{path}]\n"
    for key, value in plain.items():
        note = notes.get(_under(path, key))
        yield f"{key} = {_value(value)}" + (f"  # {note}\n" if note else "\n")
    for key, inner in table.items():
        if isinstance(inner, dict):
            yield from _lines(inner, _under(path, key), notes)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _value(value: Any) -> str:
    """A scalar or a list of them, which TOML writes as JSON does."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
