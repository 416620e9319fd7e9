"""From a scenario with axes to its points, each resolved and checked as a scenario of its own."""

import json
from itertools import product
from typing import Any

from funnel.errors import SpecError
from funnel.patch import Table, assign
from funnel.scenario.axes import AxisSpec
from funnel.scenario.resolve import resolve
from funnel.scenario.spec import Scenario, ScenarioSpec
from funnel.scenario.sweep.spec import Axis, Point, Sweep, Value, placed

Place = tuple[dict[str, Value], dict[str, Any]]
"""coordinates of a point, and the value of every field that moves, by path"""


def resolve_sweep(spec: ScenarioSpec, base: Table, *patches: Table, world: Table | None = None) -> Sweep:
    """The points of a scenario with axes, whose fields are set after every other patch of the base.

    Args:
        base, patches, world: as of `funnel.scenario.resolve.resolve`.

    Raises:
        SpecError: every problem of every point; one that all points have is told once.
    """
    problems = [
        f"{field}: should be left out of a sweep, whose page does not tell of it. Found {json.dumps(asked)}."
        for field in ("contrasts", "diagnostics", "null")
        if (asked := getattr(spec, field))
    ]
    axes = tuple(_axis(name, axis) for name, axis in spec.sweep.items())
    found: dict[str, list[str]] = {}
    points = []
    for coordinates, moved in _places(axes):
        try:
            points.append(Point(coordinates=coordinates, scenario=_at(spec, base, patches, world, moved)))
        except SpecError as error:
            for problem in error.problems:
                found.setdefault(problem, []).append(placed(coordinates))
    problems += [_told(problem, where, len(_places(axes))) for problem, where in found.items()]
    if problems:
        raise SpecError(problems)
    return Sweep(name=spec.name, question=spec.question, seeds=spec.seeds, axes=axes, points=tuple(points))


def _axis(name: str, axis: AxisSpec) -> Axis:
    fields = {path: tuple(values) for path, values in axis.fields.items()}
    return Axis(name=name, label=axis.label, values=tuple(map(_label, fields[axis.label])), fields=fields)


def _label(value: Any) -> Value:
    return value if isinstance(value, Value) else json.dumps(value)


def _places(axes: tuple[Axis, ...]) -> list[Place]:
    """All points, the last axis moving fastest."""
    return [
        (
            {axis.name: axis.values[at] for axis, at in zip(axes, places, strict=True)},
            {path: values[at] for axis, at in zip(axes, places, strict=True) for path, values in axis.fields.items()},
        )
        for places in product(*(range(len(axis.values)) for axis in axes))
    ]


def _at(
    spec: ScenarioSpec, base: Table, patches: tuple[Table, ...], world: Table | None, moved: dict[str, Any]
) -> Scenario:
    """The scenario of one point."""
    table = {key: value for key, value in spec.table().items() if key != "sweep"}
    last: Table = {}
    for path, value in moved.items():
        root, _, rest = path.partition(".")
        if root == "base":
            last = assign(last, rest, value)
        else:
            table = assign(table, path, value)
    return resolve(ScenarioSpec.parse(table, ""), base, *patches, last, world=world)


def _told(problem: str, where: list[str], points: int) -> str:
    if len(where) == points:
        return f"sweep: at every point: {problem}"
    more = f" and {len(where) - 1} more" if len(where) > 1 else ""
    return f"sweep: at {where[0]}{more}: {problem}"
