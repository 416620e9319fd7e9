"""A team's own folder: `interactions`, and optionally `friends`, `items` and `users`, in any known type of file."""

from pathlib import Path

import polars as pl

from funnel.errors import InputError, unknown
from funnel.intake.columns import COLUMNS, ColumnsSpec
from funnel.intake.dataset import Measure
from funnel.intake.drops import Gate
from funnel.intake.files import find, names
from funnel.intake.layout import Files, Layout, Tables
from funnel.intake.table import table
from funnel.intake.values import UNITS, Column, Kind

KINDS: dict[str, dict[str, Kind]] = {
    "interactions": {"user": "id", "item": "id", "weight": "number", "rating": "number", "time": "time"},
    "friends": {"user": "id", "friend": "id", "weight": "number"},
    "items": {"item": "id", "creator": "id", "duration": "number", "published": "time"},
    "users": {"user": "id"},
}
"""the columns of each table, and what they hold"""
NEEDED = {"interactions": ("user", "item"), "friends": ("user", "friend"), "items": ("item",), "users": ("user",)}
"""without them the table is of no use"""
DURATIONS = ("time", "duration", "published")
"""what is in the unit that the TOML names"""


def files_of(folder: Path, columns: ColumnsSpec, which: tuple[str, ...] = tuple(KINDS)) -> Files:
    """The files of the named tables that are there, by the TOML or by their own names.

    Raises:
        InputError: the TOML names a file that is not there, or a table has several files; every problem at once.
    """
    found: dict[str, Path | None] = {}
    problems: list[str] = []
    for name in which:
        try:
            found[name] = _file(folder, columns, name)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return {name: [path] for name, path in found.items() if path is not None}


def read_one(name: str, files: Files, columns: ColumnsSpec, gate: Gate) -> pl.DataFrame | None:
    """One of the tables; None if there is none."""
    if name not in files:
        return None
    return table(files[name][0], _mapped(name, columns), gate, optional=name == "friends")


def _file(folder: Path, columns: ColumnsSpec, name: str) -> Path | None:
    file = getattr(columns, name).file
    if file is None:
        return find(folder, name)
    if file not in names(folder):
        raise InputError(f"{folder / COLUMNS}: {name}.file: {unknown(file, names(folder), 'a file of the folder')}")
    return folder / file


def _mapped(name: str, columns: ColumnsSpec) -> dict[str, Column]:
    """The columns of a table as the TOML names them."""
    said = getattr(columns, name)
    return {
        ours: Column(
            at=getattr(said, ours),
            kind=kind,
            unit=UNITS[columns.unit] if ours in DURATIONS else 1.0,
            needed=ours in NEEDED[name] or said.mapped(ours),
            key=f"{name}.{ours}",
            named=said.mapped(ours),
        )
        for ours, kind in KINDS[name].items()
    }


def _read(files: Files, columns: ColumnsSpec, gate: Gate) -> Tables:
    interactions = read_one("interactions", files, columns, gate)
    friends, items, users = (read_one(name, files, columns, gate) for name in ("friends", "items", "users"))
    measure: Measure = "event"
    if interactions is not None:
        interactions, measure = _weighed(files["interactions"][0].name, interactions, gate)
    return Tables(interactions, measure, friends, items, users)


def _weighed(file: str, frame: pl.DataFrame, gate: Gate) -> tuple[pl.DataFrame, Measure]:
    """What the weights are, which the columns tell."""
    if {"weight", "rating"} <= set(frame.columns):
        gate.refuse(file, "should have a weight or a rating. Found both. Take one of them out.")
    if "rating" in frame.columns:
        return frame.drop("weight", strict=False).rename({"rating": "weight"}), "rating"
    return frame, "count" if "weight" in frame.columns else "event"


LAYOUT = Layout(files_of, _read, frozenset({"unit", *KINDS}))
