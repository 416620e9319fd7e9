"""The run of a feedback loop: its jobs, round by round, and the rows of all arms in all rounds.

A round of an arm needs the same arm's round before and nothing of other arms, but for the judge. So a run that was
interrupted goes on where it stopped, and what a process holds in memory is a round and the window of its logs.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from funnel import schema
from funnel.metrics.catalogue import rows as measured
from funnel.scenario.exam import Exam
from funnel.scenario.facts import costs
from funnel.scenario.jobs import Job, done, examining, training
from funnel.scenario.memory import Memory
from funnel.scenario.rounds.served import served
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.store import Piece, Store

Failed = dict[int, dict[str, str]]
"""by place of the round and arm: why it failed"""


def plan(rounds: Rounds) -> list[Job]:
    """All jobs, in an order in which whatever a job needs comes before it."""
    nowhere = Store(Path())  # names are all that planning needs; nothing is built
    seeds = [exams(rounds, seed, nowhere) for seed in range(rounds.seeds)]
    return [job for place in range(rounds.count) for job in _of_round(place, [found[place] for found in seeds])]


def _of_round(place: int, found: list[Exam]) -> Iterator[Job]:
    alone = [{place: exam} for exam in found]
    for job in (*training(alone), *examining(alone)):
        yield replace(job, where=f"round {place + 1}")


def exams(rounds: Rounds, seed: int, store: Store, device: str = "cpu", until: int | None = None) -> dict[int, Exam]:
    """The exam of every round under one seed, by its place; those up to `until` if said."""
    memory, found = Memory(), dict[int, Exam]()
    for place, scenario in enumerate(rounds.rounds[: None if until is None else until + 1]):
        found[place] = Exam(scenario, seed, store, device, memory, found.get(place - 1))
    return found


def execute(rounds: Rounds, job: Job, store: Store, device: str = "cpu") -> dict[str, str]:
    """Makes sure that what the job is for stands in the store; models are trained on `device`.

    Returns:
        By arm and round that the run can do without, why it cannot be made.

    Raises:
        ArmError: an arm of the verdict cannot be made.
    """
    return {
        f"{arm} in round {place + 1}": why
        for place, arms in _attempted(rounds, job, store, device).items()
        for arm, why in arms.items()
    }


def _attempted(rounds: Rounds, job: Job, store: Store, device: str) -> Failed:
    return done(store, exams(rounds, job.seed, store, device, max(job.points)), job, round_piece)


def round_piece(exam: Exam, name: str) -> Piece:
    """The measures of one arm in one round."""
    lab = exam.labs[name]

    def build(folder: Path) -> None:
        ledger = exam.ledger(lab)
        rows, _ = measured(ledger, exam.seed, "")
        found = [rows, costs(lab, ledger, exam.seed), served(lab, exam.value)]
        pl.concat(found).write_parquet(folder / "rows.parquet")

    return Piece("round", exam.look(name) | {"logs": [one.name for one in lab.trained_on]}, build)


def collect(rounds: Rounds, store: Store, device: str = "cpu") -> tuple[pl.DataFrame, Failed]:
    """`schema.POINT_ROWS` of all arms, the point being the place of the round, and why arms that failed did."""
    failed: Failed = {}
    jobs = [job for job in plan(rounds) if job.kind == "rows"]  # which need everything else
    for job in jobs:
        for place, arms in _attempted(rounds, job, store, device).items():
            failed[place] = arms | failed.get(place, {})
    by_seed = [exams(rounds, seed, store, device) for seed in range(rounds.seeds)]
    tables = [
        _read(store.ensure(round_piece(exam, arm)), place, arm)
        for found in by_seed
        for place, exam in found.items()
        for arm in exam.labs
        if arm not in failed.get(place, {})
    ]
    rows = pl.concat(tables).select(list(schema.POINT_ROWS)).sort("point", "seed", maintain_order=True)
    return schema.check(rows, schema.POINT_ROWS, "rows"), failed


def _read(folder: Path, place: int, arm: str) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "rows.parquet")
    return rows.with_columns(point=pl.lit(place, pl.Int64), arm=pl.lit(arm))
