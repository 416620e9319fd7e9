"""Training and scoring of the multi-task rankers, beside a peer's of the same widths on the same rows."""

import os
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor, nn

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

FEATURES = 64
EXPERT, TOWER = (128, 64), (32,)
TASKS = ("long_view", "like", "share")
EPOCHS = 2
"""of the whole loop"""
FREED = 2**22
"""numbers of an array that is given back before the clock runs"""
LOOP = 4.0
"""aim of the whole loop: rows a second, in the peer's"""


@dataclass(frozen=True)
class Sizes:
    """How much is timed."""

    batch: int
    """rows of a batch"""
    batches: int
    """of the whole loop"""
    square: int
    """rows of the square matrices whose product gives the machine's peak"""
    turns: int
    """of each contender, many and short; of the whole loop as many as in other benchmarks"""
    rounds: int


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

    def theirs(self, feed: peer.Feed) -> nn.Module:
        experts = self.spec.experts if isinstance(self.spec, MMoESpec) else 0
        return peer.model(self.spec.kind, feed, len(self.tasks), experts, EXPERT, TOWER)


MMOE = Race("MMoE, 3 tasks, 4 experts", MMoESpec(experts=4, expert=EXPERT, tower=TOWER), TASKS, 1.8, 1.6)
PLE = Race("PLE, 3 tasks, 2 layers", PLESpec(layers=2, shared=1, private=1, expert=EXPERT, tower=TOWER), TASKS, 1.7)
FIFTY = Race(
    "MMoE, 50 tasks, 8 experts",
    MMoESpec(experts=8, expert=EXPERT, tower=TOWER),
    tuple(f"task {number}" for number in range(50)),
    4.0,
)


def rankers(bed: Bed) -> list[Figure]:
    """On one thread, as the processes of a run train, and on all cores; none where the peer is not installed."""
    if not peer.INSTALLED:
        return []
    # An allocator that has taken back a large array keeps what it is given back later, as in a process that has read a
    # log; else page faults are what is timed.
    torch.empty(FREED)
    rounds, tiny = bed.size.rounds, bed.size == TINY
    sizes = Sizes(64, 1, 256, rounds, rounds) if tiny else Sizes(1024, 10, 2048, 2 * rounds, rounds)
    figures = []
    for count in sorted({1, os.cpu_count() or 1}):
        where = "one thread" if count == 1 else f"{count} threads"
        with threads(count):
            for race in (MMOE, PLE, FIFTY):
                figures.append(training(race, where, sizes))
                if race.scoring:
                    figures.append(scoring(race, race.scoring, where, sizes))
            figures += loop(where, sizes)
    return figures


def training(race: Race, where: str, sizes: Sizes) -> Figure:
    """Steps on one batch: logits, losses, gradients, Adam."""
    x, labels = (torch.from_numpy(part) for part in rows(sizes.batch, len(race.tasks)))
    feed, model = peer.whole(x), race.ours()
    contenders = (
        our_step(model, x, labels),
        peer.step(race.theirs(feed), x, labels),
        peer.step(peer.bare(race.theirs(feed)), x, labels, fused=True),
    )
    ours, theirs, bare, peak = _rates(contenders, 1 if race is FIFTY else 4, sizes)
    # The first layer's input needs no gradient.
    work = 3 * model.macs - model.first()[0].numel()
    remark = f"the peer without batch normalisation and with fused Adam {bare:,.0f} rows/s"
    return _figure(f"training, {race.name}, {where}", ours, theirs, race.training, work * ours / peak, remark)


def scoring(race: Race, aim: float, where: str, sizes: Sizes) -> Figure:
    """Probabilities of one batch."""
    x = torch.from_numpy(rows(sizes.batch, len(race.tasks))[0])
    feed, model = peer.whole(x), race.ours()

    @torch.inference_mode()
    def our_scoring() -> None:
        torch.sigmoid_(model(x))

    contenders = (
        our_scoring,
        peer.scoring(race.theirs(feed), x),
        peer.scoring(peer.bare(race.theirs(feed)), x),
    )
    ours, theirs, bare, peak = _rates(contenders, 16, sizes)
    remark = f"the peer without batch normalisation {bare:,.0f} rows/s"
    return _figure(f"scoring, {race.name}, {where}", ours, theirs, aim, model.macs * ours / peak, remark)


def loop(where: str, sizes: Sizes) -> list[Figure]:
    """Some epochs from arrays to a fitted ranker, beside the trainer's epochs over its loader, fed in two ways."""
    x, labels = rows(sizes.batches * sizes.batch, len(TASKS))
    data = Rows(x, labels, np.arange(len(x)))
    train = TrainSpec(epochs=EPOCHS, batch=sizes.batch, rate=1e-3)
    spec = RankerSpec(features=("content",), tasks=TASKS, model=MMOE.spec, train=train)
    feeds = {"all inputs as one feature": peer.whole(x), "each input as a feature": peer.by_column(x)}
    their = [peer.epochs(MMOE.theirs(feed), feed, labels, sizes.batch, EPOCHS) for feed in feeds.values()]
    our = partial(fit_ranker, spec, data, {"content": FEATURES}, 0)
    ours, *theirs, peak = _rates((our, *their), 1, sizes, sizes.batches * EPOCHS)
    model = MMOE.ours()
    share = (3 * model.macs - model.first()[0].numel()) * ours / peak
    return [
        _figure(f"training loop, {MMOE.name}, {where}", ours, rate, LOOP, share, f"the peer is fed {fed}")
        for fed, rate in zip(feeds, theirs, strict=True)
    ]


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


def _rates(contenders: tuple[Work, ...], times: int, sizes: Sizes, batches: int = 1) -> tuple[float, ...]:
    """Rows a second of each contender, and multiply-adds a second of a large matrix product.

    Args:
        times: how often a contender runs in one of its turns.
        batches: of one run of a contender.
    """
    left, right, result = (torch.ones(sizes.square, sizes.square) for _ in range(3))

    def turn(work: Work) -> None:
        for _ in range(times):
            work()

    turns = [partial(turn, work) for work in contenders]
    rounds = sizes.rounds if batches > 1 else sizes.turns
    *taken, product = alternating(*turns, lambda: torch.mm(left, right, out=result), rounds=rounds)
    return *(times * batches * sizes.batch / seconds for seconds in taken), sizes.square**3 / product


def _figure(what: str, ours: float, theirs: float, aim: float, share: float, remark: str) -> Figure:
    return Figure(
        what=what,
        ours=ours,
        unit="rows/s",
        floor=theirs,
        floor_is=f"torch-rechub {version('torch-rechub')}, the same widths",
        aim=f"{aim} times the floor's rate",
        met=bool(ours >= aim * theirs),
        remark=f"{share:.0%} of the peak of matrix products; {remark}",
    )
