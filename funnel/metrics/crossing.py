"""Where a curve that is known at a few places passes a level."""

import numpy as np


def crossing(places: np.ndarray, values: np.ndarray, level: float) -> float | None:
    """The first place at which the curve between the points passes the level, rising or falling.

    Args:
        places: float64 (P,), rising or falling. Between two of them the curve is a straight line over their logarithm
            where all are positive, since budgets and weights act by factors, and over the places themselves elsewhere.
        values: float64 (P,).

    Returns:
        None where the curve stays on one side. A value that is the level itself counts as above.
    """
    above = values >= level
    passed = np.flatnonzero(above[1:] != above[:-1])
    if not len(passed):
        return None
    at = passed[0]
    share = (level - values[at]) / (values[at + 1] - values[at])
    ends = places[at : at + 2]
    if (places > 0).all():
        return float(np.exp(np.interp(share, (0, 1), np.log(ends))))
    return float(np.interp(share, (0, 1), ends))
