"""HetRec 2011 Last.fm: how often users played artists, who is whose friend, and who tagged which artist when.

Source: I. Cantador, P. Brusilovsky, T. Kuflik, "2nd Workshop on Information Heterogeneity and Fusion in Recommender
Systems", RecSys 2011. Names of artists and tags mix encodings and are not read. An artist is its own creator.
"""

from pathlib import Path

import polars as pl

from funnel.intake.columns import ColumnsSpec
from funnel.intake.drops import Gate
from funnel.intake.files import names
from funnel.intake.layout import Files, Layout, Tables
from funnel.intake.rules import Rule, sift
from funnel.intake.table import table
from funnel.intake.values import Column

FILES = {"interactions": "user_artists.dat", "friends": "user_friends.dat", "events": "user_taggedartists.dat"}
COLUMNS = {
    "interactions": {"user": Column("userID"), "item": Column("artistID"), "weight": Column("weight", "number")},
    "friends": {"user": Column("userID"), "friend": Column("friendID")},
    "events": {
        "user": Column("userID"),
        "item": Column("artistID"),
        **{unit: Column(unit, "number") for unit in ("day", "month", "year")},
    },
}
OPENED = 2002
"""the year in which Last.fm opened; the set holds a few tags of 1956 to 1979"""


def _files(folder: Path, columns: ColumnsSpec) -> Files:
    there = names(folder)
    return {table: [folder / name] for table, name in FILES.items() if name in there}


def _read(files: Files, columns: ColumnsSpec, gate: Gate) -> Tables:
    read = {
        name: table(paths[0], COLUMNS[name], gate, optional=name != "interactions") for name, paths in files.items()
    }
    events = read.get("events")
    return Tables(
        interactions=read["interactions"],
        measure="count",
        friends=read.get("friends"),
        events=None if events is None else _events(events, gate),
        own_creators=True,
    )


def _events(tags: pl.DataFrame, gate: Gate) -> pl.DataFrame:
    """That a user tagged an artist on a day; one row a tag."""
    units = [pl.col(unit).cast(pl.Int32, strict=False) for unit in ("year", "month", "day")]
    day = pl.format("{}-{}-{}", *units).str.to_date("%Y-%m-%d", strict=False)
    dated = tags.with_columns(day.dt.epoch("s").cast(pl.Float64).alias("time"))
    sound = sift(dated, [Rule("`day`, `month` and `year` should be a date", pl.col("time").is_null())], gate)
    early = sound.filter(pl.col("year") < OPENED)
    if early.height:
        gate.leave_out(
            FILES["events"], f"`year` should be {OPENED}, when the site opened, or later", early.height, "Nothing to do"
        )
    return sound.filter(pl.col("year") >= OPENED)


LAYOUT = Layout(_files, _read)
