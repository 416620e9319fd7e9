"""The two axes on which an arm is held against the reference: candidates lost, and value forgone.

Each is a claim with a margin that was fixed in advance: 'not lost' and 'equivalent' are claims of equivalence and need
the whole interval inside the margin.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from funnel.metrics.intervals import Interval, half_width

MOST_SEEDS = 500
"""the search for the number of seeds that would decide ends here"""


@dataclass(frozen=True)
class Arm:
    """What the axes read of one arm, one value a seed; arms are paired by position."""

    name: str
    lost: np.ndarray
    """float64 (S,): lost candidates, a share"""
    value: np.ndarray
    """float64 (S,): mean true value of the slate"""

    def lost_against(self, reference: "Arm") -> np.ndarray:
        """float64 (S,): candidates that this arm loses beyond those of the reference, a share; positive is worse."""
        return self.lost - reference.lost

    def forgone_against(self, reference: "Arm") -> np.ndarray:
        """float64 (S,): value that this arm forgoes, as a share of the reference's; positive is worse."""
        return (reference.value - self.value) / reference.value


@dataclass(frozen=True)
class Axis:
    """What one axis says of an arm."""

    outcome: Literal["lost", "not lost", "forgone", "equivalent", "gained", "undecided"]
    difference: Interval
    """of candidates lost, or of value forgone: positive is worse"""
    margin: float
    seeds_to_decide: int | None
    """where undecided: seeds at which the t interval would decide at this mean and spread, MOST_SEEDS + 1 standing for
    more than were tried; None where decided, or unknown"""


def candidates_axis(difference: Interval, margin: float) -> Axis:
    """`lost` where the whole interval is above the margin, `not lost` where it is below, else `undecided`."""
    if difference.low is not None and difference.low > margin:
        return Axis("lost", difference, margin, None)
    if difference.high is not None and difference.high < margin:
        return Axis("not lost", difference, margin, None)
    return Axis("undecided", difference, margin, seeds_to_decide(difference, abs(difference.value - margin)))


def value_axis(difference: Interval, margin: float) -> Axis:
    """`forgone` where the whole interval is above the margin, `gained` where it is below minus the margin,
    `equivalent` where it is between the two, else `undecided`."""
    low, high = difference.low, difference.high
    if low is not None and high is not None:
        if low > margin:
            return Axis("forgone", difference, margin, None)
        if high < -margin:
            return Axis("gained", difference, margin, None)
        if -margin < low and high < margin:
            return Axis("equivalent", difference, margin, None)
    nearest = abs(abs(difference.value) - margin)
    return Axis("undecided", difference, margin, seeds_to_decide(difference, nearest))


def seeds_to_decide(difference: Interval, distance: float) -> int | None:
    """Fewest seeds at which half the interval is below `distance`, the way from the mean to the nearest border."""
    if difference.sd is None:
        return None
    for n in range(difference.n + 1, MOST_SEEDS + 1):
        if half_width(difference.sd, n, difference.level) < distance:
            return n
    return MOST_SEEDS + 1
