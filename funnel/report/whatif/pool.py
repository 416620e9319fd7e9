"""A pool: what one arm's stages thought of every candidate of a few requests, with what is needed to weigh it anew.

A stage's score is kept as it was. What each weight multiplies is kept in 16 bits, since it is only ever used for the
difference that another weight makes: at the run's own weights the score is the run's, bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from funnel.candidates import Candidates
from funnel.select import top

STAGES = ("early", "late")
FLAGS = ("retrieved", "oracle", "friend")
NUMBERS = ("value", "reference_score", "early_score", "late_score")
CODES = 2**16 - 1


@dataclass(frozen=True)
class Part:
    """What the weight of one task multiplies in a stage's score: `low + step * code`."""

    low: float
    step: float
    code: np.ndarray
    """uint16 (n,)"""

    @classmethod
    def of(cls, values: np.ndarray) -> "Part":
        """The nearest of 65,536 evenly spaced numbers between the least and the greatest of `values` (n,)."""
        low = float(values.min(initial=0.0))
        step = (float(values.max(initial=0.0)) - low) / CODES or 1.0
        return cls(low, step, np.round((values.astype(np.float64) - low) / step).astype(np.uint16))

    @property
    def values(self) -> np.ndarray:
        """float64 (n,)."""
        return self.low + self.step * self.code

    def take(self, rows: slice) -> "Part":
        return Part(self.low, self.step, self.code[rows])


@dataclass(frozen=True)
class Pool:
    """R requests and n rows of one arm, request-major as in `Candidates`; row arrays have length n."""

    arm: str
    keep: int
    """budget of the early stage"""
    slate_size: int
    """n of the slate, of the oracle set, and of what the reference ranks top"""
    rows: Candidates
    columns: dict[str, np.ndarray]
    """bool (n,) of FLAGS and float32 (n,) of NUMBERS, as in `funnel.schema.SAMPLE`"""
    formulas: dict[str, dict[str, float]]
    """weights by stage and task"""
    parts: dict[str, dict[str, Part]]
    """by stage and by task that the stage predicts; a stage has none where its score is more than its formula"""

    def first(self, count: int) -> "Pool":
        """The pool of its first requests."""
        rows = slice(0, self.rows.offsets[count])
        return Pool(
            self.arm,
            self.keep,
            self.slate_size,
            self.rows.slice(0, count),
            {name: column[rows] for name, column in self.columns.items()},
            self.formulas,
            {stage: {task: part.take(rows) for task, part in parts.items()} for stage, parts in self.parts.items()},
        )


def pool(arm: str, stages: Mapping[str, Any], sample: pl.DataFrame, contributions: pl.DataFrame) -> Pool:
    """The pool of one arm.

    Args:
        stages: the arm's table of stages in `spec.json`.
        sample, contributions: of `funnel.schema`, all arms; only the tasks of the arm's formulas are taken.
    """
    table = sample.filter(pl.col("arm") == arm).sort("request", "item")
    _, counts = np.unique(table["request"].to_numpy(), return_counts=True)
    rows = Candidates(
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        item=table["item"].to_numpy(),
        source=table["source"].to_numpy(),
        score=table["early_score"].to_numpy(),
    )
    formulas = {stage: dict(stages[stage]["formula"]) for stage in STAGES}
    own = contributions.filter(pl.col("arm") == arm).sort("request", "item")
    return Pool(
        arm,
        stages["early"]["keep"],
        stages["late"]["keep"],
        rows,
        {name: table[name].to_numpy() for name in (*FLAGS, *NUMBERS)},
        formulas,
        {stage: _parts(own, stage, weighed(formulas)) for stage in STAGES},
    )


def weighed(formulas: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The tasks of both stages' formulas, each once, in their order."""
    return list(dict.fromkeys(task for stage in STAGES for task in formulas[stage]))


def sorts_by_score_alone(found: Pool, sample: pl.DataFrame) -> bool:
    """Whether the run's own survivors are the best by score: no quota, bypass or other rule of admission took part."""
    table = sample.filter(pl.col("arm") == found.arm).sort("request", "item")
    early = top(found.rows, found.keep, found.columns["early_score"], found.columns["retrieved"])
    slate = top(found.rows, found.slate_size, found.columns["late_score"], early)
    return np.array_equal(early, table["early"].to_numpy()) and np.array_equal(slate, table["slate"].to_numpy())


def _parts(own: pl.DataFrame, stage: str, tasks: list[str]) -> dict[str, Part]:
    found = {task: own.filter(pl.col("stage") == stage, pl.col("task") == task)["value"].to_numpy() for task in tasks}
    return {task: Part.of(values) for task, values in found.items() if len(values)}
