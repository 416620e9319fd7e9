"""The results folder of a sweep: what `docs/results.md` says of this kind."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel import patch
from funnel.metrics.catalogue import METRIC
from funnel.scenario import envelope
from funnel.scenario.points import PointNumbers, best_of, turning
from funnel.scenario.spec import VerdictSpec
from funnel.scenario.sweep.sentences import OUTCOMES, sentences, standing
from funnel.scenario.sweep.spec import Sweep
from funnel.scenario.sweep.study import MEASURES, Failed

KIND = "sweep"


def write(
    folder: Path, sweep: Sweep, rows: pl.DataFrame, failed: Failed, world: dict[str, Any] | None, seconds: float
) -> dict[str, Any]:
    """Summarise a sweep and write its folder.

    Args:
        rows: `schema.POINT_ROWS`. failed: by point and arm that is not in the rows: why.
        world: the account of the data that the first point's world is fitted to; None of another world.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    verdict, spec = sweep.points[0].scenario.verdict, _spec(sweep)
    found = [PointNumbers(part, verdict) for part in rows.partition_by("point", maintain_order=True)]
    points: list[dict[str, Any]] = [
        {"coordinates": point.coordinates, "failed": failed.get(place, {})} | numbers.table()
        for place, (point, numbers) in enumerate(zip(sweep.points, found, strict=True))
    ]
    turns = _turns(sweep, verdict, found)
    best, rest = (_best(sweep, verdict, found, measure) for measure in ("value", "rest_value"))
    summary = {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": KIND,
        "scenario": _heading(sweep, verdict),
        "fingerprint": envelope.fingerprint(spec),
        "versions": envelope.versions(),
        "verdict": sentences(sweep.axes, verdict, points, turns, best, rest)
        | {"standing": [standing(point["verdict"]) for point in points]},
        "base": _origin(sweep),
        "points": points,
        "turns": turns,
        "changes": _outcome_changes(sweep, points),
        "best": best,
        "best_rest": rest,
        "measures": {name: {"unit": METRIC[name].unit, "definition": METRIC[name].definition} for name in MEASURES},
        "seconds": seconds,
        "world": world,
    }
    return envelope.write(folder, spec, summary, {"rows": rows})


def _origin(sweep: Sweep) -> dict[str, Any]:
    """The base's file, and what the base of every point differs by alike."""
    origins = [point.scenario.origin for point in sweep.points]
    common: patch.Table = {}
    for path, value in patch.leaves(origins[0].changes):
        if all((path, value) in patch.leaves(origin.changes) for origin in origins):
            common = patch.assign(common, path, value)
    return {"name": origins[0].name, "changes": common}


def _heading(sweep: Sweep, verdict: VerdictSpec) -> dict[str, Any]:
    scenario = sweep.points[0].scenario
    return {
        "name": sweep.name,
        "question": sweep.question,
        "axes": [
            {"name": axis.name, "label": axis.label, "values": axis.values, "numeric": axis.numeric,
             "fields": list(axis.fields)}
            for axis in sweep.axes
        ],
        "arms": list(scenario.arms),
        "seeds": list(range(sweep.seeds)),
        "requests": scenario.base.evaluation.requests,
        **verdict.roles,
        "margin": verdict.margin.table(),
    }  # fmt: skip


def _turns(sweep: Sweep, verdict: VerdictSpec, found: list[PointNumbers]) -> dict[str, Any] | None:
    """Where the verdict turns, along one numeric axis of two places or more; None elsewhere."""
    along = sweep.axes[0]
    if len(sweep.axes) > 1 or not along.numeric or len(along.values) < 2:
        return None
    places = np.array(along.values, np.float64)
    margins = {"candidates": verdict.margin.lost, "value": verdict.margin.value}
    worse = [point.worse() for point in found]
    return {axis: turning(places, np.array([one[axis] for one in worse]), margins[axis]) for axis in margins}


def _best(sweep: Sweep, verdict: VerdictSpec, found: list[PointNumbers], measure: str) -> dict[str, Any] | None:
    """Where along one axis a slate is worth most; None where a point has a world, a true value, requests or a slate
    size of its own, so that slates of two points are not worth the same thing.

    Arms may differ in who may show as a bubble: the axis then says which policy is worth most to the same people.
    """
    bases = [point.scenario.base for point in sweep.points]
    asked = [(base.world, base.value, base.evaluation, base.stages.late.keep) for base in bases]
    if len(sweep.axes) > 1 or any(one != asked[0] for one in asked):
        return None
    arms = (verdict.proposal, verdict.reference)
    values = {arm: np.array([point.estimates.by_seed(arm, measure, "late") for point in found]) for arm in arms}
    return {arm: best_of(sweep.axes[0].values, values[arm]) for arm in arms}


def _outcome_changes(sweep: Sweep, points: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Neighbours along one axis with another outcome; None of two axes."""
    if len(sweep.axes) > 1:
        return None
    return [
        {
            "axis": axis,
            "between": [point["coordinates"][sweep.axes[0].name] for point in (one, other)],
            "outcomes": [point["verdict"][axis]["outcome"] for point in (one, other)],
        }
        for axis in OUTCOMES
        for one, other in pairwise(points)
        if one["verdict"][axis]["outcome"] != other["verdict"][axis]["outcome"]
    ]


def _spec(sweep: Sweep) -> dict[str, Any]:
    """The first point in full, and every other as the patch that turns the first into it."""
    first, *others = ({"coordinates": point.coordinates, **point.scenario.table()} for point in sweep.points)
    return {
        "name": sweep.name,
        "question": sweep.question,
        "seeds": sweep.seeds,
        "axes": [axis.table() for axis in sweep.axes],
        "first": first,
        "others": [patch.diff(first, other) for other in others],
    }
