"""The gradient of every task's loss on the shared parameters: the raw material of surgery, GradNorm and diagnostics."""

from collections.abc import Sequence

import torch
from torch import Tensor


def task_gradients(losses: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """(T, P): gradient of each loss, (T,), on the parameters, flattened; the graph is kept."""
    rows = [torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True) for loss in losses]
    return torch.stack([flat(row, parameters) for row in rows])


def flat(gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    """(P,): gradients of parameters end to end; 0 where there is none."""
    parts = [
        torch.zeros_like(parameter) if gradient is None else gradient
        for gradient, parameter in zip(gradients, parameters, strict=True)
    ]
    return torch.cat([part.flatten() for part in parts])
