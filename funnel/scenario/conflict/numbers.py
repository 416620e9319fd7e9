"""From the tables of a study to estimates: t intervals over seeds, and differences paired by seed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from funnel.metrics.intervals import t_interval
from funnel.training.sinusoids import TASKS

BOTH = "both"
"""the mean of the two tasks"""
TOLD = (BOTH, *TASKS)
Number = dict[str, Any]
"""value, low, high and n of an estimate, with what it speaks of"""


class Losses:
    """Final losses by model, correlation and task (one of both, or their mean), float64 (S,) each, in seed order."""

    def __init__(self, runs: pl.DataFrame):
        self._values: dict[tuple[str, float, str], np.ndarray] = {}
        for (model, correlation), part in runs.sort("seed").partition_by("model", "correlation", as_dict=True).items():
            by_task = {task: part.filter(pl.col("task") == task)["loss"].to_numpy() for task in TASKS}
            by_task[BOTH] = np.mean(list(by_task.values()), axis=0)
            self._values |= {(str(model), float(correlation), task): values for task, values in by_task.items()}
        self.correlations = runs["correlation"].unique().sort(descending=True).to_list()

    def of(self, model: str) -> list[Number]:
        return self._told(lambda correlation, task: self._values[model, correlation, task])

    def against(self, model: str, other: str) -> list[Number]:
        """`model` minus `other`, at each correlation."""
        return self._told(lambda correlation, task: self._gap(model, other, correlation, task))

    def widening(self, model: str, other: str) -> list[Number]:
        """How much `model` minus `other` is, at each correlation, above what it is at the greatest one."""
        top = self.correlations[0]
        return self._told(
            lambda correlation, task: self._gap(model, other, correlation, task) - self._gap(model, other, top, task)
        )[len(TOLD) :]

    def price(self, model: str) -> list[Number]:
        """What a correlation costs a model: its loss there minus that at the greatest one."""
        top = self.correlations[0]
        return self._told(
            lambda correlation, task: self._values[model, correlation, task] - self._values[model, top, task]
        )[len(TOLD) :]

    def _gap(self, model: str, other: str, correlation: float, task: str) -> np.ndarray:
        return self._values[model, correlation, task] - self._values[other, correlation, task]

    def _told(self, values: Callable[[float, str], np.ndarray]) -> list[Number]:
        return [
            {"correlation": correlation, "task": task, **number(values(correlation, task))}
            for correlation in self.correlations
            for task in TOLD
        ]


def number(values: np.ndarray) -> Number:
    """The mean of values (S,), one a seed, and its t interval; without bounds where there is one seed."""
    interval = t_interval(values)
    return {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n}


def curves(table: pl.DataFrame) -> list[Number]:
    """Of one model: by correlation the loss (mean of both tasks) and the gradient cosine over the steps."""
    found = []
    for (correlation,), part in table.partition_by("correlation", as_dict=True).items():
        steps = part["step"].unique().sort().to_list()
        loss = _points(part, steps, (pl.col(TASKS[0]) + pl.col(TASKS[1])) / 2)
        cosine = [] if part["cosine"].is_null().all() else _points(part, steps, pl.col("cosine"))
        found.append({"correlation": correlation, "step": steps, "loss": loss, "cosine": cosine})
    return found


def _points(part: pl.DataFrame, steps: list[int], what: pl.Expr) -> list[list[float | None]]:
    """Value, low and high of each step."""
    wide = part.sort("step", "seed").select("step", value=what)
    values = [wide.filter(pl.col("step") == step)["value"].drop_nulls().to_numpy() for step in steps]
    return [_three(found) for found in values]


def _three(values: np.ndarray) -> list[float | None]:
    if not len(values):
        return [None, None, None]
    interval = t_interval(values)
    return [interval.value, interval.low, interval.high]


def gates(table: pl.DataFrame, private: int) -> list[Number]:
    """Of one model: by correlation and gated layer how far apart the tasks' gates are, and what the first seed shows.

    Experts of different seeds have nothing in common, so shares of an expert are not averaged over seeds.
    `apart` is half the sum of absolute differences of the two tasks' mean shares: 0 where both gates mix alike, 1 where
    they use different experts. `largest` is the greatest mean share that a task gives to one expert.

    Args:
        private: experts of a layer that belong to one task, which stand first in its gate.
    """
    found = []
    for (correlation, layer), part in table.partition_by("correlation", "layer", as_dict=True).items():
        shares = [_matrix(one) for one in part.sort("seed").partition_by("seed")]
        found.append(
            {
                "correlation": correlation,
                "layer": layer,
                "private": private,
                "apart": number(np.array([_apart(one, private) for one in shares])),
                "largest": number(np.array([one.max() for one in shares])),
                "first_seed": shares[0],
            }
        )
    return found


def _apart(shares: np.ndarray, private: int) -> float:
    """Total variation distance; what one task gives to its own experts the other cannot give to them."""
    own, shared = shares[:, :private].sum(), np.abs(shares[0, private:] - shares[1, private:]).sum()
    return float(own + shared) / 2


def _matrix(part: pl.DataFrame) -> np.ndarray:
    """float64 (2, n): the shares of one seed."""
    return np.stack([part.filter(pl.col("task") == task).sort("expert")["share"].to_numpy() for task in TASKS])
