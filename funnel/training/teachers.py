"""What trained rankers say of logged candidates, for another one to learn from."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from funnel.features import Towers, tell_of_friends
from funnel.formula import evaluate, needs_bubble
from funnel.tasks import TASK, Formula
from funnel.training.batches import rows
from funnel.training.lessons import Lessons
from funnel.training.logged import as_served
from funnel.training.ranker import Ranker
from funnel.training.spec import RankerSpec
from funnel.world.observed import Observed


@dataclass(frozen=True)
class Teachers:
    """Who teaches an early ranker."""

    late: tuple[Ranker, Formula] | None = None
    """the late stage: its ranker and its formula, whose plain score is the lesson; a fusion would need the student's"""
    privileged: Ranker | None = None
    """a ranker of the student's tasks that reads more"""

    def lessons(self, spec: RankerSpec, log: pl.DataFrame, observed: Observed, towers: Towers) -> Lessons:
        """What they say.

        Args:
            spec: the student.
            log: of `funnel.training.logged.logged`.

        Raises:
            DataError: a task of a ranker has no label in the log.
        """
        log = as_served(log)
        data = rows(spec, log, observed, towers)
        bubble = log["bubble_count"].to_numpy() > 0
        score = probability = None
        if self.late:
            ranker, formula = self.late
            means = _means(ranker, log, observed, towers)
            score = evaluate(formula, means, bubble if tell_of_friends(ranker.spec.features) else None)
        if self.privileged:
            means = _means(self.privileged, log, observed, towers)
            probability = np.stack([_soft_label(task, means[task], bubble) for task in spec.tasks], 1)
        return Lessons(data.x, data.request, score, probability)


def _means(ranker: Ranker, log: pl.DataFrame, observed: Observed, towers: Towers) -> dict[str, np.ndarray]:
    """float32 (N,) a task: what a ranker expects of the log's rows."""
    predicted = ranker.predict_rows(rows(ranker.spec, log, observed, towers))
    return dict(zip(ranker.spec.tasks, predicted.T, strict=True))


def _soft_label(task: str, mean: np.ndarray, bubble: np.ndarray) -> np.ndarray:
    """float32 (N,): the mean of a binary task where its bubble is seen, NaN elsewhere.

    Amounts and grades keep their labels alone.
    """
    if TASK[task].kind != "binary":
        return np.full_like(mean, np.nan)
    return np.where(bubble, mean, np.float32(np.nan)) if needs_bubble(task) else mean
