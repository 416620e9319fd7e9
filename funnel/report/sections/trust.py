"""Why the numbers may be believed, and where not: what was simulated, laws checked in this run, spread, corrections."""

from collections.abc import Mapping
from typing import Any

from funnel.report import settings, tables
from funnel.report.papers import papers
from funnel.report.table import Table
from funnel.report.view import UNKNOWN, Number, View, text

SIMULATED = {
    "users": "world.users",
    "items in the corpus": "world.items",
    "creators": "world.creators",
    "friends a user, mean": "world.friends.mean",
    "friend edges inside a community": "world.friends.homophily",
    "recent reactions a user, mean": "world.reactions.mean",
    "closeness from which a friend may show": "world.reactions.threshold",
    "friends shown on an item, at most": "world.reactions.cap",
    "logit caused by showing one friend": "world.engagement.cue",
    "logit of being a friend's item": "world.engagement.friend_shift",
    "requests logged for the first funnel": "traffic.bootstrap_requests",
    "requests logged for the arms": "traffic.requests",
    "share of slots explored": "traffic.exploration",
    "early stage keeps": "stages.early.keep",
    "early stage's model": "stages.early.model.kind",
    "early stage's tasks": "stages.early.tasks",
    "early stage's formula": "stages.early.formula",
    "slate": "stages.late.keep",
    "late stage's model": "stages.late.model.kind",
    "late stage's tasks": "stages.late.tasks",
    "late stage's formula": "stages.late.formula",
    "true value of an item": "value.formula",
    "requests evaluated a seed": "evaluation.requests",
}
"""the numbers of the base that tell most, and where its spec has them"""
PARTS = ("world", "training", "requests")


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints on trust."""
    judged = view.summary["judgements"]
    return {
        "simulated": _simulated(view.spec["base"]),
        "changes": settings.changes(view.summary),
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
        "papers": papers(view.spec),
    }


def _levels(judged: Mapping[str, Any]):
    """The corrected level of the judgements in per cent; the same for all."""
    for axes in judged.values():
        yield f"{100 * axes['value']['difference']['level']:.4g}"


def _simulated(base: Mapping[str, Any]) -> list[tuple[str, str]]:
    sources = _at(base, "retrieval.sources")
    budgets = [f"{name} {source['budget']:,}" for name, source in sources.items()]
    lines = [(label, _said(_at(base, path))) for label, path in SIMULATED.items()]
    return [*lines[:13], ("retrieval asks for", ", ".join(budgets)), *lines[13:]]


def _at(table: Mapping[str, Any], path: str) -> Any:
    for word in path.split("."):
        table = table[word]
    return table


def _said(value: Any) -> str:
    """A setting in one line; a formula as its weights."""
    if isinstance(value, dict):
        return ", ".join(f"{weight:g} {task}" for task, weight in value.items())
    return settings.plain(value)


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
