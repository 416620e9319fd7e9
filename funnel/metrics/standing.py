"""Where a row stands among others of its request: its rank by a score."""

import numpy as np

from funnel.metrics.ledger import Ledger


def ranks(ledger: Ledger, score: np.ndarray, among: np.ndarray) -> np.ndarray:
    """int64 (n,): rank by `score` (n,) among the rows of `among` (bool (n,)) of the same request; 1 is best, of equal
    scores the lower item id is better, and 0 stands off `among`."""
    request = ledger.rows.request
    inside = np.flatnonzero(among)
    order = inside[np.lexsort([-score[inside], request[inside]])]  # stable: the lower item id wins a tie
    owner = request[order]
    rank = np.zeros(len(score), np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(owner, owner) + 1
    return rank
