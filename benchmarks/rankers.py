"""Training and scoring of the multi-task rankers, beside a peer's of the same widths on the same rows."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from benchmarks import peer
from benchmarks.bed import TINY, Bed
from benchmarks.clock import Work, alternating, threads
from benchmarks.figure import Figure
from funnel.models.blocks import MultiTaskModel
from funnel.models.catalogue import build
from funnel.models.spec import MMoESpec, ModelSpec, PLESpec
from funnel.rng import stream
from funnel.tasks import TASK
from funnel.training.batches import Rows
from funnel.training.heads import Heads
from funnel.training.ranker import fit_ranker
from funnel.training.spec import RankerSpec, TrainSpec

BATCH, FEATURES = 1024, 64
EXPERT, TOWER = (128, 64), (32,)
TASKS = ("long_view", "like", "share")
SQUARE = 2048
"""rows of the square matrices whose product gives the machine's peak"""


@dataclass(frozen=True)
class Race:
    """One architecture beside the peer's."""

    name: str
    spec: ModelSpec
    tasks: tuple[str, ...]
    training: float
    """aim: rows a second, in the peer's"""
    scoring: float | None = None

    def ours(self) -> MultiTaskModel:
        return build(self.spec, {"content": FEATURES}, self.tasks, seed=0)

    def theirs(self) -> torch.nn.Module:
        experts = self.spec.experts if isinstance(self.spec, MMoESpec) else 0
        return peer.model(self.spec.kind, FEATURES, len(self.tasks), experts, EXPERT, TOWER)


MMOE = Race("MMoE, 3 tasks, 4 experts", MMoESpec(experts=4, expert=EXPERT, tower=TOWER), TASKS, 1.8, 1.6)
RACES = (
    MMOE,
    Race("PLE, 3 tasks, 2 layers", PLESpec(layers=2, shared=1, private=1, expert=EXPERT, tower=TOWER), TASKS, 1.7),
    Race(
        "MMoE, 50 tasks, 8 experts",
        MMoESpec(experts=8, expert=EXPERT, tower=TOWER),
        tuple(f"like {number}" for number in range(50)),
        4.0,
    ),
)
LOOP = 4.0
"""aim of the whole training loop, in the peer's rows a second"""


def rankers(bed: Bed) -> list[Figure]:
    """On one thread, as the processes of a run train, and on all cores; none where the peer is not installed."""
    if not peer.INSTALLED:
        return []
    steps = 2 if bed.size == TINY else 20
    figures = []
    for count in sorted({1, os.cpu_count() or 1}):
        where = "one thread" if count == 1 else f"{count} threads"
        with threads(count):
            for race in RACES:
                figures.append(training(race, where, max(2, steps * len(TASKS) // len(race.tasks)), bed.size.rounds))
                if race.scoring:
                    figures.append(scoring(race, where, steps, bed.size.rounds))
            figures.append(loop(where, steps, bed.size.rounds))
    return figures


def training(race: Race, where: str, steps: int, rounds: int) -> Figure:
    """Steps on one batch: logits, losses, gradients, Adam."""
    x, labels = (torch.from_numpy(part) for part in rows(BATCH, len(race.tasks)))
    model = race.ours()
    contenders = (
        our_step(model, x, labels),
        peer.step(race.theirs(), x, labels),
        peer.step(peer.bare(race.theirs()), x, labels, fused=True),
    )
    *taken, peak = alternating(*(repeated(work, steps) for work in contenders), product(), rounds=rounds)
    ours, theirs, bare = (steps * BATCH / time for time in taken)
    # The first layer's input needs no gradient.
    work = 3 * model.macs - model.first()[0].numel()
    return _figure(
        f"training, {race.name}, {where}",
        ours,
        theirs,
        race.training,
        f"{work * ours / (SQUARE**3 / peak):.0%} of the peak; the peer without batch normalisation and with fused Adam "
        f"{bare:,.0f} rows/s",
    )


def scoring(race: Race, where: str, steps: int, rounds: int) -> Figure:
    """Probabilities of one batch."""
    assert race.scoring is not None
    x = torch.from_numpy(rows(BATCH, len(race.tasks))[0])
    model = race.ours()

    @torch.inference_mode()
    def ours_work() -> None:
        torch.sigmoid_(model(x))

    contenders = ours_work, peer.scoring(race.theirs(), x), peer.scoring(peer.bare(race.theirs()), x)
    *taken, peak = alternating(*(repeated(work, steps) for work in contenders), product(), rounds=rounds)
    ours, theirs, bare = (steps * BATCH / time for time in taken)
    return _figure(
        f"scoring, {race.name}, {where}",
        ours,
        theirs,
        race.scoring,
        f"{model.macs * ours / (SQUARE**3 / peak):.0%} of the peak; the peer without batch normalisation "
        f"{bare:,.0f} rows/s",
    )


def loop(where: str, steps: int, rounds: int) -> Figure:
    """One epoch from arrays to a fitted ranker."""
    x, labels = rows(steps * BATCH, len(TASKS))
    data = Rows(x, labels, np.arange(len(x)))
    train = TrainSpec(epochs=1, batch=BATCH, rate=1e-3)
    spec = RankerSpec(features=("content",), tasks=TASKS, model=MMOE.spec, train=train)
    taken = alternating(
        lambda: fit_ranker(spec, data, {"content": FEATURES}, seed=0),
        peer.epoch(MMOE.theirs(), x, labels, BATCH),
        rounds=rounds,
    )
    ours, theirs = (len(x) / time for time in taken)
    return _figure(f"training loop, {MMOE.name}, {where}", ours, theirs, LOOP, "ours scales its inputs, too")


def our_step(model: MultiTaskModel, x: Tensor, labels: Tensor) -> Work:
    """One step as `funnel.training` makes it."""
    heads = Heads([TASK["like"]] * labels.shape[1], model.parents)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0, fused=True)

    def work() -> None:
        optimiser.zero_grad()
        heads(model(x), labels).sum().backward()
        optimiser.step()

    return work


def rows(count: int, tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs float32 (count, F) and labels float32 (count, tasks) of no meaning."""
    draws = stream(0, "benchmark", "rankers")
    return draws.standard_normal((count, FEATURES), np.float32), (draws.random((count, tasks)) < 0.3).astype(np.float32)


def product() -> Work:
    """The large matrix product whose speed is the peak."""
    left, right, result = (torch.ones(SQUARE, SQUARE) for _ in range(3))
    return lambda: torch.mm(left, right, out=result)


def repeated(work: Callable[[], None], times: int) -> Work:
    def all_of_them() -> None:
        for _ in range(times):
            work()

    return all_of_them


def _figure(what: str, ours: float, theirs: float, aim: float, remark: str) -> Figure:
    return Figure(
        what=what,
        ours=ours,
        unit="rows/s",
        floor=theirs,
        floor_is=f"torch-rechub {version('torch-rechub')}, the same widths",
        aim=f"{aim} times the floor's rate",
        met=bool(ours >= aim * theirs),
        remark=remark,
    )
