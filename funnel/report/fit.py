"""Reading access to the summary of a calibration: how far each target was off, and how the search came there."""

from collections.abc import Mapping
from itertools import accumulate
from math import inf, log
from typing import Any

from funnel.report.view import UNKNOWN, Number, between, text

TRIED = "start", "found"
"""the two funnels that are told of: the base that the search began with, and the one that it ended with"""


class Fit:
    """What one summary says."""

    def __init__(self, summary: dict[str, Any]):
        self.summary = summary
        self.targets: list[dict[str, Any]] = summary["targets"]
        self.knobs: list[dict[str, Any]] = summary["knobs"]
        self.losses: list[float | None] = summary["trials"]["loss"]
        """by trial; None where a funnel could not be made or measured"""
        self.checks: list[dict[str, Any]] = summary["checks"]

    def best(self) -> list[float | None]:
        """The least loss up to each trial."""
        least = accumulate((inf if loss is None else loss for loss in self.losses), min)
        return [None if loss == inf else loss for loss in least]

    def rows(self) -> list[dict[str, Any]]:
        """The targets as a template prints them."""
        return [
            {
                "key": one["key"],
                "wanted": Number(_value(one, one["value"]), f"± {_tolerance(one)}", value=one["value"]),
                "start": Number(_value(one, one["start"]), "", value=one["start"]),
                "found": Number(_value(one, one["found"]), _seeds(one), value=one["found"]),
                "elsewhere": Number(_value(one, one["elsewhere"]), "", value=one["elsewhere"]),
                "off": off(one, "found"),
                "met": one["met"],
                "source": one["source"],
            }
            for one in self.targets
        ]


def off(target: Mapping[str, Any], tried: str) -> float | None:
    """How far `start` or `found` is off, in tolerances; None where the measure had no value."""
    return None if target[tried] is None else (target[tried] - target["value"]) / target["tolerance"]


def place(knob: Mapping[str, Any], tried: str) -> float:
    """Where in its range a knob stands: 0 is the low end, 1 the high one, by the logarithm where that is searched.

    What lies outside is at the nearest end, where the search begins, too.
    """
    inside = min(max(knob[tried], knob["low"]), knob["high"])
    low, high, at = (log(x) if knob["log"] else x for x in (knob["low"], knob["high"], inside))
    return (at - low) / (high - low)


def _value(target: Mapping[str, Any], value: float | None) -> str:
    return UNKNOWN if value is None else text(value, target["unit"], beside=target["value"])


def _tolerance(target: Mapping[str, Any]) -> str:
    unit = "points" if target["unit"] == "share" else target["unit"]
    return text(target["tolerance"], unit, beside=target["value"])


def _seeds(target: Mapping[str, Any]) -> str:
    """The least and the greatest of the worlds that the check drew, where there are several."""
    known = [value for value in target["by_seed"] if value is not None]
    if len(known) < 2:
        return ""
    return f"{between(min(known), max(known), target['unit'], target['value'])}, {len(known)} seeds"
