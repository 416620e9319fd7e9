"""The shape of a measured value: a ratio of two sums over requests.

Numerator and denominator are kept per request, so one definition gives the value, the number of requests behind it and
everything that a bootstrap over requests needs.
"""

from dataclasses import dataclass

import numpy as np

from funnel.metrics.ledger import Ledger

TINY = 1e-12
"""a denominator below this is none"""


@dataclass(frozen=True)
class Ratio:
    """sum_r numerator[r] / sum_r denominator[r], and what it speaks of."""

    numerator: np.ndarray
    """float64 (R,)"""
    denominator: np.ndarray
    """float64 (R,); 0 where the request has nothing to say"""
    stage: str = ""
    slice: str = "all"
    task: str = ""

    @property
    def value(self) -> float | None:
        """None where no request has anything to say: the slice is empty."""
        below = self.denominator.sum()
        return float(self.numerator.sum() / below) if abs(below) > TINY else None

    @property
    def n(self) -> int:
        """Requests with a denominator."""
        return int(np.count_nonzero(self.denominator))


@dataclass(frozen=True)
class Derived:
    """A value computed from ratios and not a ratio itself; no bootstrap over requests can resample it."""

    value: float | None
    n: int
    stage: str = ""
    slice: str = "all"
    task: str = ""


def count(ledger: Ledger, mask: np.ndarray) -> np.ndarray:
    """float64 (R,): rows of each request where `mask` (bool (n,)) holds."""
    chosen = np.flatnonzero(mask)  # most masks are sparse, and indices are then far cheaper than a mask
    return np.bincount(ledger.rows.request[chosen], minlength=ledger.rows.requests).astype(np.float64)


def requests_of(ledger: Ledger, mask: np.ndarray) -> int:
    """How many requests have a row where `mask` (bool (n,)) holds."""
    return int(np.count_nonzero(count(ledger, mask)))


def total(ledger: Ledger, mask: np.ndarray, column: np.ndarray) -> np.ndarray:
    """float64 (R,): sum of `column` (n,) over the rows of each request where `mask` (bool (n,)) holds."""
    chosen = np.flatnonzero(mask)
    sums = np.bincount(ledger.rows.request[chosen], weights=column[chosen], minlength=ledger.rows.requests)
    return sums.astype(np.float64)  # of no rows at all, bincount makes integers
