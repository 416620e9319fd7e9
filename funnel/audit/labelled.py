"""What the labels of shown rows say of the stages that chose them.

Labels exist only where something was shown, and what was shown had passed every stage: recall of it flatters, and AUC
on it says how a stage orders what it let through, nothing of what it cut.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from funnel.audit.agreement import known, where
from funnel.audit.faults import is_binary
from funnel.audit.part import Part
from funnel.metrics.auc import within
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.value import best, label_of


def label(part: Part) -> list[Ratio]:
    """Mean label of a task over what was shown, where it could happen."""
    return [
        replace(label_of(part.ledger, task, part.ledger.slate & rows, name), stage=part.spec.shown)
        for task in part.spec.labels
        for name, rows in part.slices.items()
    ]


def exposed_recall(part: Part) -> list[Ratio]:
    """Of the shown rows with the label, the share among the slate-size best of a stage by its own score. It flatters:
    nothing else that would have pleased was ever shown.

    The stage's best are of all rows that the log has its score of, in requests in which that is its whole input.
    """
    return [ratio for stage in part.spec.scored for task in _binary(part) for ratio in _exposed(part, stage, task)]


def _exposed(part: Part, stage: str, task: str) -> list[Ratio]:
    ledger, score = part.ledger, part.score(stage)
    scored, positive = ~np.isnan(score), ledger.slate & (ledger.labels[task] == 1)
    front = best(ledger, scored, score, ledger.slate_size)
    before = part.past(part.spec.stages[part.spec.stages.index(stage) - 1])
    ratios = [
        Ratio(count(ledger, positive & front & rows), count(ledger, positive & rows), stage, name, task)
        for name, rows in part.slices.items()
    ]
    return where(known(part, score, among=before), ratios)


def set_auc(part: Part) -> list[Ratio]:
    """Of all pairs of a shown row with the label and one without in the same request, the share in which a stage's
    score puts the former first; ties half."""
    return [_within(part, part.score(stage), stage, task) for stage in part.spec.scored for task in _binary(part)]


def predicted_set_auc(part: Part) -> list[Ratio]:
    """The same of a stage's prediction of the task, in place of its score."""
    return [_within(part, predicted, stage, task) for stage, task, predicted in _predicted(part, _binary(part))]


def _within(part: Part, score: np.ndarray, stage: str, task: str) -> Ratio:
    ledger = part.ledger
    drawn = ledger.labels[task]
    rows = np.flatnonzero(ledger.slate & ~np.isnan(drawn) & ~np.isnan(score))
    won, pairs = within(ledger.rows.request[rows], score[rows], drawn[rows] == 1, ledger.rows.requests)
    return Ratio(won, pairs, stage, task=task)


def calibration(part: Part) -> list[Ratio]:
    """Sum of a stage's predictions over the sum of the labels, where shown and both are known; 1 is calibrated."""
    ledger = part.ledger
    return [
        Ratio(total(ledger, rows, predicted), total(ledger, rows, drawn), stage, "impressed", task)
        for stage, task, predicted in _predicted(part, list(part.spec.labels))
        for drawn in [ledger.labels[task]]
        for rows in [ledger.slate & ~np.isnan(drawn) & ~np.isnan(predicted)]
    ]


def _predicted(part: Part, tasks: list[str]) -> Iterator[tuple[str, str, np.ndarray]]:
    """(stage, task, prediction (n,)) of the tasks that have labels, too."""
    for stage, of_stage in part.ledger.predicted.items():
        for task, predicted in of_stage.items():
            if task in tasks:
                yield stage, task, predicted


def _binary(part: Part) -> list[str]:
    return [task for task in part.spec.labels if is_binary(task)]
