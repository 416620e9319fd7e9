"""From rows to estimates: a t interval over seeds for every measure of every arm, the bootstrap beside it, and paired
differences between arms."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from funnel.errors import DataError
from funnel.metrics.intervals import Interval, bootstrap, percentiles, t_interval
from funnel.metrics.variance import influence

KEY = ("measure", "stage", "slice", "task")
Estimate = dict[str, Any]
"""measure, stage, slice, task, value, low, high, n, bootstrap_low, bootstrap_high; what is unknown is None"""


PRIMARY = (("lost", "early"), ("value", "late"))
"""measure and stage of the two numbers that the verdict is made of"""


class Key(NamedTuple):
    """What a value speaks of."""

    measure: str
    stage: str
    slice: str
    task: str


class Estimates:
    """The rows of one run, summarised on demand."""

    def __init__(self, rows: pl.DataFrame, request_rows: pl.DataFrame):
        self._values: dict[tuple[str, Key], dict[int, float]] = {}
        """value by seed; seeds without a value are left out"""
        for seed, arm, *key, value in rows.select("seed", "arm", *KEY, "value").iter_rows():
            seeds = self._values.setdefault((arm, Key(*key)), {})
            if value is not None:
                seeds[seed] = value
        self.seeds = rows["seed"].unique().sort().to_list()
        self.requests = request_rows.select(pl.col("request").max() + 1).item() or 0
        parts = request_rows.partition_by("seed", as_dict=True, maintain_order=True)
        self._sums = [_sums(parts[seed,]) for seed in self.seeds if (seed,) in parts]
        self._replicates = _replicates(self._sums)

    def by_seed(self, arm: str, measure: str, stage: str) -> np.ndarray:
        """float64 (S,): the values of one measure over all rows, in seed order."""
        values = self._values[arm, Key(measure, stage, "all", "")]
        return np.array([values[seed] for seed in self.seeds])

    def relative_value(self, arm: str, other: str) -> np.ndarray:
        """float64 (S,): how much more the slate of an arm is worth than that of another, as a share of the latter."""
        return self.by_seed(arm, "value", "late") / self.by_seed(other, "value", "late") - 1

    def influences(self, arm: str, measure: str, stage: str) -> list[np.ndarray]:
        """What each request adds to the deviation of a resampled measure: one float64 (R,) a seed, in seed order."""
        name = arm, Key(measure, stage, "all", "")
        return [influence(seed.above[:, seed.place[name]], seed.below[:, seed.place[name]]) for seed in self._sums]

    def matrix(self, arms: Sequence[str], measures: Collection[str]) -> tuple[list[Key], np.ndarray]:
        """Keys of these measures, and their values: float64 (A, M, S), nan where an arm or a seed has none."""
        keys = list(dict.fromkeys(key for _, key in self._values if key.measure in measures))
        found = np.full((len(arms), len(keys), len(self.seeds)), np.nan)
        for a, arm in enumerate(arms):
            for m, key in enumerate(keys):
                values = self._values.get((arm, key), {})
                found[a, m] = [values.get(seed, np.nan) for seed in self.seeds]
        return keys, found

    def of(self, arm: str) -> list[Estimate]:
        """Every measure of one arm."""
        return [
            _estimate(key, list(values.values()), self._replicates.get((arm, key)))
            for (owner, key), values in self._values.items()
            if owner == arm
        ]

    def between(self, arm: str, other: str) -> list[Estimate]:
        """Every measure that both arms have, `arm` minus `other`, paired by seed; slate value also relatively."""
        found = self.contrast({arm: 1.0, other: -1.0})
        for estimate in found:
            if estimate["measure"] == "value" and estimate["n"]:
                key = Key(*(estimate[name] for name in KEY))
                paired = [(values[arm], values[other]) for values in self._complete((arm, other), key)]
                if all(base for _, base in paired):
                    relative = t_interval(np.array([value / base - 1 for value, base in paired]))
                    estimate["relative"] = _three(relative)
        return found

    def contrast(self, weights: Mapping[str, float]) -> list[Estimate]:
        """Every measure that all these arms have, as their weighted sum within each seed."""
        first, *others = weights
        keys = [key for owner, key in self._values if owner == first]
        found = []
        for key in keys:
            if all((arm, key) in self._values for arm in others):
                complete = self._complete(weights, key)
                values = [sum(weight * of[arm] for arm, weight in weights.items()) for of in complete]
                found.append(_estimate(key, values, self._resampled(weights, key)))
        return found

    def _complete(self, arms: Iterable[str], key: Key) -> list[dict[str, float]]:
        """The values by arm of every seed in which all the arms have one."""
        by_arm = {arm: self._values[arm, key] for arm in arms}
        first = next(iter(by_arm.values()))
        return [
            {arm: values[seed] for arm, values in by_arm.items()}
            for seed in first
            if all(seed in values for values in by_arm.values())
        ]

    def _resampled(self, weights: Mapping[str, float], key: Key) -> np.ndarray | None:
        """float64 (draws,): the replicates of a weighted sum; None where the measure is not resampled."""
        parts = [(weight, self._replicates.get((arm, key))) for arm, weight in weights.items()]
        known = [weight * replicates for weight, replicates in parts if replicates is not None]
        return np.sum(known, axis=0) if len(known) == len(parts) else None


def _estimate(key: Key, values: list[float], replicates: np.ndarray | None) -> Estimate:
    interval = t_interval(np.array(values)) if values else None
    resampled = percentiles(replicates) if replicates is not None else None
    low, high = resampled or (None, None)
    summary = _three(interval) if interval else {"value": None, "low": None, "high": None}
    return {
        **key._asdict(),
        **summary,
        "n": len(values),
        "bootstrap_low": low,
        "bootstrap_high": high,
    }


def estimate(values: np.ndarray) -> dict[str, Any]:
    """The t interval of values, one a seed, as plain fields."""
    return _three(t_interval(values)) | {"n": len(values)}


def _three(interval: Interval) -> dict[str, float | None]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


class Sums(NamedTuple):
    """What the values of one seed are ratios of."""

    place: dict[tuple[str, Key], int]
    """the column of each arm and measure"""
    above: np.ndarray
    """float64 (R, M): numerators"""
    below: np.ndarray
    """float64 (R, M): denominators"""


def _sums(rows: pl.DataFrame) -> Sums:
    """The sums of one seed; columns in the order of their names.

    Raises:
        DataError: the requests of a value do not stand together, from the first to the last.
    """
    requests = rows.select(pl.col("request").max() + 1).item()
    columns = rows.select("arm", *KEY).gather_every(requests).with_row_index("at")
    if not np.array_equal(rows["request"].to_numpy(), np.tile(np.arange(requests), len(columns))):
        raise DataError(
            f"Table `request_rows`: every value should have its {requests} requests together and in order. Found "
            "others under one seed. Run the scenario again."
        )
    # Sorting the few columns costs nothing; sorting all rows of thirty arms would take longer than resampling them.
    columns = columns.sort("arm", *KEY)
    order = columns["at"].to_numpy()
    above, below = (rows[name].to_numpy().reshape(-1, requests)[order].T for name in ("numerator", "denominator"))
    named = columns.drop("at").iter_rows()
    return Sums({(arm, Key(*key)): place for place, (arm, *key) in enumerate(named)}, above, below)


def _replicates(sums: Sequence[Sums]) -> dict[tuple[str, Key], np.ndarray]:
    """float64 (draws,) an arm and measure; all arms share the resampled requests, so differences are paired."""
    if not sums:
        return {}
    replicates = bootstrap([seed.above for seed in sums], [seed.below for seed in sums], seed=0)
    return {name: replicates[:, place] for name, place in sums[0].place.items()}
