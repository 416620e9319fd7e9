"""A scenario's run: its jobs, what each of them makes, and the tables that come out of all of them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from funnel.scenario import fitted
from funnel.scenario.diagnosis import Subject, collect_diagnostics, diagnosis_piece, subjects, sweep_piece
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.exam import Exam
from funnel.scenario.jobs import Case, Job, accounting, attempt, examining, exams_of, shared_piece, training
from funnel.scenario.samples import FIRST
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES

Found = tuple[dict[str, pl.DataFrame], dict[str, Any], dict[str, str], Diagnostics | None, dict[str, Any] | None]
"""tables by name; facts by arm and seed; why an arm failed, by arm; what diagnosing found; the account of the data"""


def plan(scenario: Scenario) -> list[Job]:
    """All jobs, in an order in which whatever a job needs comes before it."""
    nowhere = Store(Path())  # names are all that planning needs; nothing is built
    seeds = [exams_of([scenario], seed, nowhere) for seed in range(scenario.seeds)]
    diagnoses = [job for exams in seeds for job in _diagnoses(exams[0])]
    return [*training(seeds), *accounting(scenario), *diagnoses, *examining(seeds)]


def _diagnoses(exam: Exam) -> list[Job]:
    if not exam.scenario.diagnostics:
        return []
    # Those of the proposal take longest by far, and late ones longer than early ones.
    ordered = sorted(subjects(exam), key=lambda subject: (subject.proposal, STAGES.index(subject.stage)), reverse=True)
    return [Job("diagnosis", exam.seed, tuple(map(Case, subject.arms)), subject.stage) for subject in ordered]


def execute(scenario: Scenario, job: Job, store: Store, device: str = "cpu") -> dict[str, str]:
    """Makes sure that what the job is for stands in the store; models are trained on `device`.

    Returns:
        By arm that the run can do without, why it cannot be made.

    Raises:
        ArmError: an arm of the verdict cannot be made.
    """
    if job.kind == "account":
        fitted.read_account(scenario.base.world, store)
        return {}
    exam = Exam(scenario, job.seed, store, device)
    try:
        return _attempted(exam, job)
    finally:
        exam.memory.clear()


def _attempted(exam: Exam, job: Job) -> dict[str, str]:
    """Returns and errors as of `execute`."""
    store = exam.store
    if job.kind == "rows":
        return {arm: why for one in job.arms for arm, why in attempt(store, exam, [one], _of_arm(exam, one)).items()}
    if job.kind == "diagnosis":
        subject = Subject(job.arms, job.stage, exam.scenario.verdict.proposal in job.arms)
        return attempt(store, exam, job.arms, [diagnosis_piece(exam, subject)])
    return attempt(store, exam, job.arms, [shared_piece(exam, job)])


def _of_arm(exam: Exam, name: str) -> Iterator[Piece]:
    yield exam.rows_piece(name)
    if exam.scenario.frontier:
        yield sweep_piece(exam, name, exam.scenario.frontier)


def failures(scenario: Scenario, store: Store, device: str = "cpu") -> dict[str, str]:
    """By arm that cannot be made under every seed, what the first of its pieces that cannot told.

    Raises:
        ArmError: an arm of the verdict cannot be made.
    """
    failed: dict[str, str] = {}
    for job in plan(scenario):
        if job.kind in ("diagnosis", "rows"):  # which need everything else
            failed = execute(scenario, job, store, device) | failed
    return failed


def collect(scenario: Scenario, store: Store, device: str = "cpu") -> Found:
    """The tables of all arms and seeds, facts by arm and seed, who failed and why, the diagnostics, and the account.

    An arm that failed under one seed is left out of all tables.
    """
    failed = failures(scenario, store, device)
    scenario = scenario.without(failed)
    exams = {seed: Exam(scenario, seed, store, device) for seed in range(scenario.seeds)}
    folders = {(name, seed): store.ensure(exam.rows_piece(name)) for seed, exam in exams.items() for name in exam.labs}
    first = {name: folders[name, FIRST] for name in scenario.arms}
    weighed = {name: first[name] for name in scenario.verdict.roles.values()}
    tables = {
        table: _stacked(table, [(name, folder) for (name, _), folder in folders.items()])
        for table in ("rows", "request_rows", "deaths", "keep_curve")
    }
    tables["sample"] = _stacked("sample", first.items())
    # What weights multiply is kept of the arms that the verdict is about, which is what a reader will reweigh.
    tables["contributions"] = _stacked("contributions", weighed.items())
    facts: dict[str, Any] = {name: {} for name in scenario.arms}
    for (name, seed), folder in folders.items():
        facts[name][str(seed)] = json.loads((folder / "facts.json").read_text())
    account = fitted.read_account(scenario.base.world, store)
    return tables, facts, failed, collect_diagnostics(scenario, store, device), account


def _stacked(table: str, folders: Iterable[tuple[str, Path]]) -> pl.DataFrame:
    """One table of the rows of several arms, each under the name that the scenario gives it."""
    return pl.concat(
        [pl.read_parquet(folder / f"{table}.parquet").with_columns(arm=pl.lit(name)) for name, folder in folders]
    )
