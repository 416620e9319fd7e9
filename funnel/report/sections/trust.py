"""Why the numbers may be believed, and where not: laws checked in this run, spread, corrections."""

from collections.abc import Mapping
from typing import Any

from funnel.report import tables
from funnel.report.table import Table
from funnel.report.view import UNKNOWN, Number, View, text

PARTS = ("world", "training", "requests")


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
    """Variances as standard deviations, which have the unit of what they speak of, and shares of their sum."""
    unit = "points" if entry["measure"] == "lost" else view.unit(entry["measure"])
    known = [entry[part] for part in PARTS if entry[part] is not None]
    against = f" minus {entry['against']}" if entry["against"] else ""
    return {
        "label": f"{LABELS[entry['measure']]}, {entry['arm']}{against}",
        "cells": [_part(entry[part], sum(known), unit) for part in PARTS],
    }


def _notes(variance: list[Mapping[str, Any]]) -> list[str]:
    """Every remark once."""
    return list(
        dict.fromkeys(f"{said}." for entry in variance for said in entry["note"].rstrip(".").split(". ") if said)
    )


def _curse(view: View) -> str:
    """How much the proposal's late stage over-predicts what it selected, of the tasks of its formula."""
    arm = view.scenario["proposal"]
    weighed = view.spec["arms"][arm]["stages"]["late"]["formula"]
    found = [(task, *(_predicted(view, arm, stage, task) for stage in ("retrieval", "late"))) for task in weighed]
    told = [f"`{task}` {pool} on its pool and {slate} on its slate" for task, pool, slate in found]
    return (
        "A model over-predicts on what it selected, so predictions above the truth on the slate are expected. The late "
        f"stage of `{arm}` predicts, over the truth: {'; '.join(told)}. {view.behind}"
    )


def _predicted(view: View, arm: str, stage: str, task: str) -> str:
    cell = view.cell(arm, ("calibration", stage, "all", task))
    return f"{cell.text} ({cell.detail})"


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
