"""The sums that a log's measures are ratios of, by group of users: what is left of rows once they are measured."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from funnel.audit.census import GROUPS
from funnel.metrics.intervals import bootstrap, percentiles
from funnel.metrics.ratio import TINY, Ratio
from funnel.scenario.estimates import Key


class Sums:
    """Adds up ratios over requests, whatever the order in which they come."""

    def __init__(self) -> None:
        self._above: dict[Key, np.ndarray] = {}
        self._below: dict[Key, np.ndarray] = {}
        self._n: dict[Key, int] = {}
        self._fixed: set[Key] = set()
        self.present = np.zeros(GROUPS, bool)
        """bool (GROUPS,): groups of which there was a request"""

    def add(self, measure: str, ratios: Iterable[Ratio], group: np.ndarray, *, fixed: bool = False) -> None:
        """Adds what a measure tells of R requests.

        Args:
            group: int64 (R,), of each request.
            fixed: the ratios hold a number of the whole log, which resampling leaves as it is: no interval is told.
        """
        self.present[group] = True
        for ratio in ratios:
            key = Key(measure, ratio.stage, ratio.slice, ratio.task)
            zeros = np.zeros(GROUPS)
            self._above[key] = self._above.get(key, zeros) + np.bincount(group, ratio.numerator, GROUPS)
            self._below[key] = self._below.get(key, zeros) + np.bincount(group, ratio.denominator, GROUPS)
            self._n[key] = self._n.get(key, 0) + ratio.n
            self._fixed |= {key} if fixed else set()

    def value(self, key: Key) -> float | None:
        """The ratio of the sums; None where there is nothing to tell."""
        below = self._below[key].sum() if key in self._below else 0.0
        return float(self._above[key].sum() / below) if abs(below) > TINY else None

    def estimates(self) -> list[dict[str, Any]]:
        """Every measure that tells something: key, value, its interval by a bootstrap over the groups of users, and
        the number of requests behind it; low and high are None where it has none, or some replicate nothing to tell."""
        keys = [key for key in self._above if self.value(key) is not None]
        above, below = (np.stack([of[key][self.present] for key in keys], axis=1) for of in (self._above, self._below))
        replicates = bootstrap([above], [below], seed=0)
        return [
            {**key._asdict(), "value": self.value(key), "low": low, "high": high, "n": self._n[key]}
            for key, column in zip(keys, replicates.T, strict=True)
            for low, high in [(None if key in self._fixed else percentiles(column)) or (None, None)]
        ]
