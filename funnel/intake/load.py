"""From a folder to a dataset: recognise the layout, read, check everything, then number the users and items."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel.intake import entities
from funnel.intake.check import Checked, check
from funnel.intake.columns import COLUMNS
from funnel.intake.dataset import Dataset, Events
from funnel.intake.drops import Gate
from funnel.intake.files import digest
from funnel.intake.layouts import LAYOUTS
from funnel.intake.recognise import recognised


def load(source: Path, lenient: bool = False) -> Dataset:
    """The dataset of a folder.

    Args:
        source: the folder; docs/real_data.md says what it may hold.
        lenient: whether rows that break a rule are dropped and counted.

    Raises:
        InputError: every problem at once, each with file, rule, rows and remedy.
    """
    folder, gate = recognised(source), Gate(source, lenient)
    tables = LAYOUTS[folder.layout].read(folder.files, folder.columns, gate)
    if tables.interactions is None:
        gate.settle()
        raise AssertionError("a table that cannot be read is a problem, and problems do not settle")
    checked = check(tables, tables.interactions, folder.files["interactions"][0].name, gate)
    return Dataset(
        name=source.resolve().name,
        layout=folder.layout,
        files=folder.read,
        measure=tables.measure,
        dropped=gate.settle(),
        **_ids(checked),
        **_interactions(checked),
        **_friends(checked.friends),
        **_items(checked, tables.own_creators),
    )


def content(source: Path) -> str:
    """Hash of the files that a load would read, and of what says how: equal folders load to equal datasets.

    Raises:
        InputError: the folder is not there, or is of no layout.
    """
    folder = recognised(source)
    said = folder.path / COLUMNS
    return digest([*folder.read, *([said] if said.exists() else [])])


def _ids(checked: Checked) -> dict[str, Any]:
    return {
        "users": len(checked.users),
        "items": len(checked.items),
        "user_ids": checked.users.to_numpy().astype(str),
        "item_ids": checked.items.to_numpy().astype(str),
    }


def _interactions(checked: Checked) -> dict[str, Any]:
    rows = checked.interactions
    timed = rows if checked.events is None and "time" in rows.columns else checked.events
    weight = _numbers(rows, "weight", np.float32)
    return {
        "user": rows["user"].to_numpy(),
        "item": rows["item"].to_numpy(),
        "weight": np.ones(rows.height, np.float32) if weight is None else weight,
        "time": _numbers(rows, "time", np.float64),
        "events": None if timed is None else _events(timed),
    }


def _events(timed: pl.DataFrame) -> Events:
    return timed["user"].to_numpy(), timed["item"].to_numpy(), timed["time"].to_numpy()


def _friends(friends: pl.DataFrame | None) -> dict[str, Any]:
    if friends is None or friends.is_empty():
        return {"friends": None, "friend_weight": None}
    pairs = friends.select("low", "high").to_numpy()
    return {"friends": np.ascontiguousarray(pairs), "friend_weight": _numbers(friends, "weight", np.float32)}


def _items(checked: Checked, own_creators: bool) -> dict[str, Any]:
    rows = entities.aligned(checked.catalogue, checked.items)
    creator = np.arange(rows.height, dtype=np.int32) if own_creators else None
    return {
        "creator": entities.creators(rows["creator"]) if "creator" in rows.columns else creator,
        "duration": _numbers(rows, "duration", np.float32),
        "published": _numbers(rows, "published", np.float64),
    }


def _numbers(rows: pl.DataFrame, column: str, dtype: Any) -> np.ndarray | None:
    return rows[column].to_numpy().astype(dtype) if column in rows.columns else None
