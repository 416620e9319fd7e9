"""Pareto frontiers between two tasks as a weight is swept, with an interval over seeds on what they dominate."""

from typing import Any

import numpy as np
import polars as pl

from funnel.metrics.frontier import hypervolume, non_dominated
from funnel.metrics.intervals import t_interval

SWEEPS = {"slate_mean": 1.0, "weighted_loss": -1.0}
"""the measures that are swept, and 1 where more is better, -1 where less is"""


def frontiers(rows: pl.DataFrame, tasks: tuple[str, str]) -> list[dict[str, Any]]:
    """A frontier for each sweep and arm: points as means over seeds, which of them others dominate, the hypervolume.

    Hypervolumes are taken within a seed, as a share of the box between the worst and the best value of each task that
    any arm of the sweep reached in that seed: the reference point is the box's worst corner.

    Args:
        rows: `schema.DIAGNOSTICS`.
        tasks: the first and the second task; the weight of the second is swept.
    """
    return [
        frontier for measure in SWEEPS for frontier in _of(rows.filter(pl.col("measure") == measure), tasks, measure)
    ]


def _of(rows: pl.DataFrame, tasks: tuple[str, str], measure: str) -> list[dict[str, Any]]:
    points = rows.pivot("task", index=["seed", "arm", "stage", "step"], values="value", maintain_order=True)
    seeds = [_unit_box(seed, tasks, SWEEPS[measure]) for seed in points.partition_by("seed", maintain_order=True)]
    found = []
    for (arm, stage), own in points.group_by("arm", "stage", maintain_order=True):
        means = own.group_by("step", maintain_order=True).agg(pl.col(task).mean() for task in tasks).sort("step")
        volumes = [hypervolume(box[arm], np.zeros(2)) for box in seeds]
        interval = t_interval(np.array(volumes))
        found.append(
            {
                "measure": measure,
                "arm": arm,
                "stage": stage,
                "tasks": list(tasks),
                "steps": means["step"].to_list(),
                "points": means.select(tasks).to_numpy().tolist(),
                "dominated": (~non_dominated(SWEEPS[measure] * means.select(tasks).to_numpy())).tolist(),
                "hypervolume": {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n},
            }
        )
    return found


def _unit_box(seed: pl.DataFrame, tasks: tuple[str, str], sign: float) -> dict[str, np.ndarray]:
    """The points (n, 2) of each arm under one seed, 0 at the worst value of a task in any arm and 1 at the best."""
    every = sign * seed.select(tasks).to_numpy()
    worst, best = every.min(0), every.max(0)
    size = np.where(best > worst, best - worst, 1.0)
    own = seed.partition_by("arm", as_dict=True)
    return {arm: (sign * part.select(tasks).to_numpy() - worst) / size for (arm,), part in own.items()}
