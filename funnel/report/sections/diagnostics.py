"""What the report's section on diagnostics prints, beside its figures."""

from typing import Any

from funnel.report import tables
from funnel.report.diagnosis import Diagnosis
from funnel.report.table import Table
from funnel.report.view import UNKNOWN, Number, View, number

KINDS = {
    "sinks": "worse off together",
    "conflict": "conflict",
    "collapse": "collapse",
    "no specialisation": "no specialisation",
    "rises": "overfits",
    "stops": "stops early",
    "better without": "better without",
}
"""what a flag is called on the page"""


def section(view: View) -> dict[str, Any] | None:
    """Everything that the template prints of the diagnostics; None where the scenario did not ask for them."""
    found = view.diagnosis
    if not found:
        return None
    return {
        "rankers": found.rankers,
        "flags": [{"name": KINDS[flag["kind"]], "sentence": flag["sentence"]} for flag in found.flags],
        "thresholds": _thresholds(found),
        "tables": [*(_transfer(view, found, stage) for stage in found.stages), *tables.rankers(view)],
        "measures": found.measures,
    }


def _thresholds(found: Diagnosis) -> str:
    at = found.thresholds
    cases = (
        f"transfer is under {100 * at['sinks']:g} % with its whole interval",
        f"a pair's cosine is negative at more than {100 * at['most']:g} % of the recorded steps, its mean clearly so "
        f"and under {at['opposed']:g}",
        f"an expert's mean share is above {100 * at['collapse']:g} %",
        f"no two gates are further apart than {at['alike']:g}",
        f"a held-out loss has stopped falling, or risen by more than {100 * at['rises']:g} %",
        f"a task is clearly better off, by more than {100 * at['better']:g} %, without some part",
    )
    return (
        f"A flag is raised where {'; where '.join(cases)}. What needs an interval needs two seeds. Many comparisons "
        "are made and none is corrected for their number."
    )


def _transfer(view: View, found: Diagnosis, stage: str) -> Table:
    rankers = found.of_stage(stage)
    by_task = [
        {entry["task"]: number({"bootstrap_low": None} | entry, "share", view.seeds, signed=True) for entry in entries}
        for entries in (found.estimates(ranker, "transfer") for ranker in rankers)
    ]
    tasks = dict.fromkeys(task for ranker in rankers for task in ranker["tasks"])
    rows = tuple((task, tuple(cells.get(task, Number(UNKNOWN, "not a task")) for cells in by_task)) for task in tasks)
    note = "Improvement over a well-trained network of the task's own; bold where the interval leaves out 0."
    return Table(f"Transfer, {stage} rankers", note, tuple(ranker["arm"] for ranker in rankers), rows)
