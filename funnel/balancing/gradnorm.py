"""GradNorm (Chen et al., ICML 2018): weights that bring the gradients of all tasks to norms that suit their progress.

With G_k the norm of w_k grad L_k on the last shared layer, r_k the loss ratio L_k / L_k(0) over its mean, the weights
descend sum_k |G_k - mean(G) r_k^alpha|, where the target counts as a constant, by a step of Adam of their own; then
they are renormalised to sum to the number of tasks T. L_k(0) is the loss of the first batch that has the task, as in
the paper. Unlike the paper, weights are kept above a floor, since a negative weight would climb; and a batch may lack a
task, which then takes no part in it.
"""

import torch
from torch import Tensor

from funnel.balancing.base import Weigher

FLOOR = 1e-3
"""least weight before renormalising"""


class GradNorm(Weigher):
    """Weights w_k that follow the norms of the tasks' gradients."""

    needs_norms = True
    _weights: Tensor
    _first: Tensor

    def __init__(self, tasks: int, alpha: float, rate: float):
        """
        Args:
            alpha: how strongly a task that lags is pulled.
            rate: learning rate of the weights.
        """
        super().__init__()
        self.alpha, self.rate = alpha, rate
        self.register_buffer("_weights", torch.ones(tasks))
        self.register_buffer("_first", torch.zeros(tasks))
        self._optimiser: torch.optim.Optimizer | None = None

    def forward(self, losses: Tensor) -> Tensor:
        return (self._weights * losses).sum()

    @property
    def weights(self) -> Tensor:
        return self._weights

    def learn(self, losses: Tensor, norms: Tensor) -> None:
        present = losses != 0
        self._first = torch.where(self._first == 0, losses, self._first)
        if self._optimiser is None:
            self._optimiser = torch.optim.Adam([self._weights], lr=self.rate)
        self._weights.grad = self.slope(losses, norms, present)
        self._optimiser.step()
        self._weights.clamp_(min=FLOOR).mul_(len(self._weights) / self._weights.sum())

    def slope(self, losses: Tensor, norms: Tensor, present: Tensor) -> Tensor:
        """(T,): gradient of sum_k |G_k - mean(G) r_k^alpha| on the weights, the target held still.

        Args:
            losses: (T,), of the batch.
            norms: (T,), of the gradients of the unweighted losses.
            present: bool (T,), the tasks that the batch has labels of.
        """
        count = present.sum().clamp(min=1)
        ratio = torch.where(present, losses / self._first, 0.0)
        pace = ratio / (ratio.sum() / count)
        weighted = self._weights * norms
        target = (weighted * present).sum() / count * pace**self.alpha
        return torch.where(present, norms * torch.sign(weighted - target), 0.0)
