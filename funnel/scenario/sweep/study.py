"""A sweep's run: its jobs, what each of them makes, and the rows of all arms at all points.

An arm at a point is asked for the few measures that a map of points shows. Where only a budget or a weight moves, the
truth and the predictions stand already, and one more point costs about a second an arm.
"""

from pathlib import Path
from typing import Any

import polars as pl

from funnel import schema
from funnel.metrics.catalogue import METRIC
from funnel.metrics.catalogue import rows as measured
from funnel.scenario import fitted
from funnel.scenario.exam import Exam
from funnel.scenario.facts import costs
from funnel.scenario.jobs import Job, accounting, done, examining, exams_of, training
from funnel.scenario.store import Piece, Store
from funnel.scenario.sweep.spec import Sweep

MEASURES = (
    *("lost", "predicted_lost", "correlation", "recall", "recoverable", "overlap", "value", "rest_value"),
    *("candidates", "keep_ratio", "bubble_prevalence", "bubble_engagement"),
)
"""measures of the catalogue that an arm at a point is asked for"""

Failed = dict[int, dict[str, str]]
"""by point and arm: why it failed"""


def plan(sweep: Sweep) -> list[Job]:
    """All jobs, in an order in which whatever a job needs comes before it."""
    nowhere = Store(Path())  # names are all that planning needs; nothing is built
    scenarios = [point.scenario for point in sweep.points]
    seeds = [exams_of(scenarios, seed, nowhere) for seed in range(sweep.seeds)]
    return [*training(seeds), *accounting(scenarios[0]), *examining(seeds)]


def execute(sweep: Sweep, job: Job, store: Store, device: str = "cpu") -> dict[str, str]:
    """Makes sure that what the job is for stands in the store; models are trained on `device`.

    Returns:
        By arm and point that the run can do without, why it cannot be made.

    Raises:
        ArmError: an arm of the verdict cannot be made.
    """
    if job.kind == "account":
        fitted.read_account(sweep.points[0].scenario.base.world, store)
        return {}
    return {
        f"{arm} at {sweep.points[point].label}": why
        for point, arms in _attempted(sweep, job, store, device).items()
        for arm, why in arms.items()
    }


def collect(sweep: Sweep, store: Store, device: str = "cpu") -> tuple[pl.DataFrame, Failed, dict[str, Any] | None]:
    """`schema.POINT_ROWS` of all arms that did not fail, why the others did, and the account of the data."""
    failed: Failed = {}
    jobs = [job for job in plan(sweep) if job.kind == "rows"]  # which need everything else
    for job in jobs:
        for point, arms in _attempted(sweep, job, store, device).items():
            failed[point] = arms | failed.get(point, {})
    tables = [table for job in jobs for table in _read(sweep, job, store, device, failed)]
    rows = pl.concat(tables).select(list(schema.POINT_ROWS)).sort("point", "seed", maintain_order=True)
    account = fitted.read_account(sweep.points[0].scenario.base.world, store)
    return schema.check(rows, schema.POINT_ROWS, "rows"), failed, account


def point_piece(exam: Exam, name: str) -> Piece:
    """The measures of one arm at one point."""
    lab = exam.labs[name]

    def build(folder: Path) -> None:
        ledger = exam.ledger(lab)
        rows, _ = measured(ledger, exam.seed, "", [METRIC[measure] for measure in MEASURES])
        pl.concat([rows, costs(lab, ledger, exam.seed)]).write_parquet(folder / "rows.parquet")

    return Piece("point", exam.look(name) | {"measures": list(MEASURES)}, build)


def _exams(sweep: Sweep, job: Job, store: Store, device: str) -> dict[int, Exam]:
    return exams_of([point.scenario for point in sweep.points], job.seed, store, device, job.points)


def _attempted(sweep: Sweep, job: Job, store: Store, device: str) -> Failed:
    """Does a job; what failed are arms that the run can do without."""
    return done(store, _exams(sweep, job, store, device), job, point_piece)


def _read(sweep: Sweep, job: Job, store: Store, device: str, failed: Failed) -> list[pl.DataFrame]:
    """The rows that a job made, of arms that failed under no seed."""
    exams = _exams(sweep, job, store, device)
    return [
        pl.read_parquet(store.ensure(point_piece(exams[case.point], case.arm)) / "rows.parquet").select(
            pl.lit(case.point, pl.Int64).alias("point"), pl.exclude("arm"), pl.lit(case.arm).alias("arm")
        )
        for case in job.cases
        if case.arm not in failed.get(case.point, {})
    ]
