"""What a layout is: how the files of one publisher come to the tables that all of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnel.intake.columns import ColumnsSpec
from funnel.intake.dataset import Measure
from funnel.intake.drops import Gate

Files = dict[str, list[Path]]
"""files by table"""


@dataclass(frozen=True)
class Tables:
    """What a layout reads. Tables have `file`, `row`, `told`; ids as strings, numbers as Float64, times in seconds."""

    interactions: pl.DataFrame | None
    """user, item, and where there are any: weight, time; None if it could not be read"""
    measure: Measure
    friends: pl.DataFrame | None = None
    """user, friend, and where there is any: weight"""
    items: pl.DataFrame | None = None
    """item, and where there are any: creator, duration (seconds), published"""
    users: pl.DataFrame | None = None
    """user"""
    events: pl.DataFrame | None = None
    """user, item, time"""
    own_creators: bool = False
    """whether every item is its own creator"""


@dataclass(frozen=True)
class Layout:
    """One layout."""

    files: Callable[[Path, ColumnsSpec], Files]
    """the files of a folder that it would read; without `interactions`, the folder is not of this layout"""
    read: Callable[[Files, ColumnsSpec, Gate], Tables]
    """their tables"""
    keys: frozenset[str] = frozenset()
    """what of the TOML beside the tables it heeds"""
