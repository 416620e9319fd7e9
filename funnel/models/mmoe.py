"""Multi-gate Mixture-of-Experts (Ma et al., KDD 2018): f_k(x) = sum_i softmax(W_k x)_i E_i(x), y_k = t_k(f_k(x)).

Unlike the paper's gates, ours have a constant beside W_k; with standardised inputs it is the gate's mean.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn, relu_
from torch.nn.functional import relu

from funnel.models.blocks import Draws, MultiTaskModel, Stack, TaskTowers, affine, apart
from funnel.models.spec import MMoESpec


class MMoE(MultiTaskModel):
    """Experts E_i that all tasks share; a gate W_k and a tower t_k a task.

    The first layers of the experts and the gates read the same row, so they are applied as one product, but are kept as
    separate parameters: experts are shared, gates are their task's.
    """

    def __init__(self, spec: MMoESpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        members = tuple(range(spec.experts))
        self.experts = spec.experts
        self.mixture_macs = len(tasks) * spec.experts * spec.expert[-1]
        self.weight = draws.first("trunk", members, spec.expert[0])
        self.bias = nn.Parameter(torch.zeros(spec.experts * spec.expert[0]))
        self.gate_weight = draws.first("gate", tasks, spec.experts)
        self.gate_bias = nn.Parameter(torch.zeros(len(tasks) * spec.experts))
        self.deeper = Stack(draws, "trunk", members, spec.expert)
        self.towers = TaskTowers(draws, tasks, (spec.expert[-1], *spec.tower))

    def first(self) -> tuple[Tensor, Tensor]:
        return torch.cat([self.weight, self.gate_weight], 1), torch.cat([self.bias, self.gate_bias])

    def represent(self, hidden: Tensor) -> Tensor:
        # One split has one gradient; two slices would each fill a matrix of zeros.
        experts, gates = hidden.split([self.weight.shape[1], self.gate_weight.shape[1]], 1)
        return self.mix(apart(relu(experts), self.experts), gates)

    def represent_rows(self, x: Tensor) -> Tensor:
        experts = relu_(affine(x, self.weight, self.bias, self.experts))
        # The split's gradient is in one piece, which the sums over rows want; that of a transposition is not.
        (gates,) = torch.addmm(self.gate_bias, x, self.gate_weight).split(len(self.gate_bias), 1)
        return self.mix(experts, gates)

    def mix(self, experts: Tensor, gates: Tensor) -> Tensor:
        """(T, B, D), of the experts' first layer (E, B, width) and the gates' logits (B, T * E)."""
        outputs = self.deeper(experts)
        return torch.bmm(self.shares(gates), outputs.transpose(0, 1)).transpose(0, 1)

    def shares(self, logits: Tensor) -> Tensor:
        """(B, T, E): the share of each expert in each task's mixture, of the gates' logits (B, T * E)."""
        by_task = logits.T.contiguous().unflatten(0, (len(self.tasks), self.experts))
        # With the batch innermost the softmax is vectorised; over rows of a few experts it takes ten times as long.
        return by_task.softmax(1).permute(2, 0, 1).contiguous()

    def gates(self, hidden: Tensor) -> dict[str, Tensor]:
        return {"experts": self.shares(hidden[:, self.weight.shape[1] :])}

    def shared_parameters(self) -> list[nn.Parameter]:
        return [self.weight, self.bias, *self.deeper.parameters()]

    def last_shared(self) -> list[nn.Parameter]:
        return self.deeper.last() or [self.weight, self.bias]

    @property
    def represent_macs(self) -> int:
        return self.deeper.macs + self.mixture_macs
