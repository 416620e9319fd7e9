"""Joint training of the cascade: the early and the late ranker fitted in one optimisation.

Each keeps its task losses, its rows and its balancer; beside them stands one loss on the survival, through both cuts,
of what the log says was good. It reaches the late ranker through its formula, so that the formula stays what the late
stage sorts by. The early ranker gets a score of its own: its tasks alone may not be able to say what the late formula
weighs, and bending their probabilities until they do would spoil them as predictions.

In LCRON (arXiv 2503.09492) and GPRP (arXiv 2405.04844) a candidate of the late stage's choice, or one that was clicked,
is the target, and all else is to be lost. Here the target is the late formula over the labels of what was shown. What
was cut has no label: the early ranker is to put it below what was worth something, but the late cut is taken among the
shown alone. Counting the cut as worthless there, too, taught the late ranker the choice of the policy that had cut it:
in the base world its slates were then worth less than without any repair.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from funnel.features import tell_of_friends
from funnel.formula import evaluate, joint, needs_bubble
from funnel.tasks import Formula
from funnel.training.batches import Period, columns_of, held_out, rows
from funnel.training.fitting import prepared
from funnel.training.lessons import spread
from funnel.training.lists import Lists
from funnel.training.logged import as_served
from funnel.training.loop import Update, finite, fit
from funnel.training.ranker import Ranker
from funnel.training.repair_spec import CascadeSpec
from funnel.training.spec import RankerSpec
from funnel.training.survival import log_membership, survival_loss
from funnel.training.update import Balanced


class Pair(NamedTuple):
    """The two rankers, and the formula that the late one is sorted by, a sum."""

    early: RankerSpec
    late: RankerSpec
    formula: Formula

    @property
    def names(self) -> list[str]:
        """Of the task losses of both, those of the early one first."""
        return [*(f"early {task}" for task in self.early.tasks), *(f"late {task}" for task in self.late.tasks)]

    def split(self, losses: np.ndarray) -> list[np.ndarray]:
        """The columns of either ranker."""
        return np.split(losses, [len(self.early.tasks)], axis=1)


def train_cascade(
    spec: CascadeSpec,
    pair: Pair,
    periods: Sequence[Period],
    candidates: Sequence[Period],
    seed: int,
    device: str = "cpu",
) -> tuple[Ranker, Ranker]:
    """The early and the late ranker, of which the early one has a score of its own.

    Args:
        pair: both with the same `train`.
        periods: what the rows are made of, as for `train_ranker`.
        candidates: the same periods, with logs of `funnel.training.logged.logged`; requests that are held out give no
            lists.

    Raises:
        DataError: a task has no label in the log, or no request can be held out.
        TrainingError: a loss is not finite.
    """
    rankers, observed = (pair.early, pair.late), periods[-1].observed
    fittings = [
        prepared(ranker, rows(ranker, periods), columns_of(ranker.features, observed), seed, device, own)
        for ranker, own in zip(rankers, (True, False), strict=True)
    ]
    early, late = (fitting.update for fitting in fittings)
    count, train = len(early.x), pair.early.train
    served, table = [as_served(period) for period in candidates], pl.concat([period.log for period in candidates])
    inputs = [
        torch.from_numpy(fitting.inputs.apply(rows(ranker, served).x)).to(device)
        for ranker, fitting in zip(rankers, fittings, strict=True)
    ]
    request = table["request"].to_numpy()
    lists = Lists(request, ~held_out(request, train.held_out, seed))
    turns = lists.turns(-(-count // train.batch), seed, device)
    shown, bubble, goods = _goods(pair.formula, table, device)
    survival = Survival(spec, pair, inputs, shown, bubble, goods, turns)
    curve = fit(Cascade(early, late, survival), pair.names, count, train, seed, device)
    first, second = (
        Ranker(ranker, columns_of(ranker.features, observed), *fitting.conclude(part))
        for ranker, fitting, part in zip(rankers, fittings, pair.split(curve), strict=True)
    )
    return first, second


def _goods(formula: Formula, candidates: pl.DataFrame, device: str) -> list[Tensor]:
    """Of N candidates: bool, whether they were shown and whether they carry a bubble; float32, what they are worth."""
    columns = (
        candidates["cut"].is_null().to_numpy(),
        candidates["bubble_count"].to_numpy() > 0,
        worth(formula, candidates),
    )
    return [torch.from_numpy(column).to(device) for column in columns]


def worth(formula: Formula, candidates: pl.DataFrame) -> np.ndarray:
    """float32 (N,): the formula over the labels of each logged candidate, at least 0; 0 for what was cut."""
    labels = {task: candidates[task].fill_null(0).to_numpy().astype(np.float32) for task in formula.wanted}
    return np.maximum(evaluate(formula, labels, candidates["bubble_count"].to_numpy() > 0), 0)


@dataclass
class Survival:
    """The loss on the survival of good candidates, over one batch of lists after another."""

    spec: CascadeSpec
    pair: Pair
    x: Sequence[Tensor]
    """(N, F) a stage: the candidates' scaled features"""
    shown: Tensor
    """bool (N,): what was not cut"""
    bubble: Tensor
    """bool (N,)"""
    worth: Tensor
    """(N,)"""
    turns: Iterator[Tensor]
    """batches of lists"""

    def loss(self, early: Balanced, late: Balanced) -> Tensor:
        """The weighted loss of the next batch of lists."""
        place = next(self.turns)
        filled = place >= 0
        chosen = place[filled]
        first, second = (x[chosen] for x in self.x)
        bubble = self.bubble[chosen] if tell_of_friends(self.pair.late.features) else None
        own = early.model.score(early.model.represent_rows(first))
        scores = own, smooth_value(self.pair.formula, late, second, bubble)
        among = filled, spread(self.shown[chosen], filled)
        through, seen = (
            log_membership(spread(score, filled), places, share, self.spec.temperature)
            for score, places, share in zip(scores, among, (self.spec.early, self.spec.late), strict=True)
        )
        return self.spec.weight * survival_loss(through, seen, spread(self.worth[chosen], filled))


def smooth_value(formula: Formula, late: Balanced, x: Tensor, bubble: Tensor | None) -> Tensor:
    """(n,): what a formula that is a sum makes of scaled rows x (n, F), to descend on.

    The same number as `funnel.formula.evaluate` gives of the predictions.

    Args:
        bubble: bool (n,); None where the stage cannot see it.
    """
    logits, tasks = late.model(x), late.model.tasks
    means = {task: late.heads.expected(place, logits[:, place].clone()) for place, task in enumerate(tasks)}
    parts = []
    for task, weight in formula.formula.items():
        part = weight * joint(task, means, bubble)
        parts.append(part * bubble if bubble is not None and needs_bubble(task) else part)
    return torch.stack(parts).sum(0)


class Cascade(Update):
    """The updates of both stages on the same rows, and the gradients of the survival loss on top of theirs."""

    def __init__(self, early: Balanced, late: Balanced, survival: Survival):
        self.early, self.late, self.survival = early, late, survival

    def parameters(self) -> Iterable[Any]:
        return [*self.early.parameters(), *self.late.parameters()]

    def losses(self, chosen: Tensor) -> Tensor:
        # Each stage goes back through its own losses: their histories do not meet, and going back ends them.
        self._early, self._late = self.early.losses(chosen), self.late.losses(chosen)
        return torch.cat([self._early, self._late]).detach()

    def backward(self, losses: Tensor) -> None:
        step = self.early.step
        self.early.backward(self._early)
        self.late.backward(self._late)
        loss = self.survival.loss(self.early, self.late)
        finite(loss[None], ("survival",), step)
        loss.backward()
        self.early.groups.link()
        self.late.groups.link()

    def end_epoch(self, losses: Tensor) -> bool:
        count = len(self.early.model.tasks)
        return any([self.early.end_epoch(losses[:count]), self.late.end_epoch(losses[count:])])
