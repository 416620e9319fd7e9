"""What the kind of a task means for its logit: label, loss, prediction, and where training starts.

A binary task has the logit of a probability. A graded task has one logit that its ordered thresholds are held against
(cumulative logits; McCullagh, JRSS B 1980): P(grade >= j) = sigmoid(logit - theta_j). The logit of a regression task is
its prediction, in deviations of the labels from their mean.

Where a model chains a task to its parent (ESMM), the loss is over the entire space: the product of the probabilities
along the chain against whether all of it happened. The prediction stays the conditional probability.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from funnel.tasks import Task
from funnel.training.batches import Scaling
from funnel.training.chains import Chains


class Heads(nn.Module):
    """The T tasks of a model, seen from its logits. Its parameters are the thresholds of graded tasks.

    The first threshold of a graded task is 0, since its logit has a constant; the others follow at positive gaps, of
    which `gaps` holds the inverse softplus.
    """

    binary: Tensor
    mean: Tensor
    std: Tensor
    log_kept: Tensor

    def __init__(self, tasks: Sequence[Task], parents: Sequence[int], kept: Sequence[float] | None = None):
        """
        Args:
            parents: column of the task that each loss is chained to, -1 for none (`MultiTaskModel.parents`).
            kept: share of each binary task's negatives that training sees; 1 when not given.
        """
        super().__init__()
        shares = torch.tensor(kept or [1.0] * len(tasks))
        self.kinds = [task.kind for task in tasks]
        self.graded = {place: len(task.grades) for place, task in enumerate(tasks) if task.kind == "graded"}
        self.chains = Chains(parents)
        self.sampled = bool((shares < 1).any())
        self.gaps = nn.ParameterDict({str(place): torch.zeros(grades - 1) for place, grades in self.graded.items()})
        self.register_buffer("binary", torch.tensor([kind == "binary" for kind in self.kinds]), persistent=False)
        self.register_buffer("log_kept", shares.log(), persistent=False)
        self.register_buffer("mean", torch.zeros(len(tasks)))
        self.register_buffer("std", torch.ones(len(tasks)))

    def thresholds_of(self, place: int) -> list[nn.Parameter]:
        """The parameters of one task."""
        return [self.gaps[str(place)]] if place in self.graded else []

    def start(self, labels: np.ndarray) -> Tensor:
        """Fit scales to the labels, and thresholds to their rates, so that no step is spent on finding them.

        The initialisation for rare classes of Lin et al. (ICCV 2017), with the measured rates.

        Args:
            labels: float32 (N, T); NaN where the label does not exist.

        Returns:
            (T,): the constant that each task's logit should start from.
        """
        scaling, constants = Scaling.of(labels), torch.zeros(len(self.kinds))
        for place, kind in enumerate(self.kinds):
            if kind == "regression":
                self.mean[place], self.std[place] = float(scaling.mean[place]), float(scaling.std[place])
            else:
                constants[place] = float(_logits_of_rates(labels[:, place], 1)[0])
        with torch.no_grad():
            for place, grades in self.graded.items():
                apart = -np.diff(_logits_of_rates(labels[:, place], grades))
                # Grades that no label tells apart still need an order.
                self.gaps[str(place)].copy_(torch.from_numpy(np.log(np.expm1(np.maximum(apart, 0.01)))))
        return constants

    def targets(self, labels: np.ndarray) -> Tensor:
        """(N, T): labels, of that shape, in the units of the logits; NaN where the label does not exist."""
        return (torch.from_numpy(labels).to(self.mean.device) - self.mean) / self.std

    def joint(self, targets: Tensor) -> Tensor:
        """(N, T): targets that training descends on; at a chained task, whether its whole chain happened."""
        return self.chains.joint(targets) if len(self.chains) else targets

    def forward(self, logits: Tensor, joint: Tensor) -> Tensor:
        """The loss of every task that training descends on, a mean over its labelled rows.

        Args:
            logits: (B, T)
            joint: (B, T), from `joint`; NaN where the label does not exist.

        Returns:
            (T,); 0 without gradient for a task that has no label in the batch.
        """
        if self.sampled:
            # Fewer negatives raise the odds that training sees; the logit itself stays that of all rows.
            logits = logits - self.log_kept
        labelled = ~joint.isnan()
        losses = self._each(logits, torch.where(labelled, joint, 0.0), chained=len(self.chains) > 0)
        return (losses * labelled).sum(0) / labelled.sum(0).clamp(min=1)

    def own(self, logits: Tensor, targets: Tensor) -> Tensor:
        """(B, T): loss of each task on the rows that have its own label, NaN on the others.

        Whether training chains tasks makes no difference to it, so models that do can be compared with others.
        """
        labelled = ~targets.isnan()
        losses = self._each(logits, torch.where(labelled, targets, 0.0), chained=False)
        return losses.masked_fill(~labelled, torch.nan)

    def _each(self, logits: Tensor, known: Tensor, chained: bool) -> Tensor:
        """(B, T): the loss of every row and task."""
        losses = binary_cross_entropy_with_logits(logits, known, reduction="none")
        if "regression" in self.kinds:
            losses = torch.where(self.binary, losses, (logits - known).square())
        for place in self.graded:
            graded = _graded(logits[:, place], known[:, place], self.gaps[str(place)])
            losses = losses.index_copy(1, torch.tensor([place], device=losses.device), graded)
        if chained:
            ends = self.chains.ends
            losses = losses.index_copy(1, ends, self.chains.losses(logits, known[:, ends]))
        return losses

    def expected(self, place: int, logits: Tensor) -> Tensor:
        """(n,): what one task's logits (n,) say: probability, expected grade, or the mean in the label's unit.

        The logits may be overwritten.
        """
        match self.kinds[place]:
            case "binary":
                return torch.sigmoid_(logits)
            case "graded":
                return torch.sigmoid(logits[:, None] - _thresholds(self.gaps[str(place)])).sum(1)
            case _:
                return logits.mul_(self.std[place]).add_(self.mean[place])


def _logits_of_rates(labels: np.ndarray, grades: int) -> np.ndarray:
    """float32 (grades,): logit of the rate at which each grade is reached, in labels (N,).

    One more of each outcome, so that a task without a positive has a finite logit, too.
    """
    known = labels[~np.isnan(labels)]
    reached = np.array([(known >= grade).sum() for grade in range(1, grades + 1)])
    rate = (reached + 1) / (len(known) + 2)
    return np.log(rate / (1 - rate)).astype(np.float32)


def _thresholds(gaps: Tensor) -> Tensor:
    """(G,): theta_1 = 0 and those above it."""
    return torch.cat([gaps.new_zeros(1), softplus(gaps).cumsum(0)])


def _graded(logits: Tensor, grades: Tensor, gaps: Tensor) -> Tensor:
    """(B, 1): -log P(grade) under cumulative logits, without a difference of two probabilities.

    P(grade = j) = sigmoid(z_j) sigmoid(-z_{j+1}) (1 - exp(theta_j - theta_{j+1})) with z_j = logit - theta_j.
    """
    z = logits[:, None] - _thresholds(gaps)
    reached = torch.arange(1, z.shape[1] + 1, device=z.device)
    last, next_up = grades[:, None] == reached, grades[:, None] == reached - 1
    between = torch.log(-torch.expm1(-softplus(gaps))) * last[:, :-1]
    return -(logsigmoid(z) * last + logsigmoid(-z) * next_up).sum(1, keepdim=True) - between.sum(1, keepdim=True)
