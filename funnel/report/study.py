"""Reading access to the summary of a `task_conflict` scenario, and its tables."""

from collections.abc import Sequence
from typing import Any

from funnel.report.table import Table
from funnel.report.view import Number, number

BOTH = "both"


class Study:
    """What one summary says, by model and correlation."""

    def __init__(self, summary: dict[str, Any]):
        self.summary, self.facts = summary, summary["facts"]
        scenario = summary["scenario"]
        self.models: list[str] = scenario["models"]
        self.reference: str = scenario["reference"]
        self.correlations: list[float] = scenario["correlations"]
        self.seeds = len(scenario["seeds"])

    @property
    def telling(self) -> list[float]:
        """The greatest correlation, the one nearest to 0, and the least, in that order."""
        ends = (max(self.correlations), min(self.correlations, key=abs), min(self.correlations))
        return list(dict.fromkeys(ends))

    @property
    def behind(self) -> str:
        """What stands behind the numbers of a figure."""
        if self.seeds == 1:
            return "n = 1 seed: no interval."
        return f"n = {self.seeds} seeds. Intervals: 95 % t intervals over seeds."

    def estimates(self, model: str, task: str = BOTH) -> list[dict[str, Any]]:
        """Final losses in the order of the correlations."""
        return _of_task(self.summary["estimates"][model], task)

    def curve(self, model: str, correlation: float) -> dict[str, Any]:
        return next(one for one in self.summary["curves"][model] if one["correlation"] == correlation)

    def gates(self) -> list[tuple[str, str, list[dict[str, Any]]]]:
        """Of every gated layer a label, its model, and what its gates do in the order of the correlations."""
        order = self.correlations.index
        found = []
        for model, rows in self.summary["gates"].items():
            layers = list(dict.fromkeys(one["layer"] for one in rows))
            for layer in layers:
                own = sorted((one for one in rows if one["layer"] == layer), key=lambda one: order(one["correlation"]))
                found.append((f"{model}, {layer}" if len(layers) > 1 else model, model, own))
        return found

    def tables(self) -> list[Table]:
        """Losses, and the paired differences behind the verdict."""
        return [
            Table(
                "Final loss",
                "Share of the label's variance, on fresh rows. Rows of one task are under the mean of both.",
                tuple(self.models),
                self._rows(self.models, self.summary["estimates"], (BOTH, "first", "second"), signed=False),
            ),
            self._paired(
                "differences",
                f"Final loss minus that of `{self.reference}`",
                "Mean of both tasks, paired by seed. Bold: the whole interval is off zero.",
            ),
            self._paired(
                "widening",
                f"How much the gap to `{self.reference}` grows",
                "The difference at a correlation minus the difference at the greatest one, paired by seed: what is "
                "left of a model's advantage after taking out what it has on aligned tasks already.",
            ),
            self._paired(
                "price",
                "What conflict costs each model",
                "Its own final loss at a correlation minus that at the greatest one, paired by seed.",
            ),
        ]

    def _paired(self, key: str, title: str, note: str) -> Table:
        found = self.summary[key]
        return Table(title, note, tuple(found), self._rows(list(found), found, (BOTH,), signed=True))

    def _rows(
        self, models: Sequence[str], found: dict[str, list[dict[str, Any]]], tasks: Sequence[str], signed: bool
    ) -> tuple[tuple[str, tuple[Number, ...]], ...]:
        keys = [(one["correlation"], one["task"]) for one in found[models[0]] if one["task"] in tasks]
        return tuple((_label(*key), tuple(self._cell(found[model], key, signed) for model in models)) for key in keys)

    def _cell(self, found: list[dict[str, Any]], key: tuple[float, str], signed: bool) -> Number:
        one = next(one for one in found if (one["correlation"], one["task"]) == key)
        return number(one | {"bootstrap_low": None}, "loss", self.seeds, signed)


def _of_task(found: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    return [one for one in found if one["task"] == task]


def _label(correlation: float, task: str) -> str:
    return f"correlation {correlation:g}" if task == BOTH else f"correlation {correlation:g}, {task} task"
