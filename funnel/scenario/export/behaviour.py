"""What users watched before they asked: the effective views of the traffic that was logged before the evaluation."""

from functools import cached_property

import numpy as np
import polars as pl

from funnel.candidates import Requests
from funnel.intake.recflow import LENGTH, SEQUENCE
from funnel.scenario.export.clock import moment
from funnel.traffic.arrivals import SPAN
from funnel.world.bubbles import ranges


class Behaviour:
    """Sequences of one log."""

    def __init__(self, log: pl.DataFrame, videos: dict[str, np.ndarray], users: int, traffic: int):
        """
        Args:
            log: `schema.IMPRESSIONS`. videos: `recflow.VIDEO` by item. traffic: requests of the log.
        """
        self.log, self.videos, self.users, self.traffic = log, videos, users, traffic

    @cached_property
    def _views(self) -> pl.DataFrame:
        """Effective views by user, oldest first."""
        watched = self.log.filter(pl.col("effective_view") == 1)
        return watched.sort("user", "request", "position").select("request", "user", "item", "watch_seconds")

    @cached_property
    def _offsets(self) -> np.ndarray:
        """int64 (U + 1,): user u has the views from offsets[u] to offsets[u + 1]."""
        return np.searchsorted(self._views["user"].to_numpy(), np.arange(self.users + 1))

    @cached_property
    def _rows(self) -> np.ndarray:
        """int64 (views, 10): `recflow.SEQUENCE` of each."""
        request, item = self._views["request"].to_numpy(), self._views["item"].to_numpy()
        told = {name: column[item] for name, column in self.videos.items()} | {
            "request_timestamp": moment(request % SPAN - self.traffic),
            "playing_time": np.rint(self._views["watch_seconds"].to_numpy() * 1000.0).astype(np.int64),
            "request_id": request,
        }
        return np.stack([told[name] for name in SEQUENCE], 1)

    def before(self, requests: Requests) -> dict[int, np.ndarray]:
        """`seq_effective_50_dict`: by request int64 (50, 10), the last views of its user, zeros in front."""
        stop = self._offsets[requests.user + 1]
        seen = np.minimum(stop - self._offsets[requests.user], LENGTH)
        arrays = np.zeros((len(requests), LENGTH, len(SEQUENCE)), np.int64)
        owner = np.repeat(np.arange(len(requests)), seen)
        arrays[owner, ranges(LENGTH - seen, seen)] = self._rows[ranges(stop - seen, seen)]
        return dict(zip(requests.id.tolist(), arrays, strict=True))
