"""The plan of a run: its jobs in an order in which whatever a job needs comes before it, and what comes out of them."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import Any

import polars as pl

from funnel.scenario.diagnosis import Subject, collect_diagnostics, diagnosis_piece, subjects, sweep_piece
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.exam import Exam
from funnel.scenario.lab import Lab
from funnel.scenario.samples import FIRST
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES

Found = tuple[dict[str, pl.DataFrame], dict[str, Any], dict[str, str], Diagnostics | None]
"""tables by name; facts by arm and seed; why an arm failed, by arm; what diagnosing found"""


@dataclass(frozen=True)
class Job:
    """One unit of work for one process."""

    kind: str
    """`traffic` (the world and both rounds), `towers`, `ranker`, `oracle`, `diagnosis` or `rows`"""
    seed: int
    arms: tuple[str, ...]
    """the arms it is for; pieces that several arms share are made for the first of them"""
    stage: str = ""
    """the stage of a ranker or of a diagnosis"""

    @property
    def label(self) -> str:
        """What a user is told of it."""
        return f"{self.kind} {self.stage}".strip() + f", seed {self.seed}: {', '.join(self.arms)}"


def plan(scenario: Scenario) -> list[Job]:
    """All jobs. A job makes what it needs itself if it is missing; the order lets processes work side by side."""
    nowhere = Store(Path())  # names are all that planning needs; nothing is built
    exams = [Exam(scenario, seed, nowhere) for seed in range(scenario.seeds)]
    return [
        *(job for exam in exams for job in _distinct(exam, "traffic", lambda lab: lab.traffic_piece)),
        *(job for exam in exams for job in _training(exam)),
        *(job for exam in exams for job in _diagnoses(exam)),
        *(job for exam in exams for job in _grouped(exam)),
    ]


def _distinct(exam: Exam, kind: str, piece: Callable[[Lab], Piece], stage: str = "") -> list[Job]:
    """One job for each distinct piece."""
    first: dict[str, str] = {}
    for name, lab in exam.labs.items():
        first.setdefault(piece(lab).name, name)
    return [Job(kind, exam.seed, (name,), stage) for name in first.values()]


def _training(exam: Exam) -> list[Job]:
    jobs = _distinct(exam, "towers", lambda lab: lab.arm_towers)
    # The late rankers take longest, so they start first.
    for stage in reversed(STAGES):
        jobs += _distinct(exam, "ranker", methodcaller("arm_ranker", stage), stage)
    return jobs + _distinct(exam, "oracle", exam.oracle_piece)


def _diagnoses(exam: Exam) -> list[Job]:
    if not exam.scenario.diagnostics:
        return []
    # Those of the proposal take longest by far, and late ones longer than early ones.
    ordered = sorted(subjects(exam), key=lambda subject: (subject.proposal, STAGES.index(subject.stage)), reverse=True)
    return [Job("diagnosis", exam.seed, subject.arms, subject.stage) for subject in ordered]


def _grouped(exam: Exam) -> list[Job]:
    """Arms that share a late ranker are examined together: they share its predictions."""
    groups: dict[str, list[str]] = {}
    for name, lab in exam.labs.items():
        groups.setdefault(lab.arm_ranker("late").name, []).append(name)
    judge = exam.scenario.verdict.reference
    # The group of the judge goes first, since every other group wants its scores.
    ordered = sorted(groups.values(), key=lambda names: judge not in names)
    return [Job("rows", exam.seed, tuple(names)) for names in ordered]


def execute(scenario: Scenario, job: Job, store: Store, device: str = "cpu") -> None:
    """Makes sure that what the job is for stands in the store; models are trained on `device`."""
    exam = Exam(scenario, job.seed, store, device)
    for piece in _pieces(exam, job):
        store.ensure(piece)


def _pieces(exam: Exam, job: Job) -> Iterator[Piece]:
    if job.kind == "diagnosis":
        yield diagnosis_piece(exam, Subject(job.arms, job.stage, exam.scenario.verdict.proposal in job.arms))
        return
    for name in job.arms:
        lab = exam.labs[name]
        match job.kind:
            case "traffic":
                yield lab.traffic_piece
            case "towers":
                yield lab.arm_towers
            case "ranker":
                yield lab.arm_ranker(job.stage)
            case "oracle":
                yield exam.oracle_piece(lab)
            case "rows":
                yield exam.rows_piece(name)
                if exam.scenario.frontier:
                    yield sweep_piece(exam, name, exam.scenario.frontier)


def collect(scenario: Scenario, store: Store, device: str = "cpu") -> Found:
    """The tables of all arms and seeds, facts by arm and seed, who failed, and the diagnostics."""
    exams = {seed: Exam(scenario, seed, store, device) for seed in range(scenario.seeds)}
    folders = {(name, seed): store.ensure(exam.rows_piece(name)) for seed, exam in exams.items() for name in exam.labs}
    verdict = scenario.verdict
    first = {name: folders[name, FIRST] for name in scenario.arms}
    weighed = {name: first[name] for name in dict.fromkeys((verdict.proposal, verdict.reference, verdict.baseline))}
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
    return tables, facts, {}, collect_diagnostics(scenario, store, device)


def _stacked(table: str, folders: Iterable[tuple[str, Path]]) -> pl.DataFrame:
    """One table of the rows of several arms, each under the name that the scenario gives it."""
    return pl.concat(
        [pl.read_parquet(folder / f"{table}.parquet").with_columns(arm=pl.lit(name)) for name, folder in folders]
    )
