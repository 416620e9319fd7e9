"""Laws of a world against those of the data: how unequal are people's activity, items' popularity, users' friends.

A law is the distribution of a count over its owners. Two of them are held against each other by their Gini
coefficients, by the share that the top per cent has, and by the Kolmogorov-Smirnov distance, which is the greatest
difference of the shares that have at most so many.
"""

from typing import Any

import numpy as np

POINTS = 40
"""most points of a curve"""
TOP = 0.01
"""share of the owners whose part is told"""


def gini(counts: np.ndarray) -> float:
    """0 where all have the same, towards 1 where one has all; 0 where nobody has any."""
    ordered = np.sort(counts).astype(np.float64)
    n, total = len(ordered), ordered.sum()
    if total == 0:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def top_share(counts: np.ndarray) -> float:
    """What the top `TOP` of the owners have of all; at least one owner."""
    ordered = np.sort(counts)[::-1].astype(np.float64)
    return float(ordered[: max(1, round(TOP * len(ordered)))].sum() / max(ordered.sum(), 1.0))


def distance(counts: np.ndarray, others: np.ndarray) -> float:
    """The Kolmogorov-Smirnov distance of two samples."""
    levels = np.union1d(counts, others)
    shares = [np.searchsorted(np.sort(one), levels, side="right") / len(one) for one in (counts, others)]
    return float(np.abs(shares[0] - shares[1]).max())


def curve(counts: np.ndarray) -> list[tuple[float, float]]:
    """Points (count, share of owners that have at least so many), at levels that lie evenly on a log scale."""
    levels = np.unique(counts[counts > 0])
    if len(levels) > POINTS:
        wanted = np.geomspace(levels[0], levels[-1], POINTS)
        levels = np.unique(levels[np.minimum(np.searchsorted(levels, wanted), len(levels) - 1)])
    above = len(counts) - np.searchsorted(np.sort(counts), levels)
    return [(float(level), float(share)) for level, share in zip(levels, above / len(counts), strict=True)]


def law(data: np.ndarray, world: np.ndarray) -> dict[str, Any]:
    """One law: both sides' inequality and curves, and their distance."""
    sides = {"data": data, "world": world}
    return {
        "gini": {side: gini(counts) for side, counts in sides.items()},
        "top": {side: top_share(counts) for side, counts in sides.items()},
        "mean": {side: float(counts.mean()) for side, counts in sides.items()},
        "distance": distance(data, world),
        "curves": {side: curve(counts) for side, counts in sides.items()},
    }
