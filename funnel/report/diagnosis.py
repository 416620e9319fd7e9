"""Reading access to the diagnostics of a summary: estimates and curves by ranker and measure."""

from collections.abc import Iterable, Mapping
from typing import Any

from funnel.scenario.estimates import Estimate

Ranker = Mapping[str, Any]
"""arm, stage, arms, model, balancer, tasks, proposal"""


class Diagnosis:
    """What diagnosing found, looked up by ranker."""

    def __init__(self, found: Mapping[str, Any]):
        """
        Args:
            found: the key `diagnostics` of a summary.
        """
        self.rankers: list[Ranker] = found["rankers"]
        self.flags: list[Mapping[str, Any]] = found["flags"]
        self.thresholds: Mapping[str, float] = found["thresholds"]
        self.measures: Mapping[str, str] = found["measures"]
        self._estimates, self._series = _grouped(found["estimates"]), _grouped(found["series"])
        self._frontiers: list[Mapping[str, Any]] = found["frontiers"]

    @property
    def stages(self) -> list[str]:
        """The stages that have a ranker, in the order of the results."""
        return list(dict.fromkeys(ranker["stage"] for ranker in self.rankers))

    def of_stage(self, stage: str) -> list[Ranker]:
        return [ranker for ranker in self.rankers if ranker["stage"] == stage]

    def estimates(self, ranker: Ranker, measure: str) -> list[Estimate]:
        """The estimates of a measure that have a value."""
        found = self._estimates.get((ranker["arm"], ranker["stage"], measure), [])
        return [entry for entry in found if entry["value"] is not None]

    def series(self, ranker: Ranker, measure: str) -> list[Estimate]:
        """The curves of a measure that have a value; at a step where no seed has one it is None."""
        found = self._series.get((ranker["arm"], ranker["stage"], measure), [])
        return [entry for entry in found if any(value is not None for value in entry["value"])]

    def frontiers(self, measure: str) -> list[Mapping[str, Any]]:
        """The frontiers of a sweep, one an arm."""
        return [frontier for frontier in self._frontiers if frontier["measure"] == measure]

    def having(self, measure: str) -> list[Ranker]:
        """The rankers that have a measure, as estimates or as curves."""
        return [ranker for ranker in self.rankers if self.estimates(ranker, measure) or self.series(ranker, measure)]


def _grouped(entries: Iterable[Estimate]) -> dict[tuple[str, str, str], list[Estimate]]:
    found: dict[tuple[str, str, str], list[Estimate]] = {}
    for entry in entries:
        found.setdefault((entry["arm"], entry["stage"], entry["measure"]), []).append(entry)
    return found
