"""Tiny exports that tests share: a scenario of two days, and the arms whose cuts differ in kind."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnel.intake import recflow
from funnel.scenario.exam import Exam
from funnel.scenario.export.export import export
from funnel.scenario.file import load
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store

REQUESTS = 300
"""of two days"""
TINY = (
    "base.world={users=300, items=500, creators=50, dims=8, communities=6, history=6}",
    "base.traffic={bootstrap_requests=120, requests=200}",
    "base.retrieval.sources={nearest={budget=60}, friends={budget=20}, popular={budget=15}, fresh={budget=5}}",
    "base.stages.early={keep=20, train={batch=128, epochs=1}}",
    "base.stages.late={keep=5, train={batch=128, epochs=1}}",
    f"base.evaluation.requests={REQUESTS}",
    "arms.baseline_2k.stages.early.keep=40",
    "arms.late_only_2k.stages.early.keep=40",
    "arms.quota={at=['late'], stages={early={quota={friends=6}}}}",
    "arms.segments={at=['late'], stages={early={segments={by='friends', borders=[3, 8], keep=[10, 20, 30]}}}}",
    "arms.fused={at=['late'], stages={late={fusion=0.3}, early={bypass=['fresh']}}}",
)
ARMS = ("late_only", "baseline", "quota", "segments", "fused")
"""the baseline has a late stage of its own, so that another one judges it"""


def scenario(*more: str) -> Scenario:
    """`bubble_late_only` in seconds, with a quota, budgets by segment, and a fused late stage behind a bypass."""
    return load(Path("scenarios/bubble_late_only.toml"), seeds=1, assignments=[*TINY, *more])


@dataclass(frozen=True)
class Exported:
    """An export of each arm, and the store that they are made of."""

    data: Path
    folders: dict[str, Path]

    @property
    def exam(self) -> Exam:
        return Exam(scenario(), 0, Store(self.data))


def exported(folder: Path) -> Exported:
    """Exports every arm into a folder."""
    data = folder / "data"
    return Exported(data, {arm: export(scenario(), arm=arm, data=data, exports=folder / "exports") for arm in ARMS})


def everything(folder: Path) -> pl.DataFrame:
    """All candidates of an export."""
    return pl.concat([pl.read_ipc(path) for path in recflow.days(folder)])


def unpickled(path: Path):
    """What a pickle of an export holds."""
    return pickle.loads(path.read_bytes())
