"""The files of an export, a day at a time, and those about all days."""

import os
import pickle
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from funnel.intake.recflow import (
    ALL_STAGE,
    COUNTED,
    OTHERS,
    REALSHOW,
    REQUESTS,
    SEQUENCES,
    VIDEO,
    days,
)
from funnel.scenario.export.behaviour import Behaviour
from funnel.scenario.export.clock import DAY, date
from funnel.scenario.export.replay import Replay
from funnel.scenario.export.stage_log import by_request, stage_log
from funnel.scenario.export.videos import videos

PROTOCOL = 4
"""of pickles: what Python 3.7 reads, which the research code names"""


class Days:
    """Writes what a replay serves into a folder."""

    def __init__(self, replay: Replay, folder: Path):
        self.replay, self.folder = replay, folder

    @property
    def count(self) -> int:
        return -(-self.replay.lab.arm.evaluation.requests // DAY)

    def write(self, day: int) -> None:
        """The four files of a day. That of all candidates comes last, so a day that has one is whole."""
        start, feather, pickled = day * DAY, f"{date(day)}.feather", f"{date(day)}.pkl"
        if (self.folder / ALL_STAGE / feather).is_file():
            return
        log = stage_log(self.replay.chunk(start), start, self._videos, self.replay.lab.world.observed)
        before = self._behaviour.before(self.replay.requests.slice(start, start + DAY))
        self._put(f"{REALSHOW}/{feather}", _ipc(log.filter(pl.col("realshow") == 1)))
        self._put(f"{SEQUENCES}/{pickled}", _pickle(before))
        self._put(f"{REQUESTS}/{pickled}", _pickle(by_request(log)))
        self._put(f"{ALL_STAGE}/{feather}", _ipc(log))

    def finish(self) -> None:
        """What is about all days: how many ids there are, and the videos that were shown so far, day by day."""
        for name, shown in self._shown():
            self._put(f"{OTHERS}/realshow_video_info_daily/{name}", _ipc(shown))
        self._put(f"{OTHERS}/realshow_video_info.feather", _ipc(shown))
        self._put(f"{OTHERS}/id_cnt.pkl", _pickle(self._counts()))

    def _shown(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """The name of each day's file, and the videos shown until then."""
        so_far = pl.DataFrame(schema=dict.fromkeys(VIDEO, pl.Int64))
        for path in days(self.folder):
            today = pl.read_ipc(self.folder / REALSHOW / path.name, columns=list(VIDEO))
            so_far = pl.concat([so_far, today.select(VIDEO)]).unique("video_id", maintain_order=True)
            yield path.name, so_far

    def _counts(self) -> dict[str, int]:
        """How many ids each field may have: those of the world, since tables of vectors are sized by them."""
        found = {name: int(column.max()) + 1 for name, column in self._videos.items() if name in COUNTED}
        found["user_id"] = self.replay.lab.world.users
        return {name: found.get(name, 1) for name in COUNTED}

    @cached_property
    def _videos(self) -> dict[str, Any]:
        lab = self.replay.lab
        return videos(lab.world.observed, lab.arm.traffic.requests, lab.seed)

    @cached_property
    def _behaviour(self) -> Behaviour:
        lab = self.replay.lab
        return Behaviour(lab.log(lab.traffic_piece), self._videos, lab.world.users, lab.arm.traffic.requests)

    def _put(self, name: str, save: Callable[[Path], None]) -> None:
        """Writes a file beside its place and moves it there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}")
        save(unfinished)
        os.replace(unfinished, path)


def _ipc(table: pl.DataFrame) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        table.write_ipc(path, compression="lz4")

    return save


def _pickle(value: Any) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        path.write_bytes(pickle.dumps(value, PROTOCOL))

    return save
