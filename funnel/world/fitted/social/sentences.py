"""What the odds ratios of a data set say, put together from the numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Odds = Mapping[str, Mapping[str, Any]]
"""value, low and high by name"""


def sentences(odds: Odds, cue: float) -> list[str]:
    """What is measured, what of it is told apart from shared taste, and what cannot be."""
    said = [_friend(odds), _beyond(odds)]
    if "placebo" in odds:
        said.append(_placebo(odds))
    if "timing_beyond" in odds:
        said.append(_timing(odds))
    return [*said, _limits(cue)]


def _friend(odds: Odds) -> str:
    return (
        f"Where a friend has an item, the odds that a user comes to it are {times(odds['crude'])} those of an item as "
        f"popular, and {times(odds['friend'])} those of one as popular that fits the user's taste as well."
    )


def _beyond(odds: Odds) -> str:
    found = odds["beyond"]
    if found["low"] > 1:
        said = f"so a friend tells {times(found)} what a stranger of the friend's taste does"
    elif found["high"] < 1:
        said = f"so a friend tells less than a stranger of the friend's taste: {times(found)}"
    else:
        said = f"and a friend is not told apart from a stranger of the friend's taste: {times(found)}"
    return f"Strangers of the friends' tastes give {times(odds['alike'])}, {said}."


def _placebo(odds: Odds) -> str:
    left = odds["left"]
    found = times(odds["placebo"])
    made = f"Interactions redrawn from fitted taste alone, without any influence, give {found} by the error of the fit"
    if left["low"] > 1:
        return f"{made}, or somewhat more, as this finds a part of it; what is left is {times(left)}."
    return f"{made}; what is left, {times(left)}, is not told apart from that error."


def _timing(odds: Odds) -> str:
    found = odds["timing_beyond"]
    if found["low"] > 1:
        said = "which calendars and fashions do not explain: influence, or lives that run in step"
    else:
        said = "so timing does not tell influence apart from calendars and fashions"
    friend, alike = times(odds["timing_friend"]), times(odds["timing_alike"])
    return (
        f"Friends come to an item within a month of each other with odds {friend} those of times dealt anew, strangers "
        f"of like taste {alike}: a ratio of {times(found)}, {said}."
    )


def _limits(cue: float) -> str:
    return (
        "Tastes that friends share and that no interaction shows cannot be told from influence here, so none of these "
        "numbers is what showing a friend causes, and none enters the world: it assumes odds of "
        f"{np.exp(cue):.2f} for one friend shown, which its user sets."
    )


def times(found: Mapping[str, Any]) -> str:
    """An odds ratio with its interval."""
    return f"{found['value']:.2f} times ({found['low']:.2f} to {found['high']:.2f})"
