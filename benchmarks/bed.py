"""What the benchmarks run on: the `reels` base, full-size in world and funnel, small in the logs that train its models.

How well a model is trained does not change how long it takes to serve.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from funnel.candidates import Requests
from funnel.scenario.file import load
from funnel.scenario.lab import Lab
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.stages.runner import Funnel
from funnel.stages.spec import STAGES

ARMS = ("baseline", "both")
"""of `bubble_late_only`: without and with the bubble features"""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    preset: str | None
    """of the scenario; None is the size of the base"""
    assignments: tuple[str, ...]
    rounds: int
    """repetitions of every timing"""
    requests: int
    """served, judged or labelled in one timing"""
    factor: int
    """how many times larger the large world is"""
    few: int
    many: int
    """requests of the oracle in the large world, to see that memory does not follow them"""
    loops: tuple[int, int]
    """rounds of feedback loops, few and many, to see that memory does not follow them"""
    looped: tuple[str, ...] = ()
    """assignments to their scenario, beside the preset `smoke`"""


SMALL_LOGS = ("base.traffic.bootstrap_requests=2000", "base.traffic.requests=3000", "base.evaluation.requests=1024")
FULL = Size(None, SMALL_LOGS, rounds=7, requests=1_024, factor=10, few=200, many=2_000, loops=(2, 6))
TINY_WORLD = (
    "base.world={users=300, items=500, creators=50}",
    "base.traffic={bootstrap_requests=60, requests=80}",
    "base.loop={requests=40}",
    "base.evaluation.requests=20",
)
TINY = Size(
    "smoke",
    ("base.traffic.requests=400",),
    rounds=1,
    requests=64,
    factor=2,
    few=10,
    many=20,
    loops=(2, 3),
    looped=TINY_WORLD,
)


@dataclass(frozen=True)
class Bed:
    """The pieces of the scenario at one size. It can be sent to other processes, which find the pieces in the store."""

    size: Size
    root: Path

    @cached_property
    def scenario(self) -> Scenario:
        return load("bubble_late_only", preset=self.size.preset, assignments=self.size.assignments)

    def lab(self, arm: str = ARMS[0]) -> Lab:
        return Lab(self.scenario.base, self.scenario.arms[arm], seed=0, store=Store(self.root))

    def funnel(self, arm: str) -> Funnel:
        lab = self.lab(arm)
        return Funnel(lab.retrieve, tuple(lab.arm_rank(stage) for stage in STAGES))

    def requests(self) -> Requests:
        """The first evaluation requests."""
        return self.lab().requests.slice(0, self.size.requests)
