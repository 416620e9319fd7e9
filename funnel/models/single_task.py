"""A network a task, side by side: what a multi-task ranker is measured against.

Every task's trunk starts from the weights that the trunk of a shared bottom starts from, so the two differ by sharing
alone, and with one task they are the same.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn, relu_

from funnel.models.blocks import Draws, MultiTaskModel, Stack, TaskTowers, affine, apart
from funnel.models.spec import SingleTaskSpec


class SingleTask(MultiTaskModel):
    """y_k = t_k(f_k(x)): a trunk f_k and a tower t_k a task, all of one shape."""

    def __init__(self, spec: SingleTaskSpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        members = (0,) * len(tasks)
        self.weight = draws.first("trunk", members, spec.trunk[0])
        self.bias = nn.Parameter(torch.zeros(len(tasks) * spec.trunk[0]))
        self.trunks = Stack(draws, "trunk", members, spec.trunk)
        self.towers = TaskTowers(draws, tasks, (spec.trunk[-1], *spec.tower))

    def first(self) -> tuple[Tensor, Tensor]:
        return self.weight, self.bias

    def represent(self, hidden: Tensor) -> Tensor:
        return self.trunks(apart(relu_(hidden), len(self.tasks)))

    def represent_rows(self, x: Tensor) -> Tensor:
        return self.trunks(relu_(affine(x, self.weight, self.bias, len(self.tasks))))

    def shared_parameters(self) -> list[nn.Parameter]:
        return []

    def last_shared(self) -> list[nn.Parameter]:
        return []

    @property
    def represent_macs(self) -> int:
        return self.trunks.macs
