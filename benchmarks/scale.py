"""World and oracle at ten times the users and items: time and peak memory, each measured in a process of its own."""

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.bed import Bed
from benchmarks.clock import one_thread, seconds
from benchmarks.figure import Figure
from funnel.tasks import Formula
from funnel.world import oracle
from funnel.world.engagement import Engagement
from funnel.world.generate import generate
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.world import World

LINEAR, FLAT, GIB = 1.5, 1.1, 6.0
"""aims: time per unit of size against the base's, memory with many requests against few, GiB at most"""
STATUS = Path("/proc/self/status")


def scale(bed: Bed) -> list[Figure]:
    size, base = bed.size, bed.scenario.base
    with TemporaryDirectory() as folder:
        worlds = {factor: Path(folder) / str(factor) for factor in (1, size.factor)}
        made, answered = {}, {}
        for factor, place in worlds.items():
            place.mkdir()
            made[factor] = alone(_world, _larger(base.world, factor), place)
            stored = sum(file.stat().st_size for file in place.iterdir()) / 2**30
            answered[factor] = alone(_oracle, place, base.value, size.few, base.stages.late.keep)
        many = alone(_oracle, worlds[size.factor], base.value, size.many, base.stages.late.keep)
    large = _larger(base.world, size.factor)
    where = f"{large.users:,} users, {large.items:,} items"
    return [
        _time("world", where, made, size.factor),
        _time("oracle's bounds", where, answered, size.factor),
        _rate(where, size.few, answered, size.factor, (base.world.items, large.items)),
        _memory(f"peak memory of the world, {where}", made[size.factor][1], stored, "the world's arrays on disk"),
        _memory(
            f"peak memory of the oracle, {size.many:,} requests, {where}",
            many[1],
            answered[size.factor][1],
            f"peak with {size.few:,} requests",
            flat=FLAT,
        ),
    ]


def _larger(spec: SyntheticSpec, factor: int) -> SyntheticSpec:
    """As many friends and views each, but `factor` times the users, items and creators."""
    sizes = {name: factor * getattr(spec, name) for name in ("users", "items", "creators")}
    return spec.model_copy(update=sizes)


Measured = tuple[float, float, float]
"""seconds of what grows with the world, peak GiB, seconds of what grows with requests"""


def _world(spec: SyntheticSpec, folder: Path) -> Measured:
    made: list[World] = []
    with one_thread():
        taken = seconds(lambda: made.append(generate(spec, seed=0)))
    memory = peak()
    made[0].save(folder)
    return taken, memory, 0.0


def _oracle(folder: Path, value: Formula, requests: int, n: int) -> Measured:
    limits: list[oracle.Bounds] = []
    engagement = Engagement.of(World.load(folder))
    users = np.arange(requests) % engagement.world.users
    with one_thread():
        bounds = seconds(lambda: limits.append(oracle.bounds(engagement, value)))
        taken = seconds(lambda: oracle.top(engagement, value, users, n, limits[0]))
    return bounds, peak(), taken


def peak() -> float:
    """GiB that this process has held at most."""
    # The kernel hands `ru_maxrss` down from the parent to a child; its own high-water mark starts anew.
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30


def alone(work: Callable[..., Measured], *arguments) -> Measured:
    """What a new process returns, so that its memory is only its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _time(what: str, where: str, measured: dict[int, Measured], factor: int) -> Figure:
    ours, floor = measured[factor][0], factor * measured[1][0]
    return Figure(
        what=f"{what}, {where}, one thread",
        ours=ours,
        unit="s",
        floor=floor,
        floor_is=f"{factor} times the time at the base's size",
        more_is_better=False,
        aim=f"{LINEAR} floors",
        met=ours <= LINEAR * floor,
    )


def _rate(where: str, requests: int, measured: dict[int, Measured], factor: int, items: tuple[int, int]) -> Figure:
    floor, ours = (requests * count / measured[size][2] for count, size in zip(items, (1, factor), strict=True))
    return Figure(
        what=f"pairs settled by the exact oracle, {where}, one thread",
        ours=ours,
        unit="pairs/s",
        floor=floor,
        floor_is="the same at the base's size",
        aim=f"{LINEAR} floors",
        met=floor / ours <= LINEAR,
    )


def _memory(what: str, ours: float, floor: float, floor_is: str, flat: float = np.inf) -> Figure:
    return Figure(
        what=what,
        ours=ours,
        unit="GiB",
        floor=floor,
        floor_is=floor_is,
        more_is_better=False,
        aim=f"{GIB:.0f} GiB" + (f", {flat} floors" if np.isfinite(flat) else ""),
        met=bool(ours <= GIB and ours <= flat * floor),
    )
