"""The jobs of a `bubble_dose` scenario, one trial a seed, and what they give."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnel.scenario.dose.slopes import cells, curves, slopes
from funnel.scenario.dose.spec import DoseSpec
from funnel.scenario.dose.trial import trial
from funnel.scenario.lab import Lab
from funnel.scenario.store import Piece, Store

SLOPES = {"estimator": pl.String, "task": pl.String, "slope": pl.Float64}


@dataclass(frozen=True)
class Job:
    """One unit of work for one process."""

    seed: int

    @property
    def label(self) -> str:
        """What a user is told of it."""
        return f"trial, seed {self.seed}"


def plan(scenario: DoseSpec) -> list[Job]:
    """All jobs; none needs another."""
    return [Job(seed) for seed in range(scenario.seeds)]


def execute(scenario: DoseSpec, job: Job, store: Store, device: str = "cpu") -> None:
    """Makes sure that what the job is for stands in the store; models are trained on `device`."""
    store.ensure(_piece(scenario, job.seed, store, device))


def collect(scenario: DoseSpec, store: Store, device: str = "cpu") -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The slopes, the curves and the cells of all seeds."""
    folders = [store.ensure(_piece(scenario, job.seed, store, device)) for job in plan(scenario)]
    found = (
        pl.concat(
            [
                pl.read_parquet(folder / f"{name}.parquet").select(pl.lit(seed, pl.Int64).alias("seed"), pl.all())
                for seed, folder in enumerate(folders)
            ]
        )
        for name in ("slopes", "curves", "cells")
    )
    slopes_, curves_, cells_ = found
    return slopes_, curves_, cells_


def _piece(scenario: DoseSpec, seed: int, store: Store, device: str) -> Piece:
    """What a trial says; the impressions themselves are not kept."""
    base = scenario.base
    lab = Lab(base, base, seed, store, device)

    def build(folder: Path) -> None:
        seen = trial(lab, scenario.share)
        counted = cells(seen)
        rows = [
            (estimator, task, slope)
            for estimator, tasks in slopes(seen, counted, lab.scenery.observed(lab.traffic.scene)).items()
            for task, slope in tasks.items()
        ]
        pl.DataFrame(rows, schema=SLOPES, orient="row").write_parquet(folder / "slopes.parquet")
        curves(counted).write_parquet(folder / "curves.parquet")
        counted.write_parquet(folder / "cells.parquet")

    recipe = {
        "seed": seed,
        "scene": lab.traffic.scene.name,
        "towers": lab.first_towers.name,
        "retrieval": base.retrieval.table(),
        "stages": base.stages.table(),
        "share": scenario.share,
        **base.traffic.model_dump(include={"requests", "exploration"}),
    }
    return Piece("dose", recipe, build)
