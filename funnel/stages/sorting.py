"""What a stage sorts by when that is not the plain score of its formula: boosts by source, and fusion."""

from collections.abc import Mapping

import numpy as np

from funnel.candidates import Candidates


def boosted(score: np.ndarray, source: np.ndarray, factors: Mapping[int, float]) -> np.ndarray:
    """float32 (n,): scores with the candidates of some sources helped.

    A factor above 1 has to help whatever the sign, so a positive score is multiplied by it and a negative one divided.
    A candidate of several such sources has all their factors.

    Args:
        score: float32 (n,). source: int64 (n,), bitmasks.
        factors: by the bit of a source.
    """
    factor = np.ones(len(score), np.float32)
    for bit, times in factors.items():
        factor *= np.where(source & bit, np.float32(times), np.float32(1))
    return np.where(score < 0, score / factor, score * factor)


def fused(score: np.ndarray, candidates: Candidates, weight: float, among: np.ndarray) -> np.ndarray:
    """float32 (n,): (1 - weight) times the stage's own score plus weight times the score of the stage before.

    The two are sums over other tasks with other weights, and differ in scale from request to request. So both are
    first standardised within the request: mean 0, deviation 1 over the candidates that the stage is given.

    Args:
        score: float32 (n,), the stage's own.
        candidates: n rows with the score of the stage before.
        among: bool (n,), the rows that the stage is given; the others are put on their scale.
    """
    own, before = (_standard(column, candidates, among) for column in (score, candidates.score))
    return ((1 - weight) * own + weight * before).astype(np.float32)


def _standard(column: np.ndarray, candidates: Candidates, among: np.ndarray) -> np.ndarray:
    """float64 (n,): the column with mean 0 and deviation 1 over the rows of `among` of its request.

    Sums run over the rows of one request in their order, so the bits depend on no other request. Where all scores are
    equal they tell nothing, and stand at 0.
    """
    request, values = candidates.request, column.astype(np.float64)
    means = _request_means(values, request, among, candidates.requests)
    apart = values - means[request]
    deviation = np.sqrt(_request_means(apart**2, request, among, candidates.requests))
    return apart / np.where(deviation > 0, deviation, np.inf)[request]


def _request_means(values: np.ndarray, request: np.ndarray, among: np.ndarray, requests: int) -> np.ndarray:
    sums = np.bincount(request[among], values[among], minlength=requests)
    return sums / np.maximum(np.bincount(request[among], minlength=requests), 1)
