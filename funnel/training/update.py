"""How a batch of a ranker becomes gradients: the losses of its tasks, put together by a balancer."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from funnel.balancing.base import Weigher
from funnel.models.blocks import MultiTaskModel
from funnel.training.evaluation import HeldOut
from funnel.training.gradients import task_gradients
from funnel.training.heads import Heads
from funnel.training.loop import Update
from funnel.training.record import Recorder


class Weighed(Update):
    """One backward pass from the one loss that a weigher makes of all."""

    def __init__(
        self,
        model: MultiTaskModel,
        heads: Heads,
        weigher: Weigher,
        x: Tensor,
        joint: Tensor,
        recorder: Recorder | None,
        watch: HeldOut | None,
    ):
        """
        Args:
            x: (N, F), scaled.
            joint: (N, T), from `Heads.joint`.
        """
        self.model, self.heads, self.weigher, self.recorder = model, heads, weigher, recorder
        self.x, self.joint, self.watch = x, joint, watch
        self.fitted = nn.ModuleList([model, heads, weigher])
        self.step = 0

    def parameters(self) -> Iterable[nn.Parameter]:
        return self.fitted.parameters()

    def losses(self, chosen: Tensor) -> Tensor:
        return self.heads(self.model(self.x[chosen]), self.joint[chosen])

    def backward(self, losses: Tensor) -> None:
        if self.recorder and self.recorder.due(self.step):
            shared = self.model.shared_parameters()
            gradients = task_gradients(losses, shared) if shared else torch.zeros(len(losses), 1)
            self.recorder.note(self.step, gradients, self.weigher.weights)
        self.step += 1
        self.fitted.zero_grad(set_to_none=True)
        self.weigher(losses).backward()

    def end_epoch(self, losses: Tensor) -> bool:
        self.weigher.end_epoch(losses)
        return self.watch.end_epoch() if self.watch else False
