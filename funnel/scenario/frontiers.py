"""Pareto frontiers between two tasks as a weight is swept, with an interval over seeds on what they dominate."""

from typing import Any

import numpy as np
import polars as pl

from funnel.metrics.frontier import hypervolume, non_dominated
from funnel.metrics.intervals import t_interval


def frontiers(
    rows: pl.DataFrame, tasks: tuple[str, str], unwanted: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """A frontier for each sweep and arm: points as means over seeds, which of them others dominate, the hypervolume.

    Hypervolumes are taken within a seed, as a share of the box between the worst and the best value of each task that
    any arm of the sweep reached in that seed: the reference point is the box's worst corner.

    Args:
        rows: `schema.DIAGNOSTICS`.
        tasks: the first and the second task; the weight of the second is swept.
        unwanted: tasks of whose true mean less is better.
    """
    better = {
        "slate_mean": np.array([-1.0 if task in unwanted else 1.0 for task in tasks]),
        "weighted_loss": np.array([-1.0, -1.0]),
    }
    swept = ((measure, rows.filter(pl.col("measure") == measure), sign) for measure, sign in better.items())
    return [frontier for measure, points, sign in swept for frontier in _of(points, tasks, measure, sign)]


def _of(rows: pl.DataFrame, tasks: tuple[str, str], measure: str, sign: np.ndarray) -> list[dict[str, Any]]:
    """
    Args:
        sign: float (2,), 1 where more of a task's value is better, -1 where less is.
    """
    points = rows.pivot("task", index=["seed", "arm", "stage", "step"], values="value", maintain_order=True)
    seeds = [_unit_box(seed, tasks, sign) for seed in points.partition_by("seed", maintain_order=True)]
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
                "dominated": (~non_dominated(sign * means.select(tasks).to_numpy())).tolist(),
                "hypervolume": {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n},
            }
        )
    return found


def _unit_box(seed: pl.DataFrame, tasks: tuple[str, str], sign: np.ndarray) -> dict[str, np.ndarray]:
    """The points (n, 2) of each arm under one seed, 0 at the worst value of a task in any arm and 1 at the best."""
    every = sign * seed.select(tasks).to_numpy()
    worst, best = every.min(0), every.max(0)
    size = np.where(best > worst, best - worst, 1.0)
    own = seed.partition_by("arm", as_dict=True)
    return {arm: (sign * part.select(tasks).to_numpy() - worst) / size for (arm,), part in own.items()}
