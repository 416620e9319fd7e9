"""What trained rankers say of logged candidates, for another one to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funnel.features import tell_of_friends
from funnel.formula import evaluate, needs_bubble
from funnel.tasks import TASK, Formula
from funnel.training.batches import Period, rows
from funnel.training.lessons import Lessons
from funnel.training.logged import as_served
from funnel.training.ranker import Ranker
from funnel.training.spec import RankerSpec


@dataclass(frozen=True)
class Teachers:
    """Who teaches an early ranker."""

    late: tuple[Ranker, Formula] | None = None
    """the late stage: its ranker and its formula, whose plain score is the lesson; a fusion would need the student's"""
    privileged: Ranker | None = None
    """a ranker of the student's tasks that reads more"""

    def lessons(self, spec: RankerSpec, periods: Sequence[Period]) -> Lessons:
        """What they say.

        Args:
            spec: the student.
            periods: with logs of `funnel.training.logged.logged`.

        Raises:
            DataError: a task of a ranker has no label in the logs.
        """
        periods = [as_served(period) for period in periods]
        data = rows(spec, periods)
        bubble = np.concatenate([period.log["bubble_count"].to_numpy() > 0 for period in periods])
        score = probability = None
        if self.late:
            ranker, formula = self.late
            means = _means(ranker, periods)
            score = evaluate(formula, means, bubble if tell_of_friends(ranker.spec.features) else None)
        if self.privileged:
            means = _means(self.privileged, periods)
            probability = np.stack([_soft_label(task, means[task], bubble) for task in spec.tasks], 1)
        return Lessons(data.x, data.request, score, probability)


def _means(ranker: Ranker, periods: Sequence[Period]) -> dict[str, np.ndarray]:
    """float32 (N,) a task: what a ranker expects of the logs' rows."""
    predicted = ranker.predict_rows(rows(ranker.spec, periods))
    return dict(zip(ranker.spec.tasks, predicted.T, strict=True))


def _soft_label(task: str, mean: np.ndarray, bubble: np.ndarray) -> np.ndarray:
    """float32 (N,): the mean of a binary task where its bubble is seen, NaN elsewhere.

    Amounts and grades keep their labels alone.
    """
    if TASK[task].kind != "binary":
        return np.full_like(mean, np.nan)
    return np.where(bubble, mean, np.float32(np.nan)) if needs_bubble(task) else mean
