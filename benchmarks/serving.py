"""Requests per second through the whole funnel, beside the arithmetic that no implementation can leave out."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.bed import ARMS, Bed
from benchmarks.clock import Work, alternating, one_thread
from benchmarks.figure import Figure
from funnel.candidates import Requests
from funnel.retrieval.sources import Nearest
from funnel.stages.runner import Funnel

FLOOR = "faiss search, matrix products and exponentials alone, of the same shapes"
LEAST, MOST = 1_000, 2.0
"""requests a second at least; times the floor at most"""
PRODUCTS = {"matmul": 0, "mm": 0, "bmm": 0, "addmm": 1, "addmm_": 1}
"""torch's matrix products, and the place of the left operand among the arguments"""
EXPONENTIALS = {"sigmoid", "sigmoid_", "softmax", "_softmax"}
BLOCK = 2**14
"""bare exponentials at a time, so that they stay in a core's cache as ours do"""


def serving(bed: Bed) -> list[Figure]:
    """One thread, then one process a core with one thread each, which is how a run uses the cores."""
    cores = os.cpu_count() or 1
    figures = [_figure(arm, "one thread", *_rates(bed, arm)) for arm in ARMS]
    for arm in ARMS:
        rates = _side_by_side(cores, _rates, bed, arm)
        ours, floor = np.sum(rates, axis=0)
        figures.append(_figure(arm, f"{cores} processes", ours, floor))
    return figures


def _figure(arm: str, where: str, ours: float, floor: float) -> Figure:
    return Figure(
        what=f"requests served, {arm}, {where}",
        ours=ours,
        unit="requests/s",
        floor=floor,
        floor_is=FLOOR,
        aim=f"{LEAST:,}/s, {MOST:.0f} floors",
        met=bool(ours >= LEAST and floor / ours <= MOST),
    )


def _rates(bed: Bed, arm: str) -> tuple[float, float]:
    """Requests a second of the funnel and of its floor, on one thread."""
    funnel, requests = bed.funnel(arm), bed.requests()
    bare = floor(funnel, requests)
    _start_together()
    with one_thread():
        taken = alternating(lambda: list(funnel.serve(requests)), bare, rounds=bed.size.rounds)
    return len(requests) / taken[0], len(requests) / taken[1]


class Arithmetic(TorchDispatchMode):
    """Notes every matrix product and counts the exponentials that are computed while it is on."""

    def __init__(self):
        super().__init__()
        self.products: list[tuple[torch.Size, torch.Size]] = []
        self.exponentials = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        name = function.overloadpacket.__name__
        if name in PRODUCTS:
            left, right = arguments[PRODUCTS[name] :][:2]
            self.products.append((left.shape, right.shape))
        elif name in EXPONENTIALS:
            self.exponentials += arguments[0].numel()
        return function(*arguments, **(options or {}))


def floor(funnel: Funnel, requests: Requests) -> Work:
    """What serving these requests cannot do without: search, products, exponentials; operands made beforehand."""
    with Arithmetic() as noted:
        searches = [_search(funnel, chunk) for chunk, *_ in funnel.serve(requests)]
    operands = {shapes: tuple(torch.ones(shape) for shape in shapes) for shapes in set(noted.products)}
    results = {shapes: torch.matmul(*pair) for shapes, pair in operands.items()}
    numbers, raised = torch.zeros(BLOCK), torch.empty(BLOCK)

    def work() -> None:
        for search in searches:
            search()
        for shapes in noted.products:
            torch.matmul(*operands[shapes], out=results[shapes])
        for _ in range(0, noted.exponentials, BLOCK):
            torch.exp(numbers, out=raised)

    return work


def _search(funnel: Funnel, chunk: Requests) -> Work:
    retrieve = funnel.retrieve
    queries, index = retrieve.towers.user[chunk.user], retrieve.index.faiss
    budget = next(source.budget for source in retrieve.spec.sources.values() if isinstance(source, Nearest))
    return lambda: index.search(queries, budget)


BARRIER: list[Any] = []
"""what the processes of a side-by-side timing wait at; empty in any other process"""


def _enter(barrier: Any) -> None:
    BARRIER.append(barrier)


def _start_together() -> None:
    for barrier in BARRIER:
        barrier.wait(timeout=300)


def _side_by_side(processes: int, work: Callable, *arguments) -> list:
    """What as many new processes return, each of which does the same work at the same time."""
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_enter, initargs=(barrier,)) as pool:
        return [future.result() for future in [pool.submit(work, *arguments) for _ in range(processes)]]
