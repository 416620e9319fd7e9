"""Are predictions true, and still true on what they selected and on what nobody was shown."""

import numpy as np

from funnel.metrics.chains import MET, conditional, met
from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Derived, Ratio, count, requests_of, total
from funnel.metrics.slices import Slices, friend_or_other, impressed_or_not, survivors, where_true


def calibration(ledger: Ledger) -> list[Ratio]:
    """Sum of the late stage's predictions over the sum of true means, at the pool, after early and after late.

    1 is calibrated. Above 1 after selection is expected: a model over-predicts on what it picked (arXiv 2502.06834).
    """
    return [
        Ratio(total(ledger, rows, predicted), total(ledger, rows, ledger.truth[task]), stage, name, task)
        for task, predicted in ledger.predicted["late"].items()
        for stage, name, rows in _after_each_stage(ledger, task, friend_or_other(ledger))
    ]


def winners_curse(ledger: Ledger) -> list[Ratio]:
    """Mean of prediction minus true mean, at the pool, after early and after late."""
    return [
        Ratio(total(ledger, rows, predicted - ledger.truth[task]), count(ledger, rows), stage, name, task)
        for task, predicted in ledger.predicted["late"].items()
        for stage, name, rows in _after_each_stage(ledger, task, {"all": np.ones(len(ledger.rows), bool)})
    ]


def ranker_calibration(ledger: Ledger) -> list[Ratio]:
    """Sum of a ranking stage's predictions over the sum of true means, on what was shown and on the rest of the pool.

    A ranker is trained on what was shown; the rest of the pool is what it has to choose from. The prediction of a
    conditional task is held against the true probability given that its condition holds; `met` weighs what was shown by
    the probability that it did, which is where the labels of such a task come from.
    """
    ratios = [
        Ratio(total(ledger, rows, predicted), total(ledger, rows, ledger.truth[task]), stage, name, task)
        for stage, task, predicted, name, rows in _of_rankers(ledger)
    ]
    return ratios + [
        _where_met(ledger, stage, task, of_stage[task])
        for stage, of_stage in ledger.predicted.items()
        for task in conditional(ledger)
        if task in of_stage
    ]


def _where_met(ledger: Ledger, stage: str, task: str, predicted: np.ndarray) -> Ratio:
    rows = where_true(ledger, task, impressed_or_not(ledger))["impressed"]
    chance = met(ledger, task)
    true = total(ledger, rows, chance * ledger.truth[task])
    return Ratio(total(ledger, rows, chance * predicted), true, stage, MET, task)


def ranker_error(ledger: Ledger) -> list[Derived]:
    """Root mean squared difference of a ranking stage's prediction and the true mean, on what was shown and the rest.

    0 is perfect, which no ranker of observables can be: part of the truth is hidden from it.
    """
    return [
        Derived(
            _root_mean_square(predicted[rows] - ledger.truth[task][rows]), requests_of(ledger, rows), stage, name, task
        )
        for stage, task, predicted, name, rows in _of_rankers(ledger)
    ]


def _of_rankers(ledger: Ledger):
    """(ranking stage, task, prediction (n,), slice, bool (n,)): what each stage predicts, and where to judge it."""
    slices = impressed_or_not(ledger)
    for stage, of_stage in ledger.predicted.items():
        for task, predicted in of_stage.items():
            for name, rows in where_true(ledger, task, slices).items():
                yield stage, task, predicted, name, rows


def _root_mean_square(difference: np.ndarray) -> float | None:
    return float(np.sqrt(np.square(difference, dtype=np.float64).mean())) if len(difference) else None


def _after_each_stage(ledger: Ledger, task: str, slices: Slices):
    """(stage, slice, bool (n,)): rows of a stage's output on which the task's condition holds."""
    held = where_true(ledger, task, slices)
    for stage, kept in survivors(ledger).items():
        for name, rows in held.items():
            yield stage, name, kept & rows
