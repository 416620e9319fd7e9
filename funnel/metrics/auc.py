"""Do predictions put the right candidates first: the area under the ROC curve against true probabilities."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import TINY, Derived, requests_of
from funnel.metrics.slices import impressed_or_not, where_true
from funnel.tasks import TASK


def auc(ledger: Ledger) -> list[Derived]:
    """Expected AUC of each ranking stage's prediction of a binary task, on what was shown and on the rest of the pool.

    Each row counts as a positive with its true probability and as a negative with what is left of it, so no outcome is
    drawn. Rows of all requests are ranked together. A conditional task is judged where its condition is not seen to
    fail, by the probability given that it holds.
    """
    return [
        Derived(expected_auc(predicted[rows], ledger.truth[task][rows]), requests_of(ledger, rows), stage, name, task)
        for stage, of_stage in ledger.predicted.items()
        for task, predicted in of_stage.items()
        if TASK[task].kind == "binary"
        for name, rows in where_true(ledger, task, impressed_or_not(ledger)).items()
    ]


def expected_auc(score: np.ndarray, probability: np.ndarray) -> float | None:
    """Of all pairs of a positive and a negative row, the share in which the positive has the greater score; ties half.

    The expectation of both counts of pairs over independent outcomes: sum over i != j of p_i (1 - p_j) [s_i > s_j],
    over the same sum without the bracket.

    Args:
        score: float (n,). probability: float (n,), that the row is a positive.

    Returns:
        None where no such pair can be.
    """
    order = np.argsort(score)
    ranked, positive = score[order], probability[order].astype(np.float64)
    expected = positive.sum()
    with_itself = expected - positive @ positive  # sum of p (1 - p): a row is no pair
    pairs = expected * (len(score) - expected) - with_itself
    if pairs <= TINY:
        return None
    ties = np.append(0, 1 + np.flatnonzero(ranked[1:] != ranked[:-1]))
    positives = np.add.reduceat(positive, ties)
    negatives = np.diff(ties, append=len(score)) - positives
    negatives_below = ties - (np.cumsum(positives) - positives)
    return float((positives @ (negatives_below + negatives / 2) - with_itself / 2) / pairs)


def within(
    request: np.ndarray, score: np.ndarray, positive: np.ndarray, requests: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a positive and a negative row of the same request: how many have the positive in front, ties half, and
    how many there are.

    By ranks (Mann and Whitney 1947): the ranks of the positives, less those that they would have among themselves.

    Args:
        request: int64 (n,), rising. score: float (n,). positive: bool (n,).

    Returns:
        float64 (R,) both; their ratio over any requests is the AUC in which every pair weighs the same.
    """
    order = np.lexsort((score, request))
    owner, ranked = request[order], score[order]
    begins = np.append(True, (owner[1:] != owner[:-1]) | (ranked[1:] != ranked[:-1]))[: len(order)]
    tie = np.cumsum(begins) - 1
    size = np.bincount(tie)
    rank = (np.flatnonzero(begins) + (size + 1) / 2)[tie] - np.searchsorted(owner, owner)
    positives = np.bincount(request, positive, requests)
    negatives = np.bincount(request, minlength=requests) - positives
    above = np.bincount(owner, rank * positive[order], requests) - positives * (positives + 1) / 2
    return above, positives * negatives
