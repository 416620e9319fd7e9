"""The gradient of every task's loss on the shared parameters: the raw material of surgery, GradNorm and diagnostics.

Exact, and cheaper than a backward pass a task: a task's logit depends on what its own tower reads alone, so one pass
through the towers gives all tasks' gradients on what they read, and only what lies below is passed once a task.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import grad

from funnel.models.blocks import MultiTaskModel
from funnel.training.heads import Heads


class Cut:
    """A model that is cut where its towers read, so that a batch goes down to there once for all tasks."""

    def __init__(self, model: MultiTaskModel, heads: Heads):
        self.model, self.heads = model, heads
        self.shared = model.shared_parameters()
        self.top = [*model.towers.parameters(), *heads.parameters()]
        known = {id(parameter) for parameter in (*self.shared, *self.top)}
        self.own = [parameter for parameter in model.parameters() if id(parameter) not in known]
        """below the towers, of single tasks: gates, private experts"""

    def losses(self, x: Tensor, joint: Tensor) -> Tensor:
        """(T,): the losses of a batch; x (B, F), joint (B, T) as in `Heads.forward`."""
        self._read = self.model.represent_rows(x)
        self._leaf = self._read.detach().requires_grad_()
        return self.heads(self.model.towers(self._leaf), joint)

    def through_towers(self, losses: Tensor) -> tuple[list[Tensor], Tensor, list[tuple[Tensor, Tensor]]]:
        """From losses (T,), those of `losses` or multiples of them, down to what the towers read.

        Returns:
            The gradients of their sum on `top` and on what the towers read, (T, B, D); and for each task a part of what
            the towers read with the gradient of its loss on that part.
        """
        chained = len(self.heads.chains) > 0
        below, *top = grad(losses.sum(), [self._leaf, *self.top], retain_graph=chained)
        if not chained:
            return top, below, list(zip(self._read, below, strict=True))
        each = [grad(loss, self._leaf, retain_graph=True)[0] for loss in losses]
        return top, below, [(self._read, part) for part in each]

    def below(self, seams: Sequence[tuple[Tensor, Tensor]], parameters: Sequence[Tensor]) -> list[list[Tensor]]:
        """Gradients on parameters under the towers, for each (part of what is read, gradient on it)."""
        return [_defined(part, parameters, gradient) for part, gradient in seams]

    def sum_below(self, gradient: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Gradients on parameters under the towers, of what has this gradient, (T, B, D), on what they read."""
        return _defined(self._read, parameters, gradient)

    def task_gradients(self, losses: Tensor) -> Tensor:
        """(T, P): gradient of every loss of `losses` on the shared parameters; (T, 0) where nothing is shared."""
        if not self.shared:
            return torch.zeros(len(losses), 0, device=losses.device)
        return torch.stack([flat(row) for row in self.below(self.through_towers(losses)[2], self.shared)])


def task_gradients(losses: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """(T, P): gradient of losses, (T,), of any origin on the parameters, by a full backward pass a task."""
    ones = torch.ones((), device=losses.device)
    return torch.stack([flat(_defined(loss, parameters, ones)) for loss in losses])


def flat(gradients: Sequence[Tensor]) -> Tensor:
    """(P,): tensors end to end."""
    return torch.cat([gradient.flatten() for gradient in gradients])


def _defined(part: Tensor, parameters: Sequence[Tensor], gradient: Tensor) -> list[Tensor]:
    """Gradients on parameters, 0 where a part does not depend on them; the graph is kept."""
    found = grad(part, parameters, gradient, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
