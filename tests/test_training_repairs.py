"""Every repair by training as an arm of a tiny funnel: what is trained for it, on what, and what it then serves."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnel.scenario.exam import Exam
from funnel.scenario.facts import facts
from funnel.scenario.file import load
from funnel.scenario.pieces import plan
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from funnel.training.ranker import Ranker
from tests.worlds import SMALL_FUNNEL

REPAIRS = {
    "pointwise": "stages.early.distil={kind='pointwise'}",
    "listwise": "stages.early.distil={kind='listwise'}",
    "pairwise": "stages.early.distil={kind='pairwise'}",
    "pselect": "stages.early.distil={kind='pselect'}",
    "privileged": "stages.early.privileged={}",
    "negatives": "stages.early.train.negatives=['early', 'late']",
    "cascade": "stages.cascade={}",
}
OWN = {"pointwise", "listwise", "pairwise", "pselect", "cascade"}
"""those whose early stage sorts by a score of its own"""


def scenario(*more: str):
    arms = [text for name, patch in REPAIRS.items() for text in (f"arms.{name}.at=['late']", f"arms.{name}.{patch}")]
    return load(Path("scenarios/quickstart.toml"), seeds=1, assignments=[*SMALL_FUNNEL, *arms, *more])


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def exam(store) -> Exam:
    return Exam(scenario(), 0, store)


def test_all_are_trained_on_one_log(exam):
    assert len({lab.traffic_piece.name for lab in exam.labs.values()}) == 1
    assert len({lab.arm_towers.name for lab in exam.labs.values()}) == 1


def test_every_repair_has_an_early_ranker_of_its_own_and_all_but_the_cascade_the_late_one(exam):
    early, late = ({name: exam.labs[name].arm_ranker(stage).name for name in REPAIRS} for stage in STAGES)
    assert len({*early.values(), exam.labs["late_only"].arm_ranker("early").name}) == len(REPAIRS) + 1
    proposal = exam.labs["late_only"].arm_ranker("late").name
    assert [name for name in REPAIRS if late[name] != proposal] == ["cascade"]


def test_late_rankers_are_planned_before_those_that_learn_from_them(exam):
    jobs = [(job.stage, arm) for job in plan(exam.scenario) if job.kind == "ranker" for arm in job.arms]
    taught = min(place for place, (stage, arm) in enumerate(jobs) if stage == "early" and arm in REPAIRS)
    assert max(place for place, (stage, _) in enumerate(jobs) if stage == "late") < taught


def test_another_late_formula_is_another_lesson(exam, store):
    """What is distilled is the score and not the ranker, so its weights are part of what a student learns."""
    weighed = Exam(
        scenario("arms.pairwise.stages.late.formula.like=9.0", "arms.cascade.stages.late.formula.like=9.0"), 0, store
    )
    for name, moved in (("pairwise", True), ("cascade", True), ("listwise", False)):
        names = [one.labs[name].arm_ranker("early").name for one in (exam, weighed)]
        assert (names[0] != names[1]) == moved


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_serves_what_its_ledger_says(exam, name):
    lab = exam.labs[name]
    ledger = exam.ledger(lab)
    assert facts(lab, ledger)["ledger_equals_funnel"] == 1.0
    assert set(ledger.predicted["early"]) == set(lab.arm.stages.early.tasks)
    proposal = exam.ledger(exam.labs["late_only"])
    assert not np.array_equal(ledger.early, proposal.early)
    assert lab.arm.stages.has_own_score("early") == (name in OWN)
    assert lab.arm_rank("early").server.ranker.scores == (name in OWN)


def test_early_agrees_with_late_more_when_it_is_taught_to(exam):
    """The tiny funnel has so small a log that not every kind gets there; those that see whole scores do."""
    proposal = _agreement(exam, "late_only")
    assert all(_agreement(exam, name) > proposal for name in ("pointwise", "listwise", "pairwise"))


def _agreement(exam: Exam, name: str) -> float:
    """Mean rank correlation of early and late score over the pools."""
    ledger = exam.ledger(exam.labs[name])
    table = pl.DataFrame({"request": ledger.rows.request, "early": ledger.early_score, "late": ledger.late_score})
    ranks = table.filter(ledger.retrieved).with_columns(pl.col("early", "late").rank().over("request"))
    return ranks.group_by("request").agg(pl.corr("early", "late"))["early"].mean()


def test_the_privileged_teacher_reads_what_its_student_cannot_afford(exam, store):
    lab = exam.labs["privileged"]
    (piece,) = lab.arm_rankers.teachers("early").values()
    teacher = Ranker.load(store.ensure(piece))
    assert set(teacher.spec.features) == {*lab.arm.stages.early.features, *lab.arm.stages.late.features}
    assert teacher.spec.tasks == lab.arm.stages.early.tasks and teacher.spec.privileged is None


def test_round_0_cut_nothing_so_a_base_that_learns_from_cuts_learns_from_impressions(store):
    base = ("base.stages.early.distil={kind='pairwise'}", "base.stages.early.train.negatives=['early']")
    taught = load(Path("scenarios/quickstart.toml"), seeds=1, assignments=[*SMALL_FUNNEL, *base])
    lab = Exam(taught, 0, store).labs["baseline"]
    served = (lab.first_log,)
    rankers = lab.rankers(lab.base, served, lab.towers_piece(lab.base.towers, served, replica=0))
    (period,) = rankers.training_periods(lab.base.stages.early)
    assert len(period.log) == len(lab.log(lab.bootstrap_piece))
    assert rankers.load("early").scores
    (later,) = lab.arm_rankers.training_periods(lab.arm.stages.early)
    assert len(later.log) > len(lab.log(lab.traffic_piece))
