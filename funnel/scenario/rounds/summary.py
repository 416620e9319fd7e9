"""The results folder of a feedback loop: what `docs/results.md` says of this kind."""

from pathlib import Path
from typing import Any

import polars as pl

from funnel import patch
from funnel.metrics.catalogue import METRICS
from funnel.scenario import envelope
from funnel.scenario.estimates import estimate
from funnel.scenario.points import SLICES, PointNumbers
from funnel.scenario.rounds.sentences import sentences
from funnel.scenario.rounds.served import MEASURES as SERVED
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.rounds.study import Failed
from funnel.scenario.sweep.sentences import standing

KIND = "rounds"
TOLD = (*SLICES, "friends_none", "friends_few", "friends_many", "fresh", "small", "unselected")
"""slices that the summary tells of; the rows have them all"""


def write(folder: Path, rounds: Rounds, rows: pl.DataFrame, failed: Failed, seconds: float) -> dict[str, Any]:
    """Summarise a feedback loop and write its folder.

    Args:
        rows: `schema.POINT_ROWS`, the point being the place of the round. failed: by place and arm not in them: why.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    verdict, spec = rounds.last.verdict, _spec(rounds)
    found = [PointNumbers(part, verdict, TOLD) for part in rows.partition_by("point", maintain_order=True)]
    points: list[dict[str, Any]] = [
        {"coordinates": {"round": str(place + 1)}, "failed": failed.get(place, {})} | numbers.table()
        for place, numbers in enumerate(found)
    ]
    trends = _trends(found)
    measures = {metric.name: (metric.unit, metric.definition) for metric in METRICS} | SERVED
    summary = {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": KIND,
        "scenario": _heading(rounds),
        "fingerprint": envelope.fingerprint(spec),
        "versions": envelope.versions(),
        "verdict": sentences(verdict, points, trends) | {"standing": [standing(point["verdict"]) for point in points]},
        "base": rounds.rounds[0].origin.table(),
        "points": points,
        "trends": trends,
        "turns": None,
        "measures": {name: {"unit": unit, "definition": told} for name, (unit, told) in measures.items()},
        "seconds": seconds,
        "world": None,
    }
    return envelope.write(folder, spec, summary, {"rows": rows})


def _heading(rounds: Rounds) -> dict[str, Any]:
    scenario = rounds.rounds[0]
    values = [str(place + 1) for place in range(rounds.count)]
    return {
        "name": rounds.name,
        "question": rounds.question,
        # The rounds stand where the points of a sweep along one axis would, so that both are read alike.
        "axes": [{"name": "round", "label": "rounds", "values": values, "numeric": False, "fields": []}],
        "rounds": rounds.count,
        "arms": list(scenario.arms),
        "at": {arm: [list(one.at[arm]) for one in rounds.rounds] for arm in scenario.arms},
        "seeds": list(range(rounds.seeds)),
        "requests": scenario.base.evaluation.requests,
        **scenario.verdict.roles,
        "margin": scenario.verdict.margin.table(),
    }


def _trends(found: list[PointNumbers]) -> dict[str, Any]:
    """By axis of the verdict, how much worse the proposal is in the last round than it was in the first, by seed."""
    first, last = found[0].worse(), found[-1].worse()
    return {axis: estimate(last[axis] - first[axis]) for axis in last}


def _spec(rounds: Rounds) -> dict[str, Any]:
    """The first round in full, and every other as the patch that turns the first into it."""
    first, *others = (scenario.table() for scenario in rounds.rounds)
    return {
        "name": rounds.name,
        "question": rounds.question,
        "seeds": rounds.seeds,
        "rounds": rounds.count,
        "first": first,
        "others": [patch.diff(first, other) for other in others],
    }
