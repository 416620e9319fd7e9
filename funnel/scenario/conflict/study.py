"""The jobs of a `task_conflict` scenario, each one model on one pair of tasks under one seed, and what they give."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.store import Piece, Store
from funnel.training.conflict import Conflict, task_conflict
from funnel.training.sinusoids import TASKS

Found = list[tuple[int, str, float, Conflict]]
"""seed, model, correlation, and what came of them"""


@dataclass(frozen=True)
class Job:
    """One unit of work for one process."""

    seed: int
    model: str
    correlation: float

    @property
    def label(self) -> str:
        """What a user is told of it."""
        return f"{self.model}, correlation {self.correlation:g}, seed {self.seed}"


def plan(scenario: ConflictSpec) -> list[Job]:
    """All jobs; none needs another."""
    return [
        Job(seed, model, correlation)
        for seed in range(scenario.seeds)
        for model in scenario.models
        for correlation in scenario.correlations
    ]


def execute(scenario: ConflictSpec, job: Job, store: Store, device: str = "cpu") -> None:
    """Makes sure that what the job is for stands in the store; models are trained on `device`."""
    store.ensure(_piece(scenario, job, device))


def collect(
    scenario: ConflictSpec, store: Store, device: str = "cpu"
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What all models ended with, their curves, and their gates."""
    found = [
        (job.seed, job.model, job.correlation, Conflict.load(store.ensure(_piece(scenario, job, device))))
        for job in plan(scenario)
    ]
    return _runs(found), _curves(found), _gates(found)


def _piece(scenario: ConflictSpec, job: Job, device: str) -> Piece:
    """Named by all that it depends on; the name of the model and the other models are no part of that."""
    spec = scenario.models[job.model]
    recipe: dict[str, Any] = {
        "model": spec.table(),
        "correlation": job.correlation,
        "law": scenario.law.table(),
        "steps": scenario.steps,
        "batch": scenario.batch,
        "rate": scenario.rate,
        "seed": job.seed,
    }
    if device != "cpu":
        recipe["device"] = device

    def make(folder: Path) -> None:
        task_conflict(
            spec,
            job.correlation,
            law=scenario.law,
            steps=scenario.steps,
            batch=scenario.batch,
            rate=scenario.rate,
            seed=job.seed,
            device=device,
        ).save(folder)

    return Piece("conflict", recipe, make)


def _runs(found: Found) -> pl.DataFrame:
    """One row a seed, model, correlation and task."""
    return pl.DataFrame(
        [
            (seed, model, correlation, task, loss, one.floor, one.label_correlation, one.parameters)
            for seed, model, correlation, one in found
            for task, loss in zip(TASKS, one.loss.tolist(), strict=True)
        ],
        schema={
            "seed": pl.Int64,
            "model": pl.String,
            "correlation": pl.Float64,
            "task": pl.String,
            "loss": pl.Float64,
            "floor": pl.Float64,
            "label_correlation": pl.Float64,
            "parameters": pl.Int64,
        },
        orient="row",
    )


def _curves(found: Found) -> pl.DataFrame:
    """One row a seed, model, correlation and stretch of steps; the cosine is null where nothing is shared."""
    return pl.DataFrame(
        [
            (seed, model, correlation, *row)
            for seed, model, correlation, one in found
            for row in zip(one.step.tolist(), *one.curve.T.tolist(), one.cosine.tolist(), strict=True)
        ],
        schema={
            "seed": pl.Int64,
            "model": pl.String,
            "correlation": pl.Float64,
            "step": pl.Int64,
            **dict.fromkeys(TASKS, pl.Float64),
            "cosine": pl.Float64,
        },
        orient="row",
    ).with_columns(pl.col("cosine").fill_nan(None))


def _gates(found: Found) -> pl.DataFrame:
    """One row a seed, model, correlation, gated layer, task and expert that the task's gate sees."""
    return pl.DataFrame(
        [
            (seed, model, correlation, layer, task, expert, share)
            for seed, model, correlation, one in found
            for layer, shares in one.gates.items()
            for task, row in zip(TASKS, shares.tolist(), strict=True)
            for expert, share in enumerate(row)
        ],
        schema={
            "seed": pl.Int64,
            "model": pl.String,
            "correlation": pl.Float64,
            "layer": pl.String,
            "task": pl.String,
            "expert": pl.Int64,
            "share": pl.Float64,
        },
        orient="row",
    )
