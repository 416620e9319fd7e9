"""From a folder to a dataset: recognise the layout, read, check everything, then number the users and items."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel.errors import InputError
from funnel.intake import entities
from funnel.intake.columns import COLUMNS, ColumnsSpec, columns_of
from funnel.intake.dataset import Dataset, Events
from funnel.intake.drops import Gate
from funnel.intake.files import digest, names, opened
from funnel.intake.friendships import friendships
from funnel.intake.ids import coded, ordered
from funnel.intake.interactions import compact, known
from funnel.intake.layout import Files, Tables
from funnel.intake.layouts import LAYOUTS

FEWEST_USERS, FEWEST_ITEMS = 2, 10
"""a friendship takes two users, a slate about ten items"""


def load(source: Path, lenient: bool = False) -> Dataset:
    """The dataset of a folder.

    Args:
        source: the folder; docs/real_data.md says what it may hold.
        lenient: whether rows that break a rule are dropped and counted.

    Raises:
        InputError: every problem at once, each with file, rule, rows and remedy.
    """
    name, columns, files = _recognised(opened(source))
    gate = Gate(source, lenient)
    tables = LAYOUTS[name].read(files, columns, gate)
    if tables.interactions is None:
        gate.settle()
        raise AssertionError("a table that cannot be read is a problem")
    return _dataset(source, name, files, tables, tables.interactions, gate)


def content(source: Path) -> str:
    """Hash of the files that a load would read, and of what says how: equal folders load to equal datasets.

    Raises:
        InputError: the folder is not there, or is of no layout.
    """
    folder = opened(source)
    files = _recognised(folder)[2]
    said = [folder / COLUMNS] if (folder / COLUMNS).exists() else []
    return digest([*(path for paths in files.values() for path in paths), *said])


def _recognised(folder: Path) -> tuple[str, ColumnsSpec, Files]:
    """Name of the layout, the TOML beside the tables, and the files by table."""
    columns = columns_of(folder)
    tried = [columns.layout] if columns.layout else LAYOUTS
    found = {name: files for name in tried if "interactions" in (files := LAYOUTS[name].files(folder, columns))}
    if len(found) > 1:
        raise InputError(
            f"{folder}: should be of one layout. Found files of {', '.join(found)}. Name one as `layout` in {COLUMNS}."
        )
    if not found:
        raise InputError(_foreign(folder, columns))
    _heeded(folder, next(iter(found)), columns)
    return next((name, columns, files) for name, files in found.items())


def _heeded(folder: Path, layout: str, columns: ColumnsSpec) -> None:
    """Nothing that the TOML says is passed over.

    Raises:
        InputError: it names columns of a layout whose columns have fixed names.
    """
    idle = sorted(columns.model_fields_set - LAYOUTS[layout].keys - {"layout"})
    if idle:
        where = f"{folder / COLUMNS}: {', '.join(idle)}"
        raise InputError(f"{where}: is heeded in the layout tables alone. Found the layout {layout}. Take it out.")


def _foreign(folder: Path, columns: ColumnsSpec) -> str:
    there = names(folder)
    listed = ", ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    what = f"the interactions of the layout {columns.layout}" if columns.layout else "a table `interactions`"
    return f"{folder}: should hold {what}. Found {listed or 'no file'}. See docs/real_data.md for what a folder holds."


def _dataset(
    source: Path, layout: str, files: Files, tables: Tables, interactions: pl.DataFrame, gate: Gate
) -> Dataset:
    items_table, users_table = (
        entities.distinct(tables.items, "item", gate),
        entities.distinct(tables.users, "user", gate),
    )
    rows = known(interactions, users_table, items_table, gate)
    users, items = ordered(rows["user"]), ordered(rows["item"])
    entities.count_idle(users_table, "user", users, gate)
    entities.count_idle(items_table, "item", items, gate)
    friends = None if tables.friends is None else friendships(tables.friends, users, gate)
    events = None if tables.events is None else _placed(tables.events, users, items, gate)
    rows = compact(rows, users, items, gate)
    _enough(files, users, items, gate)
    dropped = gate.settle()
    return Dataset(
        name=source.resolve().name,
        layout=layout,
        files=tuple(path for paths in files.values() for path in paths),
        users=len(users),
        items=len(items),
        user_ids=users.to_numpy().astype(str),
        item_ids=items.to_numpy().astype(str),
        measure=tables.measure,
        dropped=dropped,
        **_interactions(rows, events),
        **_friends(friends),
        **_items(items_table, items, tables.own_creators),
    )


def _enough(files: Files, users: pl.Series, items: pl.Series, gate: Gate) -> None:
    for ids, what, fewest in ((users, "users", FEWEST_USERS), (items, "items", FEWEST_ITEMS)):
        if len(ids) < fewest:
            file = files["interactions"][0].name
            gate.refuse(file, f"should have sound rows of at least {fewest} {what}. Found {len(ids)}. Bring more data.")


def _placed(events: pl.DataFrame, users: pl.Series, items: pl.Series, gate: Gate) -> pl.DataFrame:
    """Events of users and items that have interactions."""
    placed = coded(events, user=users, item=items)
    kept = placed.drop_nulls(["user", "item"])
    if kept.height < placed.height:
        rule = "an event should be of a user and an item with interactions to be of use"
        gate.leave_out(events["file"][0], rule, placed.height - kept.height, "Nothing to do")
    return kept.select("user", "item", "time").unique().sort("user", "time", "item")


def _interactions(rows: pl.DataFrame, events: pl.DataFrame | None) -> dict[str, Any]:
    timed = rows if events is None and "time" in rows.columns else events
    return {
        "user": rows["user"].to_numpy(),
        "item": rows["item"].to_numpy(),
        "weight": rows["weight"].to_numpy().astype(np.float32)
        if "weight" in rows.columns
        else np.ones(rows.height, np.float32),
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


def _items(table: pl.DataFrame | None, items: pl.Series, own_creators: bool) -> dict[str, Any]:
    rows = pl.DataFrame({"item": items}) if table is None else entities.aligned(table, items)
    creator = np.arange(len(items), dtype=np.int32) if own_creators else None
    return {
        "creator": entities.creators(rows["creator"]) if "creator" in rows.columns else creator,
        "duration": _numbers(rows, "duration", np.float32),
        "published": _numbers(rows, "published", np.float64),
    }


def _numbers(rows: pl.DataFrame, column: str, dtype: Any) -> np.ndarray | None:
    return rows[column].to_numpy().astype(dtype) if column in rows.columns else None
