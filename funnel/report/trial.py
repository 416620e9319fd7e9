"""Reading access to the summary of a `bubble_dose` scenario, and its tables."""

from collections.abc import Mapping
from typing import Any

from funnel.report.table import Table
from funnel.report.view import Number, number

WORLD = "world"
RATES = {
    "others_seen": "others",
    "others_true": "others, true",
    "randomised_seen": "lots",
    "randomised_true": "lots, true",
}
"""keys of the rates, as a reader is told of them"""


class Trial:
    """What one summary says, by estimator and task."""

    def __init__(self, summary: dict[str, Any]):
        self.summary = summary
        scenario = summary["scenario"]
        self.tasks: list[str] = scenario["tasks"]
        self.estimators: list[str] = scenario["estimators"]
        self.seeds = len(scenario["seeds"])

    @property
    def behind(self) -> str:
        """What stands behind the numbers of a figure."""
        impressions = f"{self.summary['facts']['impressions']:,.0f} impressions"
        if self.seeds == 1:
            return f"n = 1 seed (one world), {impressions}: no interval."
        return f"n = {self.seeds} seeds (worlds), {impressions} each. Intervals: 95 % t intervals over seeds."

    def slope(self, estimator: str, task: str) -> dict[str, Any]:
        """Of an estimator, or of the world: log odds per further friend."""
        return self.summary["estimates"][estimator][task]

    def points(self, key: str, of: str, task: str) -> list[dict[str, Any]]:
        """By number of friends shown, those that are known of `curves` or `rates`."""
        found = [one for one in self.summary[key][of] if one["task"] == task]
        return [one for one in sorted(found, key=lambda one: one["shown"]) if one["value"] is not None]

    def counts(self) -> list[tuple[str, str]]:
        """Impressions a seed, by what became of them."""
        facts = self.summary["facts"]
        told = {
            "impressions": facts["impressions"],
            "with a friend to show": facts["bubbles"],
            "of them left to a lot": facts["randomised"],
        }
        told |= {f"with {number} to show": count for number, count in facts["available"].items()}
        return [(label, f"{count:,.0f}") for label, count in told.items()]

    def tables(self) -> list[Table]:
        """Slopes, what they miss the world by, and rates."""
        everybody = (WORLD, *self.estimators)
        return [
            self._by_task(
                "Log odds per further friend shown",
                "`world` is the truth that `causal` estimates. n/a where fewer than 20 impressions had the outcome.",
                {name: self.summary["estimates"][name] for name in everybody},
                signed=False,
            ),
            self._by_task(
                "What each misses the world by",
                "Its slope minus the world's own, paired by seed. Bold: the whole interval is off zero.",
                self.summary["biases"],
                signed=True,
            ),
            self._rates(),
        ]

    def _by_task(self, title: str, note: str, found: Mapping[str, Mapping[str, Any]], signed: bool) -> Table:
        rows = tuple(
            (task, tuple(self._cell(of_tasks[task], "log odds", signed) for of_tasks in found.values()))
            for task in self.tasks
        )
        return Table(title, note, tuple(found), rows)

    def _rates(self) -> Table:
        shown = sorted({one["shown"] for part in self.summary["rates"].values() for one in part})
        rows = tuple(
            (f"{task}, {number} shown", tuple(self._rate(key, task, number) for key in RATES))
            for task in self.tasks
            for number in shown
        )
        note = (
            "How often it happened, and how often it would in truth. Of the others the number shown is the number that "
            "there was; of the lots those are taken on which most friends could be shown."
        )
        return Table("Rates by friends shown", note, tuple(RATES.values()), rows)

    def _rate(self, key: str, task: str, shown: int) -> Number:
        found = [one for one in self.points("rates", key, task) if one["shown"] == shown]
        return self._cell(found[0] if found else {"value": None, "low": None, "high": None, "n": 0}, "share", False)

    def _cell(self, found: dict[str, Any], unit: str, signed: bool) -> Number:
        return number(found | {"bootstrap_low": None}, unit, self.seeds, signed)
