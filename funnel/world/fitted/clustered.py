"""Estimates whose errors are clustered by user: rows of one user go together, so a user is what chance draws.

An estimate keeps what each user contributes to its error (its influence function), so that a difference of two
estimates of the same users is paired by itself. The variance is the sum of squared influences: the sandwich of Liang
and Zeger (Biometrika 1986). Ties between users (friends, items in common) are not in it, so intervals are a little too
short.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

LEVEL = 0.95
"""confidence level of the intervals"""


@dataclass(frozen=True)
class Clustered:
    """An estimate over n users."""

    value: float
    influence: np.ndarray
    """float64 (n,): what each user adds to the error, to first order"""

    def __sub__(self, other: "Clustered") -> "Clustered":
        return Clustered(self.value - other.value, self.influence - other.influence)

    def scaled(self, value: float, slope: float) -> "Clustered":
        """A function of the estimate: its value there, and its slope (the delta method)."""
        return Clustered(value, slope * self.influence)

    def interval(self) -> tuple[float, float]:
        """The normal interval."""
        half = float(ndtri((1 + LEVEL) / 2) * np.sqrt(self.influence @ self.influence))
        return self.value - half, self.value + half

    def plain(self) -> dict[str, Any]:
        low, high = self.interval()
        return {"value": self.value, "low": low, "high": high}

    def odds(self) -> dict[str, Any]:
        """Of a log odds ratio: the odds ratio with its interval."""
        return {name: float(np.exp(end)) for name, end in self.plain().items()}


def ratio(above: np.ndarray, below: np.ndarray) -> Clustered:
    """Sum of `above` over sum of `below`, float64 (n,) each, one entry a user."""
    total = below.sum()
    value = float(above.sum() / total)
    return Clustered(value, (above - value * below) / total)


def mean(values: np.ndarray) -> Clustered:
    """Mean of float (n,), one value a user."""
    return ratio(values.astype(np.float64), np.ones(len(values)))


def log_odds(share: Clustered) -> Clustered:
    """The log odds of a share strictly between 0 and 1."""
    spread = share.value * (1 - share.value)
    return share.scaled(float(np.log(share.value / (1 - share.value))), 1 / spread)
