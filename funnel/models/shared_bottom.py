"""Shared-Bottom (Caruana, Machine Learning 1997): h = f(x), y_k = t_k(h)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn, relu_

from funnel.models.blocks import Draws, MultiTaskModel, Stack, TaskTowers
from funnel.models.spec import ESMMSpec, SharedBottomSpec


class SharedBottom(MultiTaskModel):
    """One trunk f that all tasks share, a tower t_k a task; hard parameter sharing."""

    def __init__(self, spec: SharedBottomSpec | ESMMSpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        self.weight = draws.first("trunk", (0,), spec.bottom[0])
        self.bias = nn.Parameter(torch.zeros(spec.bottom[0]))
        self.bottom = Stack(draws, "trunk", (0,), spec.bottom)
        self.towers = TaskTowers(draws, tasks, (spec.bottom[-1], *spec.tower))

    def first(self) -> tuple[Tensor, Tensor]:
        return self.weight, self.bias

    def trunk(self, hidden: Tensor) -> Tensor:
        """(B, D): what all towers read."""
        return self.bottom(relu_(hidden)[None])[0]

    def represent(self, hidden: Tensor) -> Tensor:
        return self.trunk(hidden).expand(len(self.tasks), -1, -1)

    def body(self, hidden: Tensor) -> Tensor:
        # The towers read one matrix, so their first layers are one product.
        return self.towers(self.trunk(hidden))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.addmm(self.bias, x, self.weight))

    def shared_parameters(self) -> list[nn.Parameter]:
        return [self.weight, self.bias, *self.bottom.parameters()]

    def last_shared(self) -> list[nn.Parameter]:
        return self.bottom.last() or [self.weight, self.bias]

    @property
    def represent_macs(self) -> int:
        return self.bottom.macs
