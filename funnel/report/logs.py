"""Reading access to the summary of an audit: what stage logs tell, by measure, stage, slice and task."""

from collections.abc import Iterable, Sequence
from typing import Any

from funnel.report.table import Table
from funnel.report.view import UNKNOWN, Number, between, text

Found = dict[str, Any]
"""one estimate of an audit: measure, stage, slice, task, value, low, high, n"""

LABELS = {
    "candidates": "Candidates",
    "keep_ratio": "Kept",
    "stage_recall": "Stage recall",
    "exposed_recall": "Recall of shown positives",
    "set_auc": "AUC inside the shown set",
    "predicted_set_auc": "AUC inside the shown set, by prediction",
    "lost": "Lost candidates",
    "predicted_lost": "Lost candidates, by the survival law",
    "correlation": "Correlation of early and judge",
    "overlap": "Overlap of early and late",
    "penetration": "Penetration of early's top into the slate",
    "survival": "Passed",
    "share": "Share of a stage's output",
    "calibration": "Predicted over realised",
    "label": "Mean label where shown",
}
"""what a measure is called on the page; one that stands not here is called by its name"""
SELF_SLICED = ("stage_recall", "overlap", "calibration")
"""measures whose slices are part of what they are: who judges, or which rows; those of all others cut the log"""


class AuditView:
    """What one summary says of a folder of stage logs."""

    def __init__(self, summary: dict[str, Any]):
        self.summary, self.logs = summary, summary["logs"]
        self.stages: list[str] = self.logs["stages"]
        self.found: list[Found] = summary["estimates"]

    @property
    def behind(self) -> str:
        """What stands behind the numbers of a figure."""
        requests, users = (f"{self.logs[what]:,} {what}" for what in ("requests", "users"))
        return f"n = {requests} of {users}. Intervals: 95 %, bootstrap over groups of users."

    @property
    def true_sizes(self) -> dict[str, float]:
        """By stage, what it really put out for a request, where whoever keeps the logs has said so."""
        return self.logs["true_sizes"]

    @property
    def true_ratios(self) -> dict[str, float]:
        """By stage, the share of its input that it really keeps, as far as sizes of neighbours are told."""
        sizes, pairs = self.true_sizes, zip(self.stages, self.stages[1:], strict=False)
        return {stage: sizes[stage] / sizes[before] for before, stage in pairs if stage in sizes and sizes.get(before)}

    @property
    def sampled(self) -> bool:
        """Whether the rows of a stage are a sample of what the stage had."""
        return self.logs["sampled"]

    def of(self, measure: str, sliced: bool = False) -> list[Found]:
        """Estimates of one measure in the order of the results; with `sliced`, of the log's slices, too."""
        return [one for one in self.found if one["measure"] == measure and (sliced or not _cuts(one))]

    def at(self, measure: str, stage: str) -> Found | None:
        """What a measure says of a stage as a whole."""
        return next((one for one in self.of(measure) if one["stage"] == stage), None)

    def unit(self, measure: str) -> str:
        return self.summary["measures"][measure]["unit"]

    def cell(self, found: Found | None) -> Number:
        """One estimate, with its interval and, where not all requests have a case, with their number."""
        if found is None:
            return Number(UNKNOWN, "")
        unit, value, ends = self.unit(found["measure"]), found["value"], (found["low"], found["high"])
        interval = "no interval" if None in ends else between(*ends, unit, value)
        fewer = f", n = {found['n']:,}" if found["n"] < self.logs["requests"] else ""
        return Number(text(value, unit), f"{interval}{fewer}", value=value)

    def sliced(self) -> list[str]:
        """Measures that the log's own slices part, in the order of the results."""
        return list(dict.fromkeys(one["measure"] for one in self.found if _cuts(one)))

    def uncalled(self, shown: Iterable[str]) -> list[str]:
        """Measures that are none of these, in the order of the results."""
        return [measure for measure in dict.fromkeys(one["measure"] for one in self.found) if measure not in shown]

    def table(self, title: str, note: str, measures: Sequence[str], sliced: bool = False) -> Table:
        """Rows of slices and tasks, a column a measure and stage; only those of which the log tells something."""
        found = {_address(one): one for measure in measures for one in self.of(measure, sliced)}
        columns = dict.fromkeys((measure, stage) for measure, stage, _, _ in found)
        lines = dict.fromkeys((slice_, task) for _, _, slice_, task in found)
        rows = tuple(
            (_line(*line), tuple(self.cell(found.get((*column, *line))) for column in columns)) for line in lines
        )
        return Table(title, note, tuple(_head(*column, measures) for column in columns), rows, corner="of")


def _cuts(one: Found) -> bool:
    return one["slice"] != "all" and one["measure"] not in SELF_SLICED


def _address(one: Found) -> tuple[str, str, str, str]:
    return one["measure"], one["stage"], one["slice"], one["task"]


def called(measure: str) -> str:
    return LABELS.get(measure, measure.replace("_", " ").capitalize())


def _line(slice_: str, task: str) -> str:
    return ", ".join(part for part in (task, "" if task and slice_ == "all" else slice_) if part)


def _head(measure: str, stage: str, measures: Sequence[str]) -> str:
    return ", ".join(part for part in (called(measure) if len(measures) > 1 or not stage else "", stage) if part)
