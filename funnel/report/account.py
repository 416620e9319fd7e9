"""Reading access to the account of the data that a world is fitted to: its lifts with what to call them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

LIFTS = {
    "crude": ("friend", "a friend has it, as popular"),
    "friend": ("friend", "a friend has it, as popular and as much to taste"),
    "stranger": ("stand-in", "a stranger at random has it"),
    "alike": ("stand-in", "a stranger of the friend's taste has it"),
    "beyond": ("ratio", "a friend over a stranger of the friend's taste"),
    "placebo": ("stand-in", "the same where taste alone acts (redrawn)"),
    "left": ("ratio", "what is left of it"),
    "dose_1": ("friend", "one friend has it"),
    "dose_2": ("friend", "two friends have it"),
    "dose_3": ("friend", "three friends or more have it"),
    "mutual_0": ("ratio", "a friend over such a stranger, {} mutual friends"),
    "mutual_1": ("ratio", "a friend over such a stranger, {} mutual friends"),
    "mutual_2": ("ratio", "a friend over such a stranger, {} mutual friends"),
    "timing_friend": ("friend", "within a month: friends over times dealt anew"),
    "timing_alike": ("stand-in", "within a month: strangers of like taste over times dealt anew"),
    "timing_beyond": ("ratio", "within a month: the first over the second"),
}
"""by name: which side it speaks of, and what to call it; in the order of the figure"""
CUE = "one friend shown: what the world assumes"
SCORERS = {"popularity": "popularity", "taste": "fitted taste", "both": "popularity and taste"}
LAWS = {"popularity": "users of an item", "activity": "interactions of a user", "degree": "friends of a user"}
"""what is counted"""


@dataclass(frozen=True)
class Lift:
    """An odds ratio with its interval."""

    name: str
    side: str
    label: str
    value: float
    low: float
    high: float


class Account:
    """What one account tells."""

    def __init__(self, found: Mapping[str, Any]):
        self.found = found
        self.counts: Mapping[str, int] = found["counts"]
        self.quality, self.social = found["quality"], found["social"]
        self.laws: dict[str, Any] = {name: law for name, law in found["laws"].items() if law}
        """without those that the data has nothing to hold against"""

    @cached_property
    def lifts(self) -> list[Lift]:
        """All that were measured; none where the data has no friends."""
        if not self.social["measured"]:
            return []
        found = self.social["odds"]
        return [
            Lift(name, side, self._called(name, label), **found[name])
            for name, (side, label) in LIFTS.items()
            if name in found
        ]

    def _called(self, name: str, label: str) -> str:
        if not name.startswith("mutual_"):
            return label
        low, high = self.social["mutual"][int(name[-1])]
        return label.format(low if low == high else f"{low} to {high}")

    @staticmethod
    def behind(part: Mapping[str, Any]) -> str:
        """What stands behind the numbers of the quality or of the social effect."""
        return f"n = {part['users']:,} users. Intervals: 95 %, errors clustered by user."
