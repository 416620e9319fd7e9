"""Static weights: L = sum_k w_k L_k."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from funnel.balancing.base import Weigher


class Static(Weigher):
    """Weights w_k that stay as they are."""

    _weights: Tensor

    def __init__(self, tasks: Sequence[str], weights: Mapping[str, float]):
        """
        Args:
            weights: by task; 1 where none is given.
        """
        super().__init__()
        self.register_buffer("_weights", torch.tensor([weights.get(task, 1.0) for task in tasks]))

    def forward(self, losses: Tensor) -> Tensor:
        return (self._weights * losses).sum()

    @property
    def weights(self) -> Tensor:
        return self._weights
