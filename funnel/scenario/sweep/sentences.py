"""What a sweep says in words, composed from the verdicts of its points."""

from collections.abc import Mapping, Sequence
from typing import Any

from funnel.scenario.spec import VerdictSpec
from funnel.scenario.sweep.spec import Axis, Value

Coordinates = Mapping[str, Value]
OUTCOMES = {
    "candidates": ("lost", "not lost", "undecided"),
    "value": ("forgone", "equivalent", "gained", "undecided"),
}
"""the words of each axis of the verdict, in the order in which they are told"""


def standing(verdict: Mapping[str, Any]) -> str:
    """`safe` where no candidates are lost and no value is forgone, `not safe` where either is, else `undecided`."""
    found = {verdict[axis]["outcome"] for axis in OUTCOMES}
    if found & {"lost", "forgone"}:
        return "not safe"
    return "undecided" if "undecided" in found else "safe"


def sentences(
    axes: Sequence[Axis],
    verdict: VerdictSpec,
    points: Sequence[Mapping[str, Any]],
    turns: Mapping[str, Any] | None,
    best: Mapping[str, Any] | None,
    rest: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The headline, and a sentence for each axis of the verdict, each turn, each best place, and the survival law.

    Args:
        points: as the results hold them. turns: `numbers.turning` by axis of the verdict, of a numeric axis alone.
        best: `numbers.best_of` by arm, of one axis whose points can be compared. rest: the same of the value without
            the tasks of the change.
    """
    told = [_outcomes(axis, axes, points) for axis in OUTCOMES]
    told += [_turn(axis, axes[0], verdict, turn) for axis, turn in (turns or {}).items()]
    told += [_best(f"The slate of `{arm}`", axes[0], found) for arm, found in (best or {}).items()]
    bare = "Without the tasks of the change, the slate of"
    told += [_best(f"{bare} `{arm}`", axes[0], found) for arm, found in (rest or {}).items()]
    told += [_law(verdict, points)]
    return {"sentence": _headline(axes, verdict, points), "sentences": told}


def _headline(axes: Sequence[Axis], verdict: VerdictSpec, points: Sequence[Mapping[str, Any]]) -> str:
    places: dict[str, list[Coordinates]] = {"safe": [], "not safe": [], "undecided": []}
    for point in points:
        places[standing(point["verdict"])].append(point["coordinates"])
    proposal, reference = verdict.proposal, verdict.reference
    if len(places["safe"]) == len(points):
        return f"Against `{reference}`, `{proposal}` is safe at all {len(points)} points."
    if not places["safe"]:
        none = "not safe at any of" if len(places["not safe"]) == len(points) else "not shown to be safe at any of"
        return f"Against `{reference}`, `{proposal}` is {none} {len(points)} points."
    told = [f"{word} at {_count(found, len(points), axes)}" for word, found in places.items() if found]
    return f"Against `{reference}`, `{proposal}` is {listed(told)}."


def _count(found: Sequence[Coordinates], points: int, axes: Sequence[Axis]) -> str:
    return _where(found, axes) if len(axes) == 1 else f"{len(found)} of {points} points"


def _outcomes(axis: str, axes: Sequence[Axis], points: Sequence[Mapping[str, Any]]) -> str:
    """Where an axis of the verdict has which outcome."""
    told = []
    for outcome in OUTCOMES[axis]:
        found = [point["coordinates"] for point in points if point["verdict"][axis]["outcome"] == outcome]
        if len(found) == len(points):
            return f"{axis.capitalize()}: {outcome} at every point."
        if found:
            told.append(f"{outcome} at {_where(found, axes)}")
    return f"{axis.capitalize()}: {'; '.join(told)}."


def _where(found: Sequence[Coordinates], axes: Sequence[Axis]) -> str:
    """Points by their coordinates, those that agree in the first together."""
    last = axes[-1].name
    groups: dict[tuple, list[str]] = {}
    for coordinates in found:
        first = tuple(f"{name} = {value}" for name, value in coordinates.items() if name != last)
        groups.setdefault(first, []).append(str(coordinates[last]))
    return ", at ".join(" with ".join([*first, f"{last} = {listed(values)}"]) for first, values in groups.items())


def _turn(axis: str, along: Axis, verdict: VerdictSpec, turn: Mapping[str, Any]) -> str:
    what = {"candidates": "share of candidates lost beyond the reference's", "value": "value forgone"}[axis]
    margin = {"candidates": verdict.margin.lost, "value": verdict.margin.value}[axis]
    level = f"the margin of {100 * margin:g} {'points' if axis == 'candidates' else '%'}"
    place, seeds, above = turn["place"], turn["seeds"], turn["above"]
    if place is not None:
        way = "falls below" if above else "rises above"
        return f"The {what} {way} {level} at {along.name} = {place['value']:.4g} ({_interval(place)})."
    if turn["often"]:
        seeds_told = f"in {turn['often']} of {len(seeds)} seeds" if len(seeds) > 1 else "in the one seed"
        return f"The {what} passes {level} more than once {seeds_told}, so it has no one place along {along.name}."
    staying = sum(seed is None for seed in seeds)
    if staying == len(seeds) and above in (0, len(seeds)):
        side = "above" if above else "below"
        places = f"from {along.name} = {min(along.values)} to {max(along.values)}"
        seeds_told = "In every seed" if len(seeds) > 1 else "In the one seed"
        return f"{seeds_told} the {what} stays {side} {level} {places}."
    return (
        f"The {what} passes {level} in {len(seeds) - staying} of {len(seeds)} seeds, so it has no one place along "
        f"{along.name}."
    )


def _best(slate: str, along: Axis, found: Mapping[str, Any]) -> str:
    told = f"{slate} is worth most at {along.name} = {found['at']}{_side(along, found['at'])}"
    corrected = f"corrected for {len(along.values)} values"
    if not found["rivals"]:
        return f"{told}, clearly more than at any other value ({corrected})."
    if len(found["rivals"]) == len(along.values) - 1:
        return f"{told}, and at no other value clearly less ({corrected})."
    return f"{told}, and not clearly more than at {listed([str(value) for value in found['rivals']])} ({corrected})."


def _side(along: Axis, at: Value) -> str:
    """Whether the best lies between others: at an end of the axis it may lie beyond."""
    if not along.numeric or len(along.values) < 3:
        return ""
    return ", an end of the axis" if at in (along.values[0], along.values[-1]) else ", inside the axis"


def _law(verdict: VerdictSpec, points: Sequence[Mapping[str, Any]]) -> str:
    gaps = []
    for arm in (verdict.proposal, verdict.reference):
        laws = [point["law"][arm] for point in points]
        gap = sum(law["lost"]["value"] - law["predicted_lost"]["value"] for law in laws) / len(laws)
        way = "more" if gap >= 0 else "less"
        gaps.append(f"`{arm}` loses {100 * abs(gap):.1f} points {way}")
    return (
        f"On average over the points, {listed(gaps)} than the survival law expects of the measured correlation of its "
        "early score with the reference's late one."
    )


def _interval(place: Mapping[str, Any]) -> str:
    if place["low"] is None:
        return "no interval from one seed"
    return f"95 % interval {place['low']:.4g} to {place['high']:.4g}, {place['n']} seeds"


def listed(words: Sequence[str]) -> str:
    """Words in a row, `and` before the last."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
