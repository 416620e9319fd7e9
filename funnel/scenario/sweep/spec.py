"""A sweep resolved: one scenario at every point of one axis or two."""

from typing import Any

from funnel.scenario.heading import Heading
from funnel.scenario.spec import Scenario
from funnel.spec import Spec

Value = bool | int | float | str
"""what labels a place on an axis"""


class Axis(Spec):
    """What moves, and through which values."""

    name: str
    label: str
    """path of the field whose values label the axis"""
    values: tuple[Value, ...]
    """the labels in order; a value that is no plain one is labelled by its text"""
    fields: dict[str, tuple[Any, ...]]
    """every field that moves along, by path, with its values"""

    @property
    def numeric(self) -> bool:
        """Whether it makes sense to speak of values between two of them."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


class Point(Spec):
    """One point: where it is, and the scenario there."""

    coordinates: dict[str, Value]
    """the label on each axis"""
    scenario: Scenario

    @property
    def label(self) -> str:
        """What a user is told of it."""
        return placed(self.coordinates)


class Sweep(Heading):
    """All points of a sweep; they share name, question, seeds and the arms' names."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    """the last axis moves fastest"""


def placed(coordinates: dict[str, Value]) -> str:
    """Coordinates as a text, such as `keep = 50, weight = 0.5`."""
    return ", ".join(f"{axis} = {value}" for axis, value in coordinates.items())
