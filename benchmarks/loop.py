"""The feedback loop: what a world's moving on costs, and whether memory grows with the rounds."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.bed import Bed
from benchmarks.clock import one_thread, seconds
from benchmarks.figure import Figure
from benchmarks.scale import Measured, alone, peak
from funnel.scenario.file import load
from funnel.scenario.rounds import study
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.store import Store
from funnel.world.generate import generate
from funnel.world.synthetic.drift import drift

FLAT = 1.1
"""aim: memory with many rounds against few"""


def loop(bed: Bed) -> list[Figure]:
    lab = bed.lab()
    world, log = lab.world, lab.log(lab.traffic_piece)
    with one_thread():
        drawn = seconds(lambda: generate(world.spec, seed=0))
        moved = seconds(lambda: drift(world, 2, log))
    peaks = [alone(_rounds, count, bed.size.looped)[1] for count in bed.size.loops]
    return [_drift(moved, drawn, log), _memory(peaks, bed.size.loops)]


def _rounds(count: int, assignments: tuple[str, ...]) -> Measured:
    """Peak memory of a process that lives through all rounds of a small loop."""
    asked = [*assignments, f"rounds={count}", "base.loop.window=2"]
    scenario = load("bubble_feedback", preset="smoke", seeds=1, assignments=asked)
    assert isinstance(scenario, Rounds)
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for job in study.plan(scenario):
            study.execute(scenario, job, store)
    return 0.0, peak(), 0.0


def _drift(ours: float, floor: float, log: pl.DataFrame) -> Figure:
    return Figure(
        what="a world moved on by one round, one thread",
        ours=ours,
        unit="s",
        floor=floor,
        floor_is=f"the same world drawn anew; {len(log):,} impressions are taken into account",
        more_is_better=False,
        aim="1 floor",
        met=ours <= floor,
    )


def _memory(peaks: list[float], rounds: tuple[int, int]) -> Figure:
    (floor, ours), (few, many) = peaks, rounds
    return Figure(
        what=f"peak memory of a feedback loop of {many} rounds, small world",
        ours=ours,
        unit="GiB",
        floor=floor,
        floor_is=f"peak with {few} rounds",
        more_is_better=False,
        aim=f"{FLAT} floors",
        met=bool(ours <= FLAT * floor),
    )
