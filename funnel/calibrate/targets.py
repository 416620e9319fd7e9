"""What can be a target: the measures of this project that a team can take of its own funnel, without any oracle.

A key is the measure, its stage, and its slice and task where it has them: `keep_ratio.early`, `share.early.friend`,
`label.late.like`, `auc.early.impressed.long_view`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from funnel.calibrate.spec import TargetSpec
from funnel.candidates import from_pairs
from funnel.errors import unknown
from funnel.metrics.catalogue import METRIC, Metric, rows
from funnel.metrics.ledger import Ledger
from funnel.stages.spec import STAGES, FunnelSpec
from funnel.tasks import TASK

TELLABLE = (
    *("candidates", "keep_ratio", "share", "survival", "overlap", "penetration"),
    *("label", "joint_label", "auc", "calibration", "ranker_calibration"),
)
"""measures of which a real funnel's logs tell the like; `auc` and calibration are expectations over true probabilities
here, which is what those of drawn labels come to with many impressions"""
MEASURED: tuple[Metric, ...] = tuple(METRIC[name] for name in TELLABLE)
ORACLE = "oracle"
"""a stage of `share`, and the beginning of slices, that only a simulation knows"""


@dataclass(frozen=True)
class Target:
    """One measure and what it should be."""

    key: str
    value: float
    tolerance: float
    source: str
    bounded: bool
    """whether it lies between 0 and 1"""

    def residual(self, found: float) -> float:
        """How far off, in tolerances; within 1 it is met."""
        return (found - self.value) / self.tolerance


def targets_of(specs: Mapping[str, TargetSpec], funnel: FunnelSpec) -> tuple[tuple[Target, ...], list[str]]:
    """The targets that this funnel has a measure for, and what is wrong with the others."""
    bounded = _keys(funnel)
    problems = [f"targets.{key}: {_strange(key, bounded)}" for key in specs if key not in bounded]
    found = tuple(
        Target(key, spec.value, spec.tolerance, spec.source, bounded[key])
        for key, spec in specs.items()
        if key in bounded
    )
    return found, problems + [problem for target in found if (problem := _outside(target))]


def keyed(table: pl.DataFrame) -> dict[str, float | None]:
    """The values of `schema.ROWS` by key."""
    return {_key(row): row["value"] for row in table.iter_rows(named=True)}


def _key(row: Mapping[str, str]) -> str:
    parts = [row["measure"], row["stage"], "" if row["slice"] == "all" else row["slice"], row["task"]]
    return ".".join(part for part in parts if part)


def _keys(funnel: FunnelSpec) -> dict[str, bool]:
    """All keys of this funnel, and whether each measures something between 0 and 1."""
    table, _ = rows(_blank(funnel), 0, "", MEASURED)
    return {
        _key(row): _bounded(row["measure"], row["task"])
        for row in table.iter_rows(named=True)
        if row["stage"] != ORACLE and not row["slice"].startswith(ORACLE)
    }


def _bounded(measure: str, task: str) -> bool:
    of_task = METRIC[measure].unit == "mean" and TASK[task].kind == "binary"
    return METRIC[measure].unit == "share" or measure == "auc" or of_task


def _strange(key: str, known: Mapping[str, bool]) -> str:
    measure = key.split(".")[0]
    if measure in METRIC and measure not in TELLABLE:
        return f"`{measure}` is held against a truth that no real funnel knows. Known: {', '.join(TELLABLE)}."
    own = [other for other in known if other.split(".")[0] == measure]
    return unknown(key, own or known, "a measure of this funnel")


def _outside(target: Target) -> str | None:
    if target.bounded and not 0 <= target.value <= 1:
        return f"targets.{target.key}.value: should lie between 0 and 1. Found {target.value:g}."
    if target.value < 0:
        return f"targets.{target.key}.value: should not be negative. Found {target.value:g}."
    return None


def _blank(funnel: FunnelSpec) -> Ledger:
    """A ledger of one request and one candidate, of which nothing is worth knowing but what would be measured."""
    one, yes = np.ones(1, np.float32), np.ones(1, bool)
    stages = {stage: dict.fromkeys(funnel.stages.named(stage).tasks, one) for stage in STAGES}
    return Ledger(
        rows=from_pairs(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, np.int64), 1, 1),
        **dict.fromkeys(("oracle", "retrieved", "early", "granted", "slate", "friend", "fresh", "small"), yes),
        **dict.fromkeys(("value", "rest_value", "closeness", "early_score", "late_score", "reference_score"), one),
        blind_oracle=yes,
        oracle_value=one,
        friends=np.ones(1, np.int64),
        truth=dict.fromkeys(TASK, one),
        predicted=stages,
        labels=dict.fromkeys(TASK, one),
        keep=1,
        slate_size=1,
        edges=None,
        shown=None,
        exposed=None,
        surfaces={},
    )
