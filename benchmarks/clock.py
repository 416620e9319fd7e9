"""Timing: contenders take turns, so that what else the machine does falls on all of them; the median counts."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median

import torch
from threadpoolctl import threadpool_limits

Work = Callable[[], object]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """That many threads in every library."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> AbstractContextManager[None]:
    """One thread in every library, as in the processes of a run."""
    return threads(1)


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(*contenders: Work, rounds: int) -> tuple[float, ...]:
    """Median seconds of each contender over `rounds` in which each runs once, after one round that does not count."""
    for work in contenders:
        work()
    times = [[seconds(work) for work in contenders] for _ in range(rounds)]
    return tuple(median(column) for column in zip(*times, strict=True))
