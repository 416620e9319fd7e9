"""A training step under each balancer, beside the plain backward pass from the sum of the losses."""

from typing import get_args

import torch

from benchmarks.bed import Bed
from benchmarks.clock import Work, alternating, one_thread
from benchmarks.figure import Figure
from funnel.balancing.spec import BalancerSpec, PCGradSpec, StaticSpec
from funnel.models.spec import MMoESpec
from funnel.rng import stream
from funnel.training.fitting import balanced, initial
from funnel.training.gradients import task_gradients
from funnel.training.spec import RankerSpec, TrainSpec
from funnel.training.update import Balanced, Operated

COLUMNS, BATCH, STEPS = 64, 1024, 5
MODEL = MMoESpec(experts=4, expert=(128, 64), tower=(32,))
TASKS = ("like", "share", "comment")
BALANCERS = [kind() for kind in get_args(get_args(BalancerSpec)[0]) if kind is not StaticSpec]
FLOOR = "the same step under a static balancer: one backward pass from the sum of the losses"


class Naive(Operated):
    """Surgery by a backward pass a task through the whole model, and one more for what is not shared."""

    def forward(self, x: torch.Tensor, joint: torch.Tensor) -> torch.Tensor:
        return self.heads(self.model(x), joint)

    def gradients(self, losses: torch.Tensor) -> None:
        by_task = task_gradients(losses, self.cut.shared)
        direction = self.surgeon.weights(by_task, losses.detach() != 0) @ by_task
        losses.sum().backward()
        parts = direction.split([parameter.numel() for parameter in self.cut.shared])
        for parameter, part in zip(self.cut.shared, parts, strict=True):
            parameter.grad = part.view_as(parameter)


def balancers(bed: Bed) -> list[Figure]:
    """Each balancer with two tasks and with three, on one thread, on the same rows."""
    return [figure for tasks in (TASKS[:2], TASKS) for figure in _figures(tasks, bed.size.rounds)]


def _figures(tasks: tuple[str, ...], rounds: int) -> list[Figure]:
    pcgrad = _update(tasks, PCGradSpec())
    assert isinstance(pcgrad, Operated)
    naive = Naive(
        model=pcgrad.model,
        heads=pcgrad.heads,
        groups=pcgrad.groups,
        x=pcgrad.x,
        joint=pcgrad.joint,
        surgeon=pcgrad.surgeon,
    )
    updates = [_update(tasks, StaticSpec()), naive, *(_update(tasks, balancer) for balancer in BALANCERS)]
    with one_thread():
        plain, whole, *taken = alternating(*(_steps(update) for update in updates), rounds=rounds)
    return [
        Figure(
            what=f"training step, {len(tasks)} tasks, {balancer.kind}",
            ours=ours / STEPS * 1e3,
            unit="ms",
            floor=plain / STEPS * 1e3,
            floor_is=FLOOR,
            more_is_better=False,
            aim=f"{len(tasks)} floors",
            met=bool(ours <= len(tasks) * plain),
            remark=f"PCGrad by a full pass a task: {whole / plain:.2f} floors",
        )
        for balancer, ours in zip(BALANCERS, taken, strict=True)
    ]


def _update(tasks: tuple[str, ...], balancer: BalancerSpec) -> Balanced:
    spec = RankerSpec(
        features=("content",), tasks=tasks, model=MODEL, balancer=balancer, train=TrainSpec(epochs=3, batch=BATCH)
    )
    draws = stream(0, "balancers")
    x = torch.from_numpy(draws.standard_normal((BATCH, COLUMNS)).astype("float32"))
    labels = torch.from_numpy((draws.random((BATCH, len(tasks))) < 0.3).astype("float32"))
    model, heads = initial(spec, {"content": COLUMNS}, seed=0)
    return balanced(spec, model, heads, x, labels, seed=0)


def _steps(update: Balanced) -> Work:
    optimiser = torch.optim.AdamW(list(update.parameters()), fused=True)
    rows = torch.arange(BATCH)

    def work() -> None:
        for _ in range(STEPS):
            update.backward(update.losses(rows))
            optimiser.step()

    return work
