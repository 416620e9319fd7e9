"""Why the numbers may be believed, and where not: laws checked in this run, spread, corrections."""

from collections.abc import Mapping
from typing import Any

from funnel.report import tables
from funnel.report.table import Table
from funnel.report.view import UNKNOWN, Number, View, text

PARTS = ("world", "training", "requests")
CURSED = {"retrieval": "on its pool", "late": "on its slate"}
"""where calibration is told: before a selection, and after both"""

Rows = tuple[tuple[str, tuple[Number, ...]], ...]


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints on trust."""
    judged = view.summary["judgements"]
    return {
        "calibration": tables.calibration(view),
        "curse": _curse(view),
        "laws": view.summary["laws"],
        "broken": sum(not law["holds"] for law in view.summary["laws"]),
        "variance": [_spread(view, entry) for entry in view.summary["variance"]],
        "variance_notes": _notes(view.summary["variance"]),
        "compared": len(judged),
        "level": next(_levels(judged), None),
        "null": view.summary["null"],
        "null_table": _null(view.summary["null"]),
        "failed": view.summary["failed"],
    }


def _levels(judged: Mapping[str, Any]):
    """The corrected level of the judgements in per cent; the same for all."""
    for axes in judged.values():
        yield f"{100 * axes['value']['difference']['level']:.4g}"


def _spread(view: View, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Variances as standard deviations, which have the unit of what they speak of, and shares of their sum; no shares
    from one seed, where the greatest part is unknown."""
    unit = "points" if entry["measure"] == "lost" else view.unit(entry["measure"])
    known = [entry[part] for part in PARTS if entry[part] is not None]
    total = sum(known) if entry["world"] is not None else 0.0
    against = f" minus {entry['against']}" if entry["against"] else ""
    return {
        "label": f"{LABELS[entry['measure']]}, {entry['arm']}{against}",
        "cells": [_part(entry[part], total, unit) for part in PARTS],
    }


def _notes(variance: list[Mapping[str, Any]]) -> list[str]:
    """Every remark once."""
    return list(
        dict.fromkeys(f"{said}." for entry in variance for said in entry["note"].rstrip(".").split(". ") if said)
    )


def _curse(view: View) -> Table:
    """How much the proposal's late stage over-predicts what it selected, of the tasks of its formula."""
    arm = view.scenario["proposal"]
    weighed = view.spec["arms"][arm]["stages"]["late"]["formula"]
    rows = tuple(
        (task, tuple(view.cell(arm, ("calibration", stage, "all", task)) for stage in CURSED)) for task in weighed
    )
    note = (
        "A model over-predicts on what it selected, since it selects what it over-predicts; of a task that counts "
        f"against an item it is the other way round. {_above(arm, rows)} {view.behind}"
    )
    return Table("Predicted over true", note, tuple(CURSED.values()), rows, corner="task")


def _above(arm: str, rows: Rows) -> str:
    """For how many tasks the predictions are above the truth, before selection and after."""
    counts = []
    for place in range(len(CURSED)):
        known = [value for _, cells in rows if (value := cells[place].value) is not None]
        counts.append(f"{sum(value > 1 for value in known)} of {len(known)} tasks")
    pool, slate = counts
    return f"The late stage of `{arm}` predicts above the truth for {slate} on its slate, and for {pool} on its pool."


LABELS = {"lost": "Lost candidates", "value": "Slate value"}


def _part(variance: float | None, total: float, unit: str) -> Number:
    if variance is None:
        return Number(UNKNOWN, "not told apart")
    share = f"{100 * variance / total:.0f} % of the variance" if total else ""
    return Number(text(variance**0.5, unit), share, value=variance**0.5)


def _null(null: Mapping[str, Any] | None) -> Table | None:
    """How often intervals of a run without differences leave out zero."""
    if not null:
        return None
    rows = tuple(
        (label, (Number(f"{found['intervals']:,}", ""), Number(f"{found['off_zero']:,}", ""), _rate(found["rate"])))
        for label, found in (("all measures", null), ("the two measures of the verdict", null["primary"]))
    )
    return Table("False alarms", null["sentence"], ("intervals", "leave out zero", "rate"), rows, corner="of")


def _rate(rate: float | None) -> Number:
    return Number(UNKNOWN, "nothing to count") if rate is None else Number(text(rate, "share"), "", value=rate)
