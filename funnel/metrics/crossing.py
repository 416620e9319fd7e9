"""Where a curve that is known at a few places passes a level."""

import numpy as np


def crossings(places: np.ndarray, values: np.ndarray, level: float) -> list[float]:
    """The places at which the curve between the points passes the level, up or down, from the least on.

    Args:
        places: float64 (P,), rising. Between two of them the curve is a straight line over their logarithm
            where all are positive, since budgets and weights act by factors, and over the places themselves elsewhere.
        values: float64 (P,).

    Returns:
        Empty where the curve stays on one side. A value that is the level itself counts as above.
    """
    above = values >= level
    return [
        _between(places[at : at + 2], (level - values[at]) / (values[at + 1] - values[at]), bool((places > 0).all()))
        for at in np.flatnonzero(above[1:] != above[:-1])
    ]


def _between(ends: np.ndarray, share: float, positive: bool) -> float:
    if positive:
        return float(np.exp(np.interp(share, (0, 1), np.log(ends))))
    return float(np.interp(share, (0, 1), ends))
