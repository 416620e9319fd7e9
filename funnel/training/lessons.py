"""What an early ranker learns beside its labels: the lessons that teachers give on logged candidates.

A step of training descends on the task losses of a batch of rows, as without a teacher, and on the lessons of a batch
of lists; in each epoch every list comes once. So a lesson neither changes which rows the tasks see nor asks the
balancer. Candidates are looked at as they are at serving: at position 0, whatever place they were shown at.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from funnel.models.blocks import MultiTaskModel
from funnel.training.batches import Scaling
from funnel.training.distillation import list_loss
from funnel.training.lists import Lists
from funnel.training.loop import finite
from funnel.training.spec import RankerSpec


@dataclass(frozen=True)
class Lessons:
    """What teachers say of N logged candidates, request by request."""

    x: np.ndarray
    """float32 (N, F): the student's features, unscaled, at position 0"""
    request: np.ndarray
    """int64 (N,), ascending"""
    score: np.ndarray | None = None
    """float32 (N,): of the late stage, by its plain formula"""
    probability: np.ndarray | None = None
    """float32 (N, T): soft labels of the student's tasks; NaN where a task has none"""


class Tutor:
    """Gives the lessons of a spec to a network, a batch of lists a step."""

    def __init__(
        self,
        spec: RankerSpec,
        lessons: Lessons,
        inputs: Scaling,
        among: np.ndarray,
        steps: int,
        seed: int,
        device: str,
    ):
        """
        Args:
            inputs: scale of the student's inputs.
            among: bool (N,): the rows of `lessons` that are not held out.
            steps: of an epoch.
        """
        self.spec = spec
        self.x = torch.from_numpy(inputs.apply(lessons.x)).to(device)
        self.score = _standardised(lessons.score, among).to(device) if lessons.score is not None else None
        self.probability = None if lessons.probability is None else torch.from_numpy(lessons.probability).to(device)
        self.lists = Lists(lessons.request, among).turns(steps, seed, device)

    def teach(self, model: MultiTaskModel, step: int) -> None:
        """Add the gradients of the next lessons to those that the parameters have.

        Raises:
            TrainingError: a loss is not finite.
        """
        losses = self.losses(model)
        finite(torch.stack(list(losses.values())), list(losses), step)
        sum(losses.values(), torch.zeros((), device=self.x.device)).backward()

    def losses(self, model: MultiTaskModel) -> dict[str, Tensor]:
        """The weighted loss of each lesson on the next batch of lists."""
        place = next(self.lists)
        filled = place >= 0
        rows = place[filled]
        read = model.represent_rows(self.x[rows])
        found = {}
        if self.spec.distil and self.score is not None:
            student, teacher = (spread(values, filled) for values in (model.score(read), self.score[rows]))
            found["distil"] = self.spec.distil.weight * list_loss(self.spec.distil)(student, teacher, filled)
        if self.spec.privileged and self.probability is not None:
            found["privileged"] = self.spec.privileged.weight * soft(model.towers(read), self.probability[rows])
        return found


def soft(logits: Tensor, probability: Tensor) -> Tensor:
    """Sum over tasks of the mean cross-entropy against a teacher's probabilities (Xu et al., KDD 2020).

    Added to the loss on the labels; the paper splits a weight of one between both.

    Args:
        logits, probability: (B, T); NaN where there is no soft label.
    """
    known = ~probability.isnan()
    losses = binary_cross_entropy_with_logits(logits, torch.where(known, probability, 0.0), reduction="none")
    return ((losses * known).sum(0) / known.sum(0).clamp(min=1)).sum()


def spread(values: Tensor, filled: Tensor) -> Tensor:
    """(R, L): values of the filled places in their order, 0 elsewhere."""
    return values.new_zeros(filled.shape).masked_scatter(filled, values)


def _standardised(score: np.ndarray, among: np.ndarray) -> Tensor:
    """float32 (N,): with mean 0 and deviation 1 over the rows of a mask, bool (N,)."""
    return torch.from_numpy(Scaling.of(score[among, None]).apply(score[:, None])[:, 0])
