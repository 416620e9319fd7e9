"""Reading access to the summary of a feedback loop: what was found in each round, by arm and measure."""

from itertools import groupby
from typing import Any

from funnel.report.points import Column, SweepView
from funnel.report.table import Table


class RoundsView(SweepView):
    """What one summary says of its rounds, which stand where the points of a sweep along one axis do."""

    each = "in each round"

    def __init__(self, summary: dict[str, Any], spec: dict[str, Any]):
        """
        Args:
            spec: of all rounds, as `spec.json` holds it.
        """
        super().__init__(summary)
        self.new_tasks: list[str] = spec["first"]["change"]["tasks"]["add"]
        """tasks that the change brings"""
        self.rounds: int = self.scenario["rounds"]

    @property
    def behind(self) -> str:
        requests = f"{self.scenario['requests']:,} requests a round"
        if self.seeds == 1:
            return f"n = 1 seed (one world), {requests}: no interval."
        return f"n = {self.seeds} seeds (worlds), {requests} each. Intervals: 95 % t intervals over seeds."

    def along(self, axis: int = 0) -> str:
        return "the rounds"

    def label(self, point: int) -> str:
        return f"round {point + 1}"

    def journey(self) -> Table:
        """What every arm's slates are worth on the mean over all rounds."""
        reference = self.scenario["reference"]
        rows = tuple(
            (arm, (self._cell(found["value"], "value"), self._cell(found["against_reference"], "share", signed=True)))
            for arm, found in self.summary["journey"].items()
        )
        note = f"The mean over the rounds within each seed, then over seeds; against `{reference}` paired by seed."
        return Table("Over all rounds", note, ("slate value, per slot", f"against {reference}"), rows, corner="arm")

    def ends(self) -> Table:
        """What every arm reached in the first round and in the last."""
        note = (
            "Levels, not differences. In round 1 arms are trained on what the base served, later on what they served."
        )
        places = (0, self.rounds - 1)
        return self._levels(places, self._columns(), "Every arm in the first round and in the last", note, "round, arm")

    def levels(self) -> Table:
        """What every arm reached in every round."""
        note = "Levels, not differences: the items of a world are other ones from round to round."
        places = range(self.rounds)
        return self._levels(places, self._columns(), "Every arm in every round", note, "round, arm")

    def _columns(self) -> tuple[Column, ...]:
        calibrated = [
            ("ranker_calibration", "late", "impressed", task, f"{task}, calibration") for task in self.new_tasks
        ]
        return (
            ("lost", "early", "all", "", "lost candidates"),
            ("value", "late", "all", "", "slate value, per slot"),
            ("rest_value", "late", "all", "", "without the new tasks"),
            ("value", "late", "friends_few", "", "of users with few friends"),
            ("share", "late", "friend", "", "friend items on the slate"),
            ("log_bubbles", "", "all", "", "bubbles trained on"),
            *calibrated,
            ("coverage", "late", "all", "", "creators shown"),
        )

    def schedule(self) -> list[tuple[str, str]]:
        """By arm: which stages have the change, from which round to which."""
        return [(arm, "; ".join(_spans(stages, self.rounds))) for arm, stages in self.scenario["at"].items()]


def _spans(stages: list[list[str]], rounds: int) -> list[str]:
    """Neighbouring rounds with the change at the same stages, in words."""
    told, first = [], 1
    for at, group in groupby(stages):
        last = first + len(list(group)) - 1
        where = f"{' and '.join(at)}" if at else "nowhere"
        when = "every round" if last - first + 1 == rounds else f"round {first}"
        if last > first and when != "every round":
            when = f"rounds {first} to {last}"
        told.append(f"{where} in {when}")
        first = last + 1
    return told
