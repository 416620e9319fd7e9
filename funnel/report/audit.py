"""The page of an audit of stage logs: reads its results folder and nothing else."""

from pathlib import Path
from typing import Any

from funnel.report.figures.audit import SECTIONS, of_section
from funnel.report.figures.catalogue import Drawn, save
from funnel.report.logs import AuditView, called
from funnel.report.table import Table
from funnel.report.template import put_page, writing
from funnel.report.view import FACT, Number, text
from funnel.scenario import envelope

GROUPS = {
    "funnel": ("candidates", "keep_ratio"),
    "recall": ("stage_recall",),
    "exposed": ("exposed_recall", "set_auc", "predicted_set_auc"),
    "agreement": ("lost", "predicted_lost", "correlation", "overlap", "penetration"),
    "slices": ("survival", "share"),
    "calibration": ("calibration",),
}
"""measures of which a section tells what they are for all that was logged; what none names stands under the rest"""


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    view = AuditView(envelope.read(folder))
    with writing(folder):
        figures = {name: save(of_section(view, name), view, folder / "figures") for name in SECTIONS}
        return put_page(folder, "audit.html.jinja", _context(view, figures))


def _context(view: AuditView, figures: dict[str, Drawn]) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": view.summary,
        "scenario": view.summary["scenario"],
        "verdict": view.summary["verdict"],
        "warnings": view.summary["warnings"],
        "behind": view.behind,
        "logs": view.logs,
        "dropped": text(dropped, FACT) if (dropped := sum(drop["rows"] for drop in view.logs["dropped"])) else "",
        "figures": figures,
        "funnel": _funnel(view),
        "recall": view.table("Stage recall", "Rows: tasks and slices; a column a stage.", GROUPS["recall"]),
        "exposed": view.table(
            "Set recall beside AUC inside the set",
            "A stage whose AUC rises may lose more of the set: the first number tells who comes through, the second "
            "only in what order.",
            GROUPS["exposed"],
        ),
        "agreement": _agreement(view),
        "slices": _slices(view),
        "calibration": view.table("Predicted over realised", "1 is calibrated.", GROUPS["calibration"]),
        "rest": _rest(view),
        "facts": _facts(view),
    }


def _funnel(view: AuditView) -> Table:
    """A row a stage: how many candidates it puts out, what it keeps, and what it is said to do where that is told."""
    columns = [[view.cell(view.at(measure, stage)) for stage in view.stages] for measure in GROUPS["funnel"]]
    heads = ["candidates a request", "kept of its input"]
    if view.true_sizes:
        columns += [_told(view, view.true_sizes, "count"), _told(view, view.true_ratios, "share")]
        heads += ["candidates in the funnel, as told", "kept in the funnel, as told"]
    rows = tuple(zip(view.stages, zip(*columns, strict=True), strict=True))
    return Table("Counts and keep ratios", "By stage, in the order of the funnel.", tuple(heads), rows, corner="stage")


def _told(view: AuditView, found: dict[str, float], unit: str) -> list[Number]:
    """What was said and not measured, so without an interval."""
    return [
        Number(text(found[stage], unit), "", value=found[stage]) if stage in found else Number("not told", "")
        for stage in view.stages
    ]


def _agreement(view: AuditView) -> Table:
    """A row a number, for they are few and of several kinds."""
    found = [one for measure in GROUPS["agreement"] for one in view.of(measure)]
    rows = tuple((_named(one), (view.cell(one),)) for one in found)
    return Table("Agreement of the stages", "Of all that was logged; slices stand below.", ("found",), rows)


def _named(one: dict[str, Any]) -> str:
    return ", ".join(part for part in (called(one["measure"]), one["stage"], one["slice"]) if part not in ("", "all"))


def _slices(view: AuditView) -> list[Table]:
    """A table a measure that the log's own slices part."""
    return [view.table(called(measure), "", (measure,), sliced=True) for measure in view.sliced()]


def _rest(view: AuditView) -> list[Table]:
    """What the logs tell beside."""
    placed = {measure for measures in GROUPS.values() for measure in measures} | {*view.sliced()}
    return [view.table(called(measure), "", (measure,)) for measure in view.uncalled(placed)]


def _facts(view: AuditView) -> list[tuple[str, str]]:
    """What was read."""
    logs, counted = view.logs, ("files", "rows", "requests", "users", "items")
    return [
        ("Folder", logs["folder"]),
        ("Layout", logs["layout"]),
        *((what.capitalize(), f"{logs[what]:,}") for what in counted),
        ("Size", _mebibytes(logs["bytes"])),
        ("Days", f"{logs['from']} to {logs['to']}" if logs["from"] else "not said"),
        ("Stages, in order", ", ".join(logs["stages"])),
        ("Early and late stage of the paired measures", f"{logs['early']} and {logs['late']}"),
        ("Rows of a stage", "a sample" if view.sampled else "all that the stage had"),
        ("Places of the slate", f"{logs['slate']:,}"),
        ("Columns read", ", ".join(logs["columns"])),
        ("Columns not read", ", ".join(logs["unused"]) or "none"),
        ("Slices", ", ".join(logs["slices"]) or "none"),
        ("Time of this audit", f"{view.summary['seconds']:,.0f} s"),
        ("Most memory that it held", _mebibytes(view.summary["memory"])),
    ]


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
