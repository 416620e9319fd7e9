"""What the bubbles on the rows of a ledger show, as measures see it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shown:
    """The bubbles of n rows."""

    count: np.ndarray
    """int8 (n,): friends shown, 0 without a bubble"""
    expressive: np.ndarray
    """bool (n,): a friend shown reacted with more than a like"""
