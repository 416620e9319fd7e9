"""What a feedback loop says in words, composed from the verdicts of its rounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from funnel.scenario.spec import VerdictSpec
from funnel.scenario.sweep.sentences import OUTCOMES, listed

WHAT = {"candidates": "share of candidates lost beyond the reference's", "value": "value forgone"}
Point = Mapping[str, Any]


def sentences(
    verdict: VerdictSpec, points: Sequence[Point], trends: Mapping[str, Any], journey: Mapping[str, Any]
) -> dict[str, Any]:
    """The headline, of the last round, and sentences of it, of the way there, and of what models were trained on.

    Args:
        points: the rounds as the results hold them. trends: by axis of the verdict, the change from first to last.
        journey: by arm, its mean over the rounds.
    """
    last = points[-1]["verdict"]
    told = list(last["sentences"])
    told += [_outcomes(axis, points) for axis in OUTCOMES]
    told += [_trend(axis, trend, len(points)) for axis, trend in trends.items()]
    told += [_way(verdict, journey), _logs(verdict, points)]
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


def _way(verdict: VerdictSpec, journey: Mapping[str, Any]) -> str:
    """What users had on the mean over all rounds, the way to the last one included."""
    found = journey[verdict.proposal]["against_reference"]
    way = "less" if found["value"] < 0 else "more"
    interval = "no interval from one seed"
    if found["low"] is not None:
        interval = f"95 % interval {100 * found['low']:+.2f} to {100 * found['high']:+.2f} %, {found['n']} seeds"
    return (
        f"Over all rounds, slates of `{verdict.proposal}` are worth {100 * abs(found['value']):.2f} % {way} than those "
        f"of `{verdict.reference}` ({interval})."
    )


def _logs(verdict: VerdictSpec, points: Sequence[Point]) -> str:
    """On how many bubble impressions the models of the three arms were trained."""

    def bubbles(point: Point) -> str:
        found = {
            arm: next(one["value"] for one in point["estimates"][arm] if one["measure"] == "log_bubbles")
            for arm in verdict.roles.values()
        }
        return listed([f"{value:,.0f} of `{arm}`" for arm, value in found.items()])

    return (
        f"Bubble impressions that models are trained on: {bubbles(points[0])} in round 1; {bubbles(points[-1])} in "
        f"round {len(points)}."
    )
