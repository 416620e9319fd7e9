"""Weights by homoscedastic uncertainty (Kendall, Gal, Cipolla, CVPR 2018).

L = sum_k exp(-s_k) L_k + s_k / 2 over classification tasks, and exp(-s_k) L_k / 2 + s_k / 2 over regression tasks, with
s_k = log sigma_k^2 learnt beside the model. Graded tasks count as classification. Unlike the paper's batches, ours may
lack a task; its s_k then stays as it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from funnel.balancing.base import Weigher


class Uncertainty(Weigher):
    """Learns the log variance s_k of every task; all start at 0."""

    share: Tensor

    def __init__(self, kinds: Sequence[str]):
        """
        Args:
            kinds: label kind of each task.
        """
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(len(kinds)))
        self.register_buffer("share", torch.tensor([0.5 if kind == "regression" else 1.0 for kind in kinds]))

    def forward(self, losses: Tensor) -> Tensor:
        # The loss of a task without a label in the batch is exactly 0.
        spread = self.log_variance * (losses.detach() != 0) / 2
        return (self._factors() * losses + spread).sum()

    @property
    def weights(self) -> Tensor:
        return self._factors().detach()

    def _factors(self) -> Tensor:
        return self.share * torch.exp(-self.log_variance)
