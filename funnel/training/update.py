"""How a batch of a ranker becomes gradients: the losses of its tasks, put together by a balancer."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from funnel.balancing.base import Surgeon, Weigher
from funnel.models.blocks import MultiTaskModel
from funnel.training.evaluation import HeldOut
from funnel.training.gradients import Cut, flat
from funnel.training.groups import Groups
from funnel.training.heads import Heads
from funnel.training.lessons import Tutor
from funnel.training.loop import Update
from funnel.training.record import Recorder


@dataclass(kw_only=True)
class Balanced(Update):
    """What all balancers' updates have in common; each says how losses become gradients."""

    model: MultiTaskModel
    heads: Heads
    groups: Groups
    x: Tensor
    """(N, F), scaled"""
    joint: Tensor
    """(N, T), from `Heads.joint`"""
    watch: HeldOut | None = None
    recorder: Recorder | None = None
    tutor: Tutor | None = None
    cut: Cut = field(init=False)
    step: int = field(init=False, default=0)

    def __post_init__(self):
        self.cut = Cut(self.model, self.heads)

    def parameters(self) -> Iterable[dict]:
        return self.groups.settings

    def losses(self, chosen: Tensor) -> Tensor:
        return self.forward(self.x.index_select(0, chosen), self.joint.index_select(0, chosen))

    def backward(self, losses: Tensor) -> None:
        self.groups.clear()
        self.gradients(losses)
        if self.tutor:
            self.tutor.teach(self.model, self.step)
        self.groups.link()
        self.step += 1

    def end_epoch(self, losses: Tensor) -> bool:
        return self.watch.end_epoch() if self.watch else False

    @property
    def due(self) -> bool:
        """Whether this step is to be noted."""
        return self.recorder is not None and self.recorder.due(self.step)

    def note(self, gradients: Tensor, weights: Tensor) -> None:
        assert self.recorder is not None
        self.recorder.note(self.step, gradients, weights)

    @abstractmethod
    def forward(self, x: Tensor, joint: Tensor) -> Tensor:
        """(T,): the losses of a batch; x (B, F), joint (B, T)."""

    @abstractmethod
    def gradients(self, losses: Tensor) -> None:
        """Put the gradients of that batch into the parameters, which have none yet."""


@dataclass(kw_only=True)
class Weighed(Balanced):
    """One backward pass from the one loss that a weigher makes of all."""

    weigher: Weigher

    def forward(self, x: Tensor, joint: Tensor) -> Tensor:
        if self.due:
            # A pass of its own, so that a step is the same bits whether it is noted or not.
            self.note(self.cut.task_gradients(self.cut.losses(x, joint)), self.weigher.weights)
        return self.heads(self.model(x), joint)

    def gradients(self, losses: Tensor) -> None:
        self.weigher(losses).backward()

    def end_epoch(self, losses: Tensor) -> bool:
        self.weigher.end_epoch(losses)
        return super().end_epoch(losses)


@dataclass(kw_only=True)
class Normed(Weighed):
    """The same for a weigher that learns from the norms of the tasks' gradients on the last shared layer."""

    def forward(self, x: Tensor, joint: Tensor) -> Tensor:
        return self.cut.losses(x, joint)

    def gradients(self, losses: Tensor) -> None:
        weights = self.weigher.weights.clone()
        top, below, seams = self.cut.through_towers(weights * losses)
        _put(self.cut.top, top)
        rows = self.cut.below(seams, self.model.last_shared())
        norms = torch.stack([flat(row).norm() for row in rows]) / weights
        if self.due:
            weighted = self.cut.below(seams, self.cut.shared)
            self.note(torch.stack([flat(row) for row in weighted]) / weights[:, None], weights)
        parameters = [*self.cut.shared, *self.cut.own]
        _put(parameters, self.cut.sum_below(below, parameters))
        self.weigher.learn(losses.detach(), norms)


@dataclass(kw_only=True)
class Operated(Balanced):
    """One pass a task below the towers; a surgeon makes one gradient of the tasks' gradients on the shared parameters.

    All other parameters, which belong to single tasks, get the gradient of the plain sum.
    """

    surgeon: Surgeon

    def forward(self, x: Tensor, joint: Tensor) -> Tensor:
        return self.cut.losses(x, joint)

    def gradients(self, losses: Tensor) -> None:
        top, _, seams = self.cut.through_towers(losses)
        _put(self.cut.top, top)
        rows = self.cut.below(seams, [*self.cut.shared, *self.cut.own])
        count = len(self.cut.shared)
        by_task = torch.stack([flat(row[:count]) for row in rows])
        weights = self.surgeon.weights(by_task, losses.detach() != 0)
        if self.due:
            self.note(by_task, weights)
        direction = (weights @ by_task).split([parameter.numel() for parameter in self.cut.shared])
        _put(self.cut.shared, [part.view_as(p) for part, p in zip(direction, self.cut.shared, strict=True)])
        _put(self.cut.own, [torch.stack(parts).sum(0) for parts in zip(*(row[count:] for row in rows), strict=True)])


def _put(parameters: Iterable[Tensor], gradients: Iterable[Tensor]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
