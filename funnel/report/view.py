"""Reading access to a summary: estimates by what they speak of, and numbers as a reader wants them."""

import json
from dataclasses import dataclass
from functools import cached_property
from math import floor, log10
from typing import Any

import polars as pl

from funnel.report.diagnosis import Diagnosis
from funnel.scenario.envelope import SPEC
from funnel.scenario.estimates import Estimate
from funnel.scenario.results import Results

Address = tuple[str, str, str, str]
"""measure, stage, slice, task"""

ROLES = ("baseline", "proposal", "reference")
"""places in the verdict"""
UNKNOWN = "n/a"
COST = "cost"
"""unit of a measure that is not in the catalogue of truth and survival: what the run says it cost"""
FACT = "fact"
"""unit of a number that is no measure"""


@dataclass(frozen=True)
class Number:
    """One cell: the value, and under it the interval or the reason for having none."""

    text: str
    detail: str
    clear: bool = False
    """of a difference: the interval leaves out zero"""
    value: float | None = None
    """what the cell sorts by"""


class View:
    """What one results folder holds, its estimates looked up by arm and address."""

    def __init__(self, found: Results):
        self.found, self.summary = found, found.summary
        summary = found.summary
        self.scenario = summary["scenario"]
        self.arms: list[str] = self.scenario["arms"]
        self.seeds = len(self.scenario["seeds"])
        self.diagnosis = Diagnosis(summary["diagnostics"]) if summary["diagnostics"] else None
        """what diagnosing the rankers found; None where the scenario did not ask"""
        self.entries: dict[str, dict[str, Any]] = {entry["arm"]: entry for entry in summary["repairs"]["entries"]}
        """by arm: what it costs, gains and is credited with"""
        self._contrasts = {name: _addressed(found["estimates"]) for name, found in summary["contrasts"].items()}
        self._estimates = {arm: _addressed(found) for arm, found in summary["estimates"].items()}
        self._differences = {
            against: {arm: _addressed(found) for arm, found in table.items()}
            for against, table in summary["differences"].items()
        }

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The resolved scenario."""
        return json.loads((self.found.folder / SPEC).read_text())

    @property
    def surfaces(self) -> list[str]:
        """The surfaces of the world, by name; none where it tells none apart."""
        return list(self.spec["base"]["world"].get("surfaces", {}))

    @cached_property
    def sample(self) -> pl.DataFrame:
        """Some requests of the first seed, candidate by candidate (`schema.SAMPLE`)."""
        return self.found.table("sample")

    @property
    def judged(self) -> list[str]:
        """The three arms of the verdict, baseline first."""
        return [self.scenario[role] for role in ROLES]

    @property
    def notable(self) -> list[str]:
        """The cheapest repair that is shown to be as good as the reference; where there is none, the efficient repairs,
        the greatest gain first."""
        cheapest = self.summary["repairs"]["cheapest"]
        if cheapest not in (None, *self.compared):
            return [cheapest]
        repairs = [entry for arm, entry in self.entries.items() if self.summary["arms"][arm]["role"] == "repair"]
        efficient = [entry for entry in repairs if entry["efficient"]]
        return [entry["arm"] for entry in sorted(efficient, key=lambda entry: -entry["gain"]["value"])]

    @property
    def compared(self) -> tuple[str, str]:
        """Proposal and reference."""
        return self.scenario["proposal"], self.scenario["reference"]

    @property
    def behind(self) -> str:
        """What stands behind the numbers of a figure."""
        requests = f"{self.scenario['requests']:,} requests"
        if self.seeds == 1:
            return f"n = 1 seed (one world), {requests}. Intervals: bootstrap over requests, of that one world."
        return f"n = {self.seeds} seeds (worlds), {requests} each. Intervals: 95 % t intervals over seeds."

    @property
    def over_seeds(self) -> str:
        """As `behind`, of numbers whose only interval is the one over seeds."""
        if self.seeds == 1:
            requests = f"{self.scenario['requests']:,} requests"
            return f"n = 1 seed (one world), {requests}: no interval, since these numbers have one over seeds alone."
        return self.behind

    def estimate(self, arm: str, measure: str, stage: str = "", slice_: str = "all", task: str = "") -> Estimate:
        """The estimate, or one without a value where the run has none."""
        return self._estimates[arm].get((measure, stage, slice_, task), _nothing())

    def difference(self, against: str, arm: str, address: Address) -> Estimate:
        """The paired difference of an arm against `baseline` or `reference`."""
        return self._differences[against].get(arm, {}).get(address, _nothing())

    def addresses(self, measure: str) -> list[Address]:
        """Where a measure has a value in any arm, in the order of the results."""
        found = {
            address: None
            for table in self._estimates.values()
            for address, estimate in table.items()
            if address[0] == measure and estimate["value"] is not None
        }
        return list(found)

    def uncatalogued(self) -> list[str]:
        """Measures that the catalogue does not define: the costs."""
        found = {address[0]: None for table in self._estimates.values() for address in table}
        return [measure for measure in found if measure not in self.summary["measures"]]

    def unit(self, measure: str) -> str:
        return self.summary["measures"].get(measure, {"unit": COST})["unit"]

    def cell(self, arm: str, address: Address) -> Number:
        found = self.estimate(arm, *address)
        return number(found, self.unit(address[0]), self.seeds)

    def contrast_cell(self, name: str, address: Address) -> Number:
        """A weighted sum of arms that the scenario asks for."""
        return self._signed(self._contrasts[name].get(address, _nothing()), address)

    def difference_cell(self, against: str, arm: str, address: Address) -> Number:
        found = self.difference(against, arm, address)
        if "relative" in found:
            # A slate's value has no unit that anybody knows, so its difference is told as a share.
            return number(found | found["relative"] | {"bootstrap_low": None}, "share", self.seeds, signed=True)
        return self._signed(found, address)

    def _signed(self, found: Estimate, address: Address) -> Number:
        unit = self.unit(address[0])
        return number(found, "points" if unit == "share" else unit, self.seeds, signed=True)


def number(found: Estimate, unit: str, seeds: int, signed: bool = False) -> Number:
    """An estimate, or with `signed` a difference, as a cell; says n where fewer than all seeds had cases."""
    value, low, high = (found[name] for name in ("value", "low", "high"))
    if value is None:
        return Number(UNKNOWN, "no cases")
    if signed and value == low == high == 0:
        return Number("0", "the same in every seed", value=0.0)
    shown = text(value, unit, signed)
    if low is not None:
        fewer = f", n = {found['n']}" if found["n"] < seeds else ""
        ends = between(low, high, unit, value, signed)
        return Number(shown, f"{ends}{fewer}", clear=signed and (low > 0 or high < 0), value=value)
    if found["bootstrap_low"] is not None:
        ends = between(found["bootstrap_low"], found["bootstrap_high"], unit, value, signed)
        return Number(shown, f"{ends}, this world", value=value)
    return Number(shown, "1 seed", value=value)


def between(low: float, high: float, unit: str, value: float, signed: bool = False) -> str:
    """An interval, in the decimals of the value that it is of."""
    return " to ".join(text(end, unit, signed, beside=value) for end in (low, high))


def text(value: float, unit: str, signed: bool = False, beside: float | None = None) -> str:
    """A number in its unit: shares in per cent, their differences in points, the rest in few digits.

    Args:
        beside: the number that this one is an end of, whose decimals it takes.
    """
    factor, decimals, suffix = _FIXED.get(unit, (1, _decimals(value if beside is None else beside, unit), ""))
    rounded = round(factor * value, decimals) + 0.0  # never a minus before zero
    return f"{rounded:{'+' if signed else ''},.{decimals}f}{suffix}"


_FIXED = {"share": (100, 1, " %"), "points": (100, 1, " pt"), "ratio": (1, 3, ""), "count": (1, 1, "")}
"""factor, decimals and suffix of the units whose numbers have a scale"""


def _decimals(value: float, unit: str) -> int:
    """Decimals that leave four significant digits, of task means three; whole costs and facts have none."""
    if unit in (COST, FACT) and float(value).is_integer():
        return 0
    return max(0, (2 if unit == "mean" else 3) - floor(log10(abs(value) or 1)))


def _addressed(estimates: list[Estimate]) -> dict[Address, Estimate]:
    return {(found["measure"], found["stage"], found["slice"], found["task"]): found for found in estimates}


def _nothing() -> Estimate:
    empty = ("value", "low", "high", "bootstrap_low", "bootstrap_high")
    return dict.fromkeys(empty) | {"n": 0}
