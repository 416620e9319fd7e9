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
    negative = 1 - positive
    with_itself = (positive * negative).sum()  # a row is no pair
    pairs = positive.sum() * negative.sum() - with_itself
    if not len(score) or pairs <= TINY:
        return None
    ties = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    positives, negatives = np.add.reduceat(positive, ties), np.add.reduceat(negative, ties)
    below = np.cumsum(negatives) - negatives
    return float(((positives * (below + negatives / 2)).sum() - with_itself / 2) / pairs)
