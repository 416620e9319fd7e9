"""Per-request top k: the one selection that stages, metrics and oracles share."""

import numpy as np

from funnel.candidates import Candidates


def padded(candidates: Candidates, column: np.ndarray, fill: float) -> tuple[np.ndarray, np.ndarray]:
    """A row column as a matrix, one request a row.

    Returns:
        float32 (R, C) with C the greatest count, padded with `fill`; and bool (R, C), True where a candidate stands.
        `matrix[filled]` is the column again.
    """
    counts = candidates.counts
    filled = np.arange(counts.max(initial=0))[None, :] < counts[:, None]
    matrix = np.full(filled.shape, fill, np.float32)
    matrix[filled] = column
    return matrix, filled


def top(
    candidates: Candidates,
    keep: int | np.ndarray,
    score: np.ndarray | None = None,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """The rows that a budget of `keep` per request lets through; of equal scores the lower item id wins.

    Args:
        candidates: n rows.
        keep: at least 1, one number or int64 (R,), one a request; a request with fewer eligible rows keeps them all.
        score: float32 (n,) to sort by; the candidates' own score if not given.
        among: bool (n,), the eligible rows; all if not given.

    Returns:
        bool (n,).
    """
    score = candidates.score if score is None else score
    if among is not None:
        score = np.where(among, score, -np.inf)
    matrix, filled = padded(candidates, score, -np.inf)
    if matrix.shape[1] > np.min(keep, initial=matrix.shape[1]):
        cut = _cut(matrix, keep)
        kept = matrix > cut
        tied = matrix == cut
        # Rows ascend by item inside a request, so the first of the tied are those with the lower ids.
        room = np.reshape(keep, (-1, 1)) - kept.sum(1, keepdims=True)
        kept |= tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= room)
    else:
        kept = filled
    kept = kept[filled]
    return kept if among is None else kept & among


def _cut(matrix: np.ndarray, keep: int | np.ndarray) -> np.ndarray:
    """float32 (R, 1): the score of the last one that a budget lets through; the least of all where it takes in all."""
    if isinstance(keep, np.ndarray):  # a partition has one place for all rows
        last = np.maximum(matrix.shape[1] - keep, 0)
        return np.take_along_axis(np.sort(matrix, axis=1), last[:, None], axis=1)
    return np.partition(matrix, -keep, axis=1)[:, -keep, None]
