"""A network on rows that it is not being fitted to: its logits, its losses, and when more training stops paying."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from funnel.models.blocks import MultiTaskModel
from funnel.training.heads import Heads

ROWS_AT_ONCE = 2**13
"""so that memory does not follow the number of rows"""


def logits_of(model: MultiTaskModel, x: Tensor) -> Iterator[Tensor]:
    """Logits (B, T) of all rows x (N, F), scaled, some at a time."""
    for rows in x.split(ROWS_AT_ONCE):
        yield model(rows)


@torch.no_grad()
def mean_losses(model: MultiTaskModel, heads: Heads, x: Tensor, targets: Tensor) -> Tensor:
    """(T,): mean loss of each task over the rows with its own label; NaN for a task without one.

    Args:
        x: (N, F), scaled.
        targets: (N, T), from `Heads.targets`.
    """
    parts = zip(logits_of(model, x), targets.split(ROWS_AT_ONCE), strict=True)
    return torch.cat([heads.own(logits, part) for logits, part in parts]).nanmean(0)


class HeldOut:
    """Watches the held-out losses epoch by epoch, and keeps the weights of the best epoch.

    The best epoch has the least mean over the tasks of the held-out loss in units of what it was before training, when
    every head says the base rate: so a task counts by the share of its loss that is explained, and not by its scale.
    """

    def __init__(self, model: MultiTaskModel, heads: Heads, x: Tensor, targets: Tensor, patience: int | None):
        """
        Args:
            x: (N, F), scaled.
            targets: (N, T), from `Heads.targets`.
            patience: epochs without a better one until training should stop; without it no epoch is chosen.
        """
        self.model, self.heads, self.x, self.targets, self.patience = model, heads, x, targets, patience
        self.curve: list[Tensor] = []
        self.best = torch.inf
        self.best_epoch = 0
        self._unit = mean_losses(model, heads, x, targets)
        self._kept: list[Tensor] = []

    def end_epoch(self) -> bool:
        """Whether training should stop after this epoch."""
        self.curve.append(mean_losses(self.model, self.heads, self.x, self.targets))
        if self.patience is None:
            return False
        epoch, level = len(self.curve) - 1, float((self.curve[-1] / self._unit).nanmean())
        if level < self.best:
            self.best, self.best_epoch = level, epoch
            self._kept = [value.detach().clone() for value in self._values()]
        return epoch - self.best_epoch >= self.patience

    def conclude(self) -> tuple[np.ndarray, int | None]:
        """The curve, float32 (epochs, T), and the best epoch, whose weights are put back, if one was chosen."""
        with torch.no_grad():
            for value, kept in zip(self._values(), self._kept, strict=False):
                value.copy_(kept)
        return torch.stack(self.curve).cpu().numpy(), None if self.patience is None else self.best_epoch

    def _values(self) -> list[Tensor]:
        return [*self.model.parameters(), *self.heads.parameters()]
