"""The Pareto frontier between two objectives: which points no other beats in both, and how much they dominate."""

import numpy as np


def non_dominated(points: np.ndarray) -> np.ndarray:
    """bool (n,): no other point is at least as good in both objectives and better in one; equal points stand or fall
    together.

    Args:
        points: float (n, 2), greater is better in both; turn the sign of an objective where less is.
    """
    no_worse, better = points[:, None] >= points, points[:, None] > points
    return ~np.any(no_worse.all(2) & better.any(2), axis=0)


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """Area that the points dominate above a reference point (Zitzler and Thiele, PPSN 1998), in two dimensions.

    Args:
        points: float (n, 2), greater is better in both; a point that does not beat the reference in both adds nothing.
        reference: float (2,).
    """
    gain = np.maximum(points - reference, 0.0)
    # From the greatest first objective down, each point adds the strip above the best second objective so far.
    order = np.argsort(-gain[:, 0], kind="stable")
    first, second = gain[order].T
    top = np.maximum.accumulate(np.append(0.0, second))
    return float((first * np.diff(top)).sum())
