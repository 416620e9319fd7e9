"""Reading access to the summary of a sweep: what was found at each point, by arm and measure."""

from collections.abc import Mapping, Sequence
from typing import Any

from funnel.report.table import Table
from funnel.report.view import COST, ROLES, Number, number
from funnel.scenario.estimates import Estimate

AXES = {"candidates": "points", "value": "share"}
"""the axes of a verdict, and the unit of their differences"""
Column = tuple[str, str, str, str, str]
"""measure, stage, slice, task and heading of a column of a table of levels"""
LEVELS: tuple[Column, ...] = (
    ("lost", "early", "all", "", "lost candidates"),
    ("value", "late", "all", "", "slate value, per slot"),
    ("rest_value", "late", "all", "", "without the new tasks"),
    ("recall", "early", "friend", "", "recall of friend items after early"),
    ("recoverable", "early", "all", "", "recoverable after early"),
    ("overlap", "", "unimpressed", "", "overlap, unimpressed"),
    ("bubble_prevalence", "late", "all", "", "places with a bubble"),
    ("bubble_engagement", "late", "all", "", "engagement on one"),
    ("macs", "late", "all", "", "late multiply-adds"),
)
LAW = (
    ("correlation", "ratio", "correlation of early and reference"),
    ("predicted_lost", "share", "lost candidates, by the law"),
    ("lost", "share", "lost candidates, measured"),
)
"""measure, unit and heading of the columns of the table of the survival law"""


class SweepView:
    """What one summary says of its points."""

    each = "at each point"
    """where the numbers of a figure are from"""

    def __init__(self, summary: dict[str, Any]):
        self.summary, self.scenario = summary, summary["scenario"]
        self.axes: list[dict[str, Any]] = self.scenario["axes"]
        self.points: list[dict[str, Any]] = summary["points"]
        self.arms: list[str] = self.scenario["arms"]
        self.seeds = len(self.scenario["seeds"])
        self._found = [
            {(arm, one["measure"], one["stage"], one["slice"], one["task"]): one
             for arm, found in point["estimates"].items() for one in found}
            for point in self.points
        ]  # fmt: skip

    @property
    def judged(self) -> list[str]:
        """The arms of the verdict, baseline first."""
        return [self.scenario[role] for role in ROLES]

    @property
    def notable(self) -> list[str]:
        """None: repairs are judged at one point, not along a sweep."""
        return []

    @property
    def behind(self) -> str:
        """What stands behind the numbers of a figure."""
        requests = f"{self.scenario['requests']:,} requests"
        if self.seeds == 1:
            return f"n = 1 seed (one world), {requests}: no interval."
        return f"n = {self.seeds} seeds (worlds) a point, {requests} each. Intervals: 95 % t intervals over seeds."

    def values(self, axis: int = 0) -> list[Any]:
        """The labels along an axis."""
        return self.axes[axis]["values"]

    def along(self, axis: int = 0) -> str:
        """What an axis moves."""
        more = len(self.axes[axis]["fields"]) - 1
        others = f" and {more} more" if more else ""
        return f"{self.axes[axis]['name']} ({self.axes[axis]['label']}{others})"

    def margin(self, axis: str) -> float:
        return self.scenario["margin"]["lost" if axis == "candidates" else "value"]

    def difference(self, point: int, axis: str) -> dict[str, Any]:
        """How much worse the proposal is than the reference, on one axis of the verdict."""
        return self.points[point]["verdict"][axis]["difference"]

    def outcome(self, point: int, axis: str) -> str:
        return self.points[point]["verdict"][axis]["outcome"]

    def captured(self, point: int) -> dict[str, Any] | None:
        """Share of the reference's gain over the baseline that the proposal captures, where that is defined."""
        return self.points[point]["verdict"]["captured"]

    def law(self, point: int, arm: str) -> Mapping[str, Any]:
        return self.points[point]["law"][arm]

    def estimate(
        self, point: int, arm: str, measure: str, stage: str = "", slice_: str = "all", task: str = ""
    ) -> Estimate | None:
        """None where the arm failed at the point, or the measure has no case there."""
        found = self._found[point].get((arm, measure, stage, slice_, task))
        return found if found and found["value"] is not None else None

    def label(self, point: int) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.points[point]["coordinates"].items())

    def verdicts(self) -> list[dict[str, Any]]:
        """Each point with its outcomes and the numbers behind them, as a template prints it."""
        return [
            {
                "label": self.label(place),
                "standing": self.summary["verdict"]["standing"][place],
                "axes": [
                    (self.outcome(place, axis), self._cell(self.difference(place, axis), unit, signed=True))
                    for axis, unit in AXES.items()
                ],
                "captured": self._cell(self.captured(place), "share"),
            }
            for place in range(len(self.points))
        ]

    def levels(self) -> Table:
        """What every arm reached at every point."""
        note = "Levels, not differences: points need not share a world or a true value."
        return self._levels(range(len(self.points)), LEVELS, "Every arm at every point", note, "point, arm")

    def laws(self) -> Table:
        """What the survival law expects the proposal and the reference to lose at every point, and what they lose."""
        places = [
            (place, self.scenario[role]) for place in range(len(self.points)) for role in ("proposal", "reference")
        ]
        found = [(f"{self.label(place)}: {arm}", self.law(place, arm)) for place, arm in places]
        rows = tuple((label, tuple(self._cell(law[name], unit) for name, unit, _ in LAW)) for label, law in found)
        note = "The law reads the correlation, the pool and the budget; what is lost beyond it has no interval here."
        heads = tuple(heading for _, _, heading in LAW)
        return Table("The survival law at every point", note, heads, rows, corner="point, arm")

    def _levels(self, points: Sequence[int], columns: Sequence[Column], title: str, note: str, corner: str) -> Table:
        """A row for every arm at each of some points."""
        rows = tuple(
            (f"{self.label(place)}: {arm}", tuple(self._level(place, arm, *column[:4]) for column in columns))
            for place in points
            for arm in self.arms
        )
        return Table(title, note, tuple(column[4] for column in columns), rows, corner=corner)

    def _level(self, point: int, arm: str, measure: str, stage: str, slice_: str, task: str) -> Number:
        return self._cell(self.estimate(point, arm, measure, stage, slice_, task), self.unit(measure))

    def unit(self, measure: str) -> str:
        return self.summary["measures"].get(measure, {"unit": COST})["unit"]

    def _cell(self, found: Mapping[str, Any] | None, unit: str, signed: bool = False) -> Number:
        if found is None:
            return Number("n/a", "")
        return number(dict(found) | {"bootstrap_low": None}, unit, self.seeds, signed)
