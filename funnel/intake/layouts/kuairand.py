"""KuaiRand: what users of a short-video app were shown and did, and who made the videos.

Source: C. Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos", CIKM
2022. A row of its logs is an impression. An interaction is one with `long_view` = 1 (watched to the end, or for 18
seconds): a cover alone can earn a click, and likes and follows are rare. The set tells how many friends a user has and
not who they are, so a table `friends` of one's own may lie beside.
"""

from fnmatch import filter as matching
from pathlib import Path

import polars as pl

from funnel.intake.columns import ColumnsSpec
from funnel.intake.drops import Gate
from funnel.intake.files import names
from funnel.intake.layout import Files, Layout, Tables
from funnel.intake.layouts.tables import files_of, read_one
from funnel.intake.rules import Rule, sift
from funnel.intake.table import table, together
from funnel.intake.values import UNITS, Column

LOG = {
    "user": Column("user_id"),
    "item": Column("video_id"),
    "time": Column("time_ms", "time", unit=UNITS["milliseconds"]),
    "long_view": Column("long_view", "number"),
    "duration": Column("duration_ms", "number", unit=UNITS["milliseconds"]),
}
VIDEOS = {
    "item": Column("video_id"),
    "creator": Column("author_id"),
    "published": Column("upload_dt", "time"),
}
BEIJING = 8 * 3600
"""seconds by which the days of the set begin before those of Greenwich"""


def _files(folder: Path, columns: ColumnsSpec) -> Files:
    there = names(folder)
    logs = sorted({name for pattern in ("log_standard*.csv", "log_random*.csv") for name in matching(there, pattern)})
    videos = matching(there, "video_features_basic*.csv")
    found = {"interactions": [folder / name for name in logs], "items": [folder / name for name in videos]}
    return {name: paths for name, paths in found.items() if paths} | files_of(folder, columns, ("friends",))


def _read(files: Files, columns: ColumnsSpec, gate: Gate) -> Tables:
    logs = together([table(path, LOG, gate) for path in files["interactions"]])
    videos = together([table(path, VIDEOS, gate) for path in files.get("items", [])])
    return Tables(
        interactions=None if logs is None else _long_views(logs, gate),
        measure="event",
        friends=read_one("friends", files, columns, gate),
        items=None if videos is None or logs is None else _described(videos, logs),
    )


def _described(videos: pl.DataFrame, logs: pl.DataFrame) -> pl.DataFrame:
    """The videos with their lengths, which are read off the logs: the table of videos does not tell all of them."""
    durations = logs.group_by("item").agg(pl.col("duration").median())
    return videos.join(durations, on="item", how="left", maintain_order="left").with_columns(
        pl.col("published") - BEIJING
    )


def _long_views(logs: pl.DataFrame, gate: Gate) -> pl.DataFrame:
    """The impressions that count as interactions."""
    binary = Rule("`long_view` should be 0 or 1", ~pl.col("long_view").is_in([0.0, 1.0]))
    return sift(logs, [binary], gate).filter(pl.col("long_view") == 1).drop("long_view", "duration")


LAYOUT = Layout(_files, _read, frozenset({"friends"}))
