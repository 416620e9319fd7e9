"""Another early budget for other requests: late compute is spent where it pays."""

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from funnel.spec import Spec
from funnel.world.observed import Observed


class Segments(Spec):
    """Requests sorted into segments by what is known before anything is scored, each segment with its own budget."""

    by: Literal["friends", "activity", "bubbles"]
    """friends or counted requests of the user who asks (a segment of users), or candidates of the pool that carry a
    bubble (a budget for the very request)"""
    borders: tuple[float, ...] = Field(min_length=1)
    """rising; a request that reaches a border belongs to the segment above it"""
    keep: tuple[Annotated[int, Field(ge=1)], ...]
    """candidates a request that survive, one number a segment"""

    @model_validator(mode="after")
    def _one_budget_a_segment(self):
        problems = []
        if any(above <= below for below, above in pairwise(self.borders)):
            problems.append(f"borders should rise. Found {_listed(self.borders)}.")
        if len(self.keep) != len(self.borders) + 1:
            problems.append(
                f"keep should have one number more than there are borders. Found {len(self.keep)} for "
                f"{len(self.borders)}."
            )
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def budget(self, observed: Observed, users: np.ndarray, bubbled: np.ndarray) -> np.ndarray:
        """int64 (R,): the budget of each request.

        Args:
            users: int64 (R,), who asks.
            bubbled: int64 (R,), candidates of the pool that carry a bubble.
        """
        match self.by:
            case "friends":
                known = observed.friend_count[users]
            case "activity":
                known = observed.activity[users]
            case "bubbles":
                known = bubbled
        return np.array(self.keep)[np.searchsorted(self.borders, known, side="right")]


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
