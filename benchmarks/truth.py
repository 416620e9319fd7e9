"""The engagement oracle: pairs that the exact top n settles a second, and impressions labelled a second."""

import numpy as np

from benchmarks.bed import ARMS, Bed
from benchmarks.clock import Work, alternating, one_thread
from benchmarks.figure import Figure
from funnel.candidates import Requests, stacked
from funnel.rng import stream
from funnel.stages.runner import CHUNK, Funnel
from funnel.tasks import TASK, Formula
from funnel.traffic.log import impressions
from funnel.traffic.slates import Slates, ranked
from funnel.world import oracle
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement

PAIRS, IMPRESSIONS = 100e6, 500e3
"""aims, a second"""


def settled(bed: Bed) -> list[Figure]:
    """User-item pairs that the exact oracle settles, by value or by bound, all tasks and the friend term included."""
    engagement, value, users = bed.lab().engagement, bed.scenario.base.value, bed.requests().user
    limits, slots = oracle.bounds(engagement, value), bed.scenario.base.stages.late.keep
    answer = oracle.top(engagement, value, users, slots, limits)
    with one_thread():
        ours, bare = alternating(
            lambda: oracle.top(engagement, value, users, slots, limits),
            _evaluate_all(engagement, value, users, slots),
            rounds=bed.size.rounds,
        )
    pairs = len(users) * engagement.world.items
    share = answer.evaluated / pairs
    figure = Figure(
        what="pairs settled by the exact oracle, one thread",
        ours=pairs / ours,
        unit="pairs/s",
        floor=pairs / bare,
        floor_is="every pair: match by a matrix product, a bare exponential a channel, argpartition; no friend term",
        aim="100 million/s",
        met=bool(pairs / ours >= PAIRS),
        remark=f"{share:.2%} of the pairs evaluated, {1 - share:.2%} ruled out by a bound",
    )
    return [figure]


def channels(value: Formula) -> int:
    """How many channels' logits a value needs."""
    tasks = {part for task in value.wanted for part in (TASK[task].any_of or (task,))}
    return len({channel for task in tasks if (channel := TASK[task].channel)})


def _evaluate_all(engagement: Engagement, value: Formula, users: np.ndarray, n: int) -> Work:
    taste, topic = engagement.world.truth.taste, np.ascontiguousarray(engagement.world.truth.topic.T)
    chunks = [users[start : start + oracle.CHUNK] for start in range(0, len(users), oracle.CHUNK)]
    matches = np.empty((oracle.CHUNK, engagement.world.items), np.float32)
    raised, each = np.empty_like(matches), range(channels(value))

    def work() -> None:
        for chunk in chunks:
            rows = slice(0, len(chunk))
            np.matmul(taste[chunk], topic, out=matches[rows])
            for _ in each:
                np.exp(matches[rows], out=raised[rows])
            np.argpartition(raised[rows], -n, axis=1)

    return work


def labelled(bed: Bed) -> list[Figure]:
    """Impressions from slates to a checked table: bubble join, logits, outcomes."""
    return [_labelled(bed, size) for size in (CHUNK, 4 * CHUNK)]


def _labelled(bed: Bed, size: int) -> Figure:
    engagement, funnel = bed.lab().engagement, bed.funnel(ARMS[0])
    chunks = [(chunk, _slates(funnel, chunk)) for chunk in bed.requests().chunks(size)]
    total = sum(len(slates.item) for _, slates in chunks)

    def ours() -> None:
        for chunk, slates in chunks:
            impressions(engagement, chunk, slates, join(engagement.world.observed, chunk.user))

    def bare() -> None:
        for _, slates in chunks:
            shape = (len(slates.item), len(engagement.channels))
            np.exp(generator.random(shape, dtype=np.float32))

    generator = stream(0, "benchmark", "labels")
    with one_thread():
        times = alternating(ours, bare, rounds=bed.size.rounds)
    return Figure(
        what=f"impressions labelled, {size} requests at a time, one thread",
        ours=total / times[0],
        unit="impressions/s",
        floor=total / times[1],
        floor_is="bare uniform draws and exponentials, one a channel",
        aim="500,000/s",
        met=bool(total / times[0] >= IMPRESSIONS),
    )


def _slates(funnel: Funnel, chunk: Requests) -> Slates:
    """What the baseline funnel shows."""
    return ranked(stacked([trace["late"].after for *_, trace in funnel.serve(chunk)]))
