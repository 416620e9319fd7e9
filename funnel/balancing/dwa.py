"""Dynamic weight average (Liu, Johns, Davison, CVPR 2019): a task whose loss falls slowly gets a greater weight.

w_k = T softmax(r_k / temperature) with r_k the ratio of the task's mean losses in the last two epochs; 1 in the first
two epochs, in which there are no two losses to compare.
"""

import torch
from torch import Tensor

from funnel.balancing.base import Weigher


class DWA(Weigher):
    """Weights w_k that change from epoch to epoch."""

    _weights: Tensor

    def __init__(self, tasks: int, temperature: float):
        super().__init__()
        self.temperature = temperature
        self.register_buffer("_weights", torch.ones(tasks))
        self._epochs: list[Tensor] = []

    def forward(self, losses: Tensor) -> Tensor:
        return (self._weights * losses).sum()

    @property
    def weights(self) -> Tensor:
        return self._weights

    def end_epoch(self, losses: Tensor) -> None:
        self._epochs.append(losses)
        if len(self._epochs) > 1:
            before, last = self._epochs[-2:]
            self._weights = len(losses) * (last / before / self.temperature).softmax(0)
