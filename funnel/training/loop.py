"""The one training loop: batches in, steps of Adam, a loss that is checked, the same bits for the same seed."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from funnel.errors import FunnelError
from funnel.training.batches import shuffled
from funnel.training.spec import TrainSpec


class TrainingError(FunnelError):
    """A model could not be fitted; names the part and the step."""


def fit(
    model: nn.Module,
    losses: Callable[[Tensor], Tensor],
    names: Sequence[str],
    count: int,
    spec: TrainSpec,
    seed: int,
    device: str,
) -> np.ndarray:
    """Fit a model in place by descending the sum of its losses; the learning rate falls linearly to zero.

    Args:
        losses: row numbers int64 (B,) to the loss of each name, (T,).
        names: what the losses are of, for errors.
        count: training rows.

    Returns:
        float32 (epochs, T): mean loss of each name over the batches of an epoch, before each step.

    Raises:
        TrainingError: a loss is not finite.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=spec.rate, weight_decay=spec.weight_decay, fused=True)
    steps = -(-count // spec.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / (steps * spec.epochs))
    curve = []
    for epoch in range(spec.epochs):
        seen: list[Tensor] = []
        for chosen in shuffled(count, spec.batch, seed, epoch):
            optimiser.zero_grad()
            loss = losses(torch.from_numpy(chosen).to(device))
            seen.append(_finite(loss, names, epoch * steps + len(seen)))
            loss.sum().backward()
            optimiser.step()
            schedule.step()
        curve.append(torch.stack(seen).mean(0))
    return torch.stack(curve).cpu().numpy()


def _finite(loss: Tensor, names: Sequence[str], step: int) -> Tensor:
    """The losses without their history, when all of them are finite."""
    loss = loss.detach()
    if not loss.isfinite().all():
        bad = ", ".join(f"`{name}`" for name, ok in zip(names, loss.isfinite().tolist(), strict=True) if not ok)
        raise TrainingError(
            f"Training: the loss should be finite. Found {loss[~loss.isfinite()][0].item()} for {bad} at step {step}. "
            "Lower `train.rate`, or look for extreme values in the features and labels."
        )
    return loss
