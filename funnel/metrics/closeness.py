"""Is the closeness estimate true: does it rank friendships right, and is its probability one. Every friendship counts
once, whether anybody was shown it or not."""

import numpy as np

from funnel.metrics.auc import expected_auc
from funnel.metrics.edges import Edges
from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Derived

TENTHS = 10
THIRDS = ("low", "middle", "high")


def closeness_auc(ledger: Ledger) -> list[Derived]:
    """AUC of the closeness estimate: of a truly close friendship and one that is not, how often the close one stands
    higher; over all friendships, and in thirds by the friend count of the user who has fewer. One half is chance.
    """
    if ledger.edges is None:
        return []
    estimate, close = ledger.edges.estimate, ledger.edges.close
    return [
        Derived(expected_auc(estimate[rows], close[rows].astype(float)), len(rows), slice=name)
        for name, rows in _by_friends(ledger.edges).items()
    ]


def closeness_calibration(ledger: Ledger) -> list[Derived]:
    """Sum of the estimated probabilities of being close over the number of friendships that are; over all, and in
    thirds by friend count. 1 is calibrated; only models that learn from answers give a probability.
    """
    if ledger.edges is None or np.isnan(ledger.edges.probability).any():
        return []
    probability, close = ledger.edges.probability, ledger.edges.close
    return [
        Derived(_ratio(probability[rows].sum(dtype=float), close[rows].sum()), len(rows), slice=name)
        for name, rows in _by_friends(ledger.edges).items()
    ]


def closeness_reliability(ledger: Ledger) -> list[Derived]:
    """Mean true closeness of friendships in tenths of the estimate, the least first. Flat says that the estimate knows
    nothing.
    """
    if ledger.edges is None:
        return []
    tenth = np.minimum((TENTHS * ledger.edges.estimate).astype(int), TENTHS - 1)
    count = np.bincount(tenth, minlength=TENTHS)
    total = np.bincount(tenth, ledger.edges.closeness, minlength=TENTHS)
    return [
        Derived(_ratio(total[place], count[place]), int(count[place]), slice=f"tenth_{place + 1}")
        for place in range(TENTHS)
    ]


def _by_friends(edges: Edges) -> dict[str, np.ndarray]:
    """int64 (n,) each: all friendships, and thirds by the lesser friend count; equal counts share a third."""
    borders = np.quantile(edges.friends, [1 / 3, 2 / 3]) if len(edges.friends) else np.zeros(2)
    third = np.searchsorted(borders, edges.friends, side="left")
    parts = {f"friends_{name}": np.flatnonzero(third == place) for place, name in enumerate(THIRDS)}
    return {"all": np.arange(len(edges.friends)), **parts}


def _ratio(above: float, below: float) -> float | None:
    return float(above / below) if below else None
