"""The pieces of a diagnosis: every distinct ranker of a scenario examined, and every arm's formula swept.

Diagnosing never changes what it diagnoses. It has fits of its own on the log that the rankers were trained on, and
works on the predictions that the arms were examined by; no recipe of a ranker or of rows knows of it.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from funnel import schema
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.exam import Exam
from funnel.scenario.lab import Lab
from funnel.scenario.reweighing import TIMES, slate_means
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES
from funnel.training.batches import columns_of, rows
from funnel.training.diagnostics.diagnose import diagnose
from funnel.training.diagnostics.trial import Value

TABLE = "diagnosis.parquet"


@dataclass(frozen=True)
class Subject:
    """One distinct ranker of a stage."""

    arms: tuple[str, ...]
    """all that have it; it is named by the first"""
    stage: str
    proposal: bool
    """whether the arm under review has it: then it is taken apart, too"""

    @property
    def arm(self) -> str:
        return self.arms[0]


def subjects(exam: Exam) -> list[Subject]:
    """The distinct rankers in the order of the funnel, those of the proposal first."""
    found: list[Subject] = []
    for stage in STAGES:
        groups: dict[str, list[str]] = {}
        for name, lab in exam.labs.items():
            groups.setdefault(lab.arm_ranker(stage).name, []).append(name)
        proposal = exam.scenario.verdict.proposal
        of_stage = [Subject(tuple(arms), stage, proposal in arms) for arms in groups.values()]
        found += sorted(of_stage, key=lambda subject: not subject.proposal)
    return found


def diagnosis_piece(exam: Exam, subject: Subject) -> Piece:
    """One ranker examined under one seed."""
    lab = exam.labs[subject.arm]
    spec = lab.arm.stages.named(subject.stage).ranker()
    sweep = exam.scenario.frontier if subject.proposal and subject.stage == "late" else None

    def build(folder: Path) -> None:
        data = rows(spec, lab.arm_rankers.training_periods(spec))
        columns = columns_of(spec.features, lab.world.observed)
        seed = lab.training_seed(lab.arm.replica)
        found = diagnose(spec, data, columns, seed, lab.device, deep=subject.proposal, sweep=sweep)
        _write(folder, found)

    recipe = {
        "ranker": lab.arm_ranker(subject.stage).recipe,
        "deep": subject.proposal,
        "sweep": list(sweep) if sweep else None,
    }
    return Piece("diagnosis", recipe, build)


def sweep_piece(exam: Exam, name: str, tasks: tuple[str, str]) -> Piece:
    """The late formula of one arm swept under one seed; nothing is trained."""
    lab = exam.labs[name]
    recipe = {"rows": exam.rows_piece(name).recipe, "tasks": list(tasks), "times": list(TIMES)}
    return Piece("sweep", recipe, lambda folder: _write(folder, _swept(exam, lab, tasks)))


def _swept(exam: Exam, lab: Lab, tasks: tuple[str, str]) -> list[Value]:
    return slate_means(exam.ledger(lab), lab.arm_rank("late"), tasks)


def _write(folder: Path, values: list[Value]) -> None:
    columns = {name: dtype for name, dtype in schema.DIAGNOSTICS.items() if name not in ("seed", "arm", "stage")}
    pl.DataFrame(values, schema=columns, orient="row").write_parquet(folder / TABLE)


def collect_diagnostics(scenario: Scenario, store: Store, device: str = "cpu") -> Diagnostics | None:
    """What was found under all seeds; None where the scenario did not ask."""
    if not scenario.diagnostics:
        return None
    exams = [Exam(scenario, seed, store, device) for seed in range(scenario.seeds)]
    tables = []
    for exam in exams:
        for subject in subjects(exam):
            tables.append(_read(store.ensure(diagnosis_piece(exam, subject)), exam.seed, subject.arm, subject.stage))
        if scenario.frontier:
            for name in scenario.arms:
                tables.append(_read(store.ensure(sweep_piece(exam, name, scenario.frontier)), exam.seed, name, "late"))
    table = schema.check(pl.concat(tables), schema.DIAGNOSTICS, "diagnostics")
    unwanted = frozenset(task for task, weight in scenario.base.value.formula.items() if weight < 0)
    return Diagnostics(table, [_face(scenario, subject) for subject in subjects(exams[0])], scenario.frontier, unwanted)


def _read(folder: Path, seed: int, arm: str, stage: str) -> pl.DataFrame:
    labels = {"seed": pl.lit(seed, pl.Int64), "arm": pl.lit(arm), "stage": pl.lit(stage)}
    return pl.read_parquet(folder / TABLE).with_columns(**labels).select(list(schema.DIAGNOSTICS))


def _face(scenario: Scenario, subject: Subject) -> dict:
    """What a report says of a ranker."""
    spec = scenario.arms[subject.arm].stages.named(subject.stage)
    return {
        "arm": subject.arm,
        "stage": subject.stage,
        "arms": list(subject.arms),
        "model": spec.model.kind,
        "balancer": spec.balancer.kind,
        "tasks": list(spec.tasks),
        "proposal": subject.proposal,
    }
