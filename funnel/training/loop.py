"""The one training loop: batches in, steps of Adam, a loss that is checked, the same bits for the same seed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from funnel.errors import TrainingError
from funnel.training.batches import shuffled
from funnel.training.spec import FitSpec


class Update(ABC):
    """How a batch becomes gradients."""

    @abstractmethod
    def parameters(self) -> Iterable[Any]:
        """What is fitted: parameters, or groups of them with settings of their own."""

    @abstractmethod
    def losses(self, chosen: Tensor) -> Tensor:
        """(T,): the losses of a batch, with their history, of row numbers int64 (B,)."""

    @abstractmethod
    def backward(self, losses: Tensor) -> None:
        """Put the gradients of the batch that `losses` was asked for into the parameters, in place of older ones."""

    def end_epoch(self, losses: Tensor) -> bool:
        """Whether training should stop after an epoch with these mean losses, (T,)."""
        return False


class Descent(Update):
    """Plain descent on the sum of the losses."""

    def __init__(self, parameters: Iterable[Tensor], losses: Callable[[Tensor], Tensor]):
        self._parameters, self._losses = list(parameters), losses

    def parameters(self) -> Iterable[Tensor]:
        return self._parameters

    def losses(self, chosen: Tensor) -> Tensor:
        return self._losses(chosen)

    def backward(self, losses: Tensor) -> None:
        for parameter in self._parameters:
            parameter.grad = None
        losses.sum().backward()


def fit(update: Update, names: Sequence[str], count: int, spec: FitSpec, seed: int, device: str) -> np.ndarray:
    """Fit a model in place; the learning rate falls linearly to zero.

    Args:
        names: what the losses are of, for errors.
        count: training rows.

    Returns:
        float32 (epochs, T): mean loss of each name over the batches of an epoch, before each step.

    Raises:
        TrainingError: a loss is not finite.
    """
    groups = list(update.parameters())
    optimiser = torch.optim.AdamW(groups, lr=spec.rate, weight_decay=spec.weight_decay, fused=True)
    steps = -(-count // spec.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / (steps * spec.epochs))
    curve = []
    for epoch in range(spec.epochs):
        seen: list[Tensor] = []
        for chosen in shuffled(count, spec.batch, seed, epoch):
            loss = update.losses(torch.from_numpy(chosen).to(device))
            seen.append(finite(loss, names, epoch * steps + len(seen)))
            update.backward(loss)
            optimiser.step()
            schedule.step()
        curve.append(torch.stack(seen).mean(0))
        if update.end_epoch(curve[-1]):
            break
    return torch.stack(curve).cpu().numpy()


def finite(loss: Tensor, names: Sequence[str], step: int) -> Tensor:
    """The losses (T,) without their history, when all of them are finite.

    Raises:
        TrainingError: one is not; tells names and step.
    """
    loss = loss.detach()
    if not loss.isfinite().all():
        bad = ", ".join(f"`{name}`" for name, ok in zip(names, loss.isfinite().tolist(), strict=True) if not ok)
        raise TrainingError(
            f"Training: the loss should be finite. Found {loss[~loss.isfinite()][0].item()} for {bad} at step {step}. "
            "Lower `train.rate`, or look for extreme values in the features and labels."
        )
    return loss
