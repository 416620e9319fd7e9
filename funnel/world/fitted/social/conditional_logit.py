"""Conditional logistic regression: which of a set was chosen, given what every place of it looks like.

The likelihood of a set is the softmax of x . beta at its case (McFadden 1974); beta is a log odds ratio at equal other
columns. Newton's method, since the likelihood is concave and columns are few.
"""

import numpy as np

from funnel.world.fitted.clustered import Clustered

PRIOR = 10.0
"""sd of a normal prior of every beta: it keeps a column finite that no case has, and moves no other"""
STEPS, SMALL = 50, 1e-10
"""most Newton steps; a step this small ends them"""


def fit(columns: np.ndarray, allowed: np.ndarray, cluster: np.ndarray, clusters: int) -> list[Clustered]:
    """The log odds ratio of every column, errors clustered.

    Args:
        columns: float (S, A, K); the case stands at place 0.
        allowed: bool (S, A): places that could have been chosen.
        cluster: int (S,) in 0 .. clusters - 1: whose a set is.
    """
    away = np.where(allowed, 0.0, -np.inf)
    beta = np.zeros(columns.shape[2])
    for _ in range(STEPS):
        residual, curvature = _derivatives(columns, away, beta)
        step = np.linalg.solve(curvature, residual.sum(0) - beta / PRIOR**2)
        beta = beta + step
        if step @ step < SMALL:
            break
    residual, curvature = _derivatives(columns, away, beta)
    influence = np.zeros((clusters, len(beta)))
    np.add.at(influence, cluster, residual @ np.linalg.inv(curvature))
    return [Clustered(float(value), influence[:, place]) for place, value in enumerate(beta)]


def _derivatives(columns: np.ndarray, away: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per set the gradient (S, K); and minus the second derivative (K, K), prior included."""
    logit = columns @ beta + away
    chance = np.exp(logit - logit.max(1, keepdims=True))
    chance /= chance.sum(1, keepdims=True)
    expected = np.einsum("sa,sak->sk", chance, columns)
    flat = columns.reshape(-1, len(beta))
    curvature = flat.T @ (flat * chance.reshape(-1, 1)) - expected.T @ expected + np.eye(len(beta)) / PRIOR**2
    return columns[:, 0] - expected, curvature
