"""What a feedback loop says in words, composed from the verdicts of its rounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from funnel.scenario.spec import VerdictSpec
from funnel.scenario.sweep.sentences import OUTCOMES, listed

WHAT = {"candidates": "share of candidates lost beyond the reference's", "value": "value forgone"}
Point = Mapping[str, Any]


def sentences(verdict: VerdictSpec, points: Sequence[Point], trends: Mapping[str, Any]) -> dict[str, Any]:
    """The headline, of the last round, and sentences of it, of the way there, and of what models were trained on.

    Args:
        points: the rounds as the results hold them. trends: by axis of the verdict, the change from first to last.
    """
    last = points[-1]["verdict"]
    told = list(last["sentences"])
    told += [_outcomes(axis, points) for axis in OUTCOMES]
    told += [_trend(axis, trend, len(points)) for axis, trend in trends.items()]
    told += [_logs(verdict, points)]
    headline = last["sentence"]
    return {"sentence": f"After {len(points)} rounds: {headline[0].lower()}{headline[1:]}", "sentences": told}


def _outcomes(axis: str, points: Sequence[Point]) -> str:
    """In which rounds an axis of the verdict has which outcome."""
    found = [point["verdict"][axis]["outcome"] for point in points]
    if len(set(found)) == 1:
        return f"{axis.capitalize()}: {found[0]} in every round."
    told = [
        f"{outcome} in {_rounds([place + 1 for place, one in enumerate(found) if one == outcome])}"
        for outcome in OUTCOMES[axis]
        if outcome in found
    ]
    return f"{axis.capitalize()}: {'; '.join(told)}."


def _rounds(places: Sequence[int]) -> str:
    return f"round {places[0]}" if len(places) == 1 else f"rounds {listed([str(place) for place in places])}"


def _trend(axis: str, trend: Mapping[str, Any], rounds: int) -> str:
    what, value, low, high = WHAT[axis], trend["value"], trend["low"], trend["high"]
    size = f"{100 * abs(value):.2f} points"
    if low is None:
        way = "grows" if value > 0 else "falls"
        return f"From round 1 to {rounds} the {what} {way} by {size} (no interval from one seed)."
    interval = f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}, {trend['n']} seeds"
    if low <= 0 <= high:
        return f"From round 1 to {rounds} the {what} does not clearly change: {100 * value:+.2f} ({interval})."
    return f"From round 1 to {rounds} the {what} {'grows' if value > 0 else 'falls'} by {size} ({interval})."


def _logs(verdict: VerdictSpec, points: Sequence[Point]) -> str:
    """On how many bubble impressions the models of the three arms were trained."""

    def bubbles(point: Point, arm: str) -> str:
        found = next(one for one in point["estimates"][arm] if one["measure"] == "log_bubbles")
        return f"{found['value']:,.0f}"

    arms = verdict.roles.values()
    last = listed([f"{bubbles(points[-1], arm)} of `{arm}`" for arm in arms])
    return (
        f"Bubble impressions that models are trained on: {bubbles(points[0], verdict.reference)} in the log that all "
        f"arms share in round 1; in round {len(points)}, {last}."
    )
