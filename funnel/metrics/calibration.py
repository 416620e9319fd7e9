"""Are predictions true, and still true on what they selected."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.slices import Slices, friend_or_other, survivors


def calibration(ledger: Ledger) -> list[Ratio]:
    """Sum of the late stage's predictions over the sum of true means, at the pool, after early and after late.

    1 is calibrated. Above 1 after selection is expected: a model over-predicts on what it picked (arXiv 2502.06834).
    """
    return [
        Ratio(total(ledger, rows, predicted), total(ledger, rows, ledger.truth[task]), stage, name, task)
        for task, predicted in ledger.predicted.items()
        for stage, name, rows in _where_true(ledger, task, friend_or_other(ledger))
    ]


def winners_curse(ledger: Ledger) -> list[Ratio]:
    """Mean of prediction minus true mean, at the pool, after early and after late."""
    return [
        Ratio(total(ledger, rows, predicted - ledger.truth[task]), count(ledger, rows), stage, name, task)
        for task, predicted in ledger.predicted.items()
        for stage, name, rows in _where_true(ledger, task, {"all": np.ones(len(ledger.rows), bool)})
    ]


def _where_true(ledger: Ledger, task: str, slices: Slices):
    """(stage, slice, bool (n,)): rows of a stage's output on which the task's condition holds."""
    holds = ~np.isnan(ledger.truth[task])
    for stage, kept in survivors(ledger).items():
        for name, rows in slices.items():
            yield stage, name, kept & rows & holds
