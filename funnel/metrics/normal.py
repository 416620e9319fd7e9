"""How two rankings of the same candidates hang together: the correlation of their normal scores."""

import numpy as np
from scipy.special import ndtri

from funnel.candidates import Candidates
from funnel.select import padded


def normal_scores(pool: Candidates, score: np.ndarray) -> np.ndarray:
    """float64 (R, C): Phi^-1(rank / (m + 1)) of each of the m candidates of a request (van der Waerden), 0 beyond them.

    Args:
        score: float (n,) of the candidates; of equal ones the lower item id has the lower rank.
    """
    matrix, filled = padded(pool, score, np.inf)  # what fills up ranks above all
    rank = np.empty(matrix.shape)
    order = np.argsort(matrix, axis=1, kind="stable")
    np.put_along_axis(rank, order, np.arange(1.0, matrix.shape[1] + 1)[None, :], axis=1)
    scores = np.zeros(matrix.shape)
    scores[filled] = ndtri(rank[filled] / (pool.counts[pool.request] + 1))
    return scores


def correlations(pool: Candidates, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """float64 (R,): correlation of the normal scores of two scores (n,); nan for a request of one candidate."""
    one, other = normal_scores(pool, first), normal_scores(pool, second)
    common, own = (one * other).sum(1), (one * one).sum(1)  # both have mean 0 and the same squares
    return np.divide(common, own, out=np.full_like(own, np.nan), where=own > 0)
