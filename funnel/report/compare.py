"""The page of two runs side by side; what it compares is written by runs and read from their folders."""

from pathlib import Path
from typing import Any

from funnel.metrics.intervals import Interval
from funnel.report.comparison import Comparison, Run, read
from funnel.report.tables import MAIN, Table
from funnel.report.template import put_page, writing
from funnel.report.view import UNKNOWN, Address, Number, number

AXES = ("candidates", "value")


def build(a: Path, b: Path, reports: Path) -> Path:
    """Write the page of two finished runs to `reports/A.vs.B`: scenarios have no dots in their names.

    Returns:
        The path of the page.

    Raises:
        ResultsError: as of `comparison.read`, or the disk is full.
    """
    found = read(a, b)
    folder = reports / f"{found.a.name}.vs.{found.b.name}"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return put_page(folder, "compare.html.jinja", _context(found))


def _context(found: Comparison) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "scenario": {"name": f"{found.a.name} and {found.b.name}"},
        "runs": [_told(run) for run in (found.a, found.b)],
        "axes": [(axis, [_axis(run, axis) for run in (found.a, found.b)]) for axis in AXES],
        "tables": [_table(found, arm) for arm in found.arms],
        "alone": [(run.name, [arm for arm in run.view.arms if arm not in found.arms]) for run in (found.a, found.b)],
        "spec": found.spec_changes(),
        "truth_differs": found.truth_differs,
        "versions": found.versions(),
    }


def _told(run: Run) -> dict[str, Any]:
    scenario = run.view.scenario
    return {
        "name": run.name,
        "scenario": scenario["name"],
        "question": scenario["question"],
        "headline": run.view.summary["verdict"]["headline"],
        "sentences": run.view.summary["verdict"]["sentences"],
        "roles": ", ".join(f"{role} {scenario[role]}" for role in ("proposal", "reference", "baseline")),
        "seeds": ", ".join(map(str, scenario["seeds"])),
        "requests": f"{scenario['requests']:,}",
        "fingerprint": run.view.summary["fingerprint"],
    }


def _axis(run: Run, axis: str) -> tuple[str, Number]:
    """The outcome of an axis of the verdict, and the difference behind it."""
    found = run.view.summary["verdict"][axis]
    unit = "points" if axis == "candidates" else "share"
    return found["outcome"], number(found["difference"] | {"bootstrap_low": None}, unit, run.view.seeds, signed=True)


def _table(found: Comparison, arm: str) -> Table:
    how = (
        f"Paired by seed: both runs drew the same worlds and requests for seeds {', '.join(map(str, found.seeds))}."
        if found.paired(arm)
        else "Not paired: the runs drew other worlds or share no seed. The interval is Welch's, of independent means."
    )
    rows = tuple(
        (label, (found.a.view.cell(arm, address), found.b.view.cell(arm, address), _difference(found, arm, address)))
        for label, address in MAIN
    )
    return Table(arm, how, (found.a.name, found.b.name, "difference"), rows)


def _difference(found: Comparison, arm: str, address: Address) -> Number:
    difference = found.difference(arm, address)
    if difference is None:
        return Number(UNKNOWN, "no cases")
    unit = found.a.view.unit(address[0])
    return number(_estimate(difference), "points" if unit == "share" else unit, difference.n, signed=True)


def _estimate(difference: Interval) -> dict[str, Any]:
    ends = {"low": difference.low, "high": difference.high, "bootstrap_low": None}
    return {"value": difference.value, "n": difference.n, **ends}
