"""Diagnoses as part of a run: their pieces beside what serves, and what becomes of their numbers."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.metrics.intervals import t_interval
from funnel.scenario.diagnosis import collect_diagnostics, diagnosis_piece, subjects
from funnel.scenario.exam import Exam
from funnel.scenario.file import load
from funnel.scenario.flags import flags
from funnel.scenario.frontiers import frontiers
from funnel.scenario.pieces import collect, execute, plan
from funnel.scenario.reweighing import TIMES, slate_means
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from tests import runs
from tests.test_funnel import SMALL

FEW_TASKS = (
    *(text for text in SMALL if not text.startswith("arms")),
    "base.stages.early.tasks=['long_view', 'like']",
    "base.stages.early.formula={remove=['effective_view', 'hide']}",
    "base.stages.late.tasks=['long_view', 'like']",
    "base.stages.late.formula={remove=['effective_view', 'comment', 'share', 'follow', 'hide']}",
    "base.stages.late.model={experts=2, expert=[8], tower=[]}",
    "base.traffic.requests=200",
)
ASKED = ("diagnostics=true", "frontier=['long_view', 'like']")


def small(*more: str) -> Scenario:
    return load(Path("scenarios/quickstart.toml"), seeds=1, assignments=[*FEW_TASKS, *more])


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def exam(store) -> Exam:
    """All arms of a scenario that asks for everything, its jobs done."""
    scenario = small(*ASKED)
    for job in plan(scenario):
        execute(scenario, job, store)
    return Exam(scenario, 0, store)


# Pieces and jobs


def test_asking_changes_no_other_job_and_no_other_piece():
    plain, asked = small(), small(*ASKED)
    jobs = [job for job in plan(asked) if job.kind != "diagnosis"]
    assert jobs == plan(plain)
    before, after = (Exam(scenario, 0, Store(Path())) for scenario in (plain, asked))
    for arm in plain.arms:
        assert before.rows_piece(arm).name == after.rows_piece(arm).name
        for stage in ("early", "late"):
            assert before.labs[arm].arm_ranker(stage).name == after.labs[arm].arm_ranker(stage).name


def test_every_distinct_ranker_has_one_job_and_those_of_the_proposal_come_first():
    jobs = [job for job in plan(small(*ASKED)) if job.kind == "diagnosis"]
    assert [(job.stage, job.arms) for job in jobs] == [
        ("late", ("late_only", "both")),
        ("early", ("baseline", "late_only")),
        ("late", ("baseline",)),
        ("early", ("both",)),
    ]


def test_rankers_are_told_in_the_order_of_the_funnel():
    found = subjects(Exam(small(*ASKED), 0, Store(Path())))
    assert [(subject.stage, subject.arm, subject.proposal) for subject in found] == [
        ("early", "baseline", True),
        ("early", "both", False),
        ("late", "late_only", True),
        ("late", "baseline", False),
    ]


def test_a_diagnosis_has_a_name_of_its_own_for_every_ranker_and_depth():
    exam = Exam(small(*ASKED), 0, Store(Path()))
    names = {diagnosis_piece(exam, subject).name for subject in subjects(exam)}
    assert len(names) == 4
    other = Exam(small(*ASKED, "verdict.proposal=both", "verdict.reference=late_only"), 0, Store(Path()))
    early = {diagnosis_piece(other, subject).name for subject in subjects(other) if subject.stage == "early"}
    assert not early & names


def test_the_rows_of_a_run_are_the_same_with_and_without(exam, store):
    plain = collect(small(), store)
    asked = collect(exam.scenario, store)
    assert plain[3] is None
    assert plain[0]["rows"].equals(asked[0]["rows"])
    table = asked[3].rows
    assert dict(table.schema) == schema.DIAGNOSTICS
    deep = table.filter(pl.col("measure").is_in(["pair_transfer", "ablation"]))
    assert set(deep.select("arm", "stage").unique().iter_rows()) == {("late_only", "late"), ("baseline", "early")}


def test_only_the_late_ranker_of_the_proposal_is_swept_in_training_and_every_arm_in_its_formula(exam, store):
    table = collect_diagnostics(exam.scenario, store).rows
    arms = {measure: part["arm"].unique().sort().to_list() for (measure,), part in table.group_by("measure")}
    assert arms["weighted_loss"] == ["late_only"]
    assert arms["slate_mean"] == ["baseline", "both", "late_only"]


def test_at_the_formulas_own_weight_the_slate_is_the_one_that_is_served(exam):
    lab = exam.labs["late_only"]
    ledger = exam.ledger(lab)
    values = slate_means(ledger, lab.arm_rank("late"), ("long_view", "like"))
    assert [value[4] for value in values[::2]] == list(TIMES)
    served = [value[-1] for value in values if value[4] == 1.0]
    slate = {task: ledger.truth[task][ledger.slate].mean() for task in ("long_view", "like")}
    assert served == pytest.approx(list(slate.values()))
    likes = [value[-1] for value in values if value[1] == "like"]
    assert likes[-1] > likes[0]


def test_a_stage_that_cannot_weigh_the_task_is_not_swept(exam):
    lab = exam.labs["baseline"]
    assert slate_means(exam.ledger(lab), lab.arm_rank("late"), ("long_view", "bubble_engage")) == []


# Numbers


@pytest.fixture(scope="module")
def summary() -> dict:
    return runs.diagnostics().summary()


def entry(summary, table, **where) -> dict:
    found = [entry for entry in summary[table] if all(entry[name] == value for name, value in where.items())]
    assert len(found) == 1
    return found[0]


def test_an_estimate_is_the_t_interval_over_seeds(summary):
    found = entry(summary, "estimates", measure="transfer", arm="late_only", task="hide")
    expected = t_interval(np.array([-0.11, -0.1, -0.09]))
    assert [found[name] for name in ("value", "low", "high", "n")] == pytest.approx(
        [expected.value, expected.low, expected.high, 3]
    )


def test_a_curve_has_an_estimate_at_every_step(summary):
    curve = entry(summary, "series", measure="cosine", arm="late_only", task="like", other="hide")
    assert curve["steps"] == [0.0, 1.0, 2.0]
    assert curve["value"] == pytest.approx([-0.3] * 3)
    mean = entry(summary, "estimates", measure="mean_cosine", arm="late_only", task="like", other="hide")
    assert mean["value"] == pytest.approx(-0.3)


def test_a_value_that_no_seed_has_is_none():
    found = runs.diagnostics()
    lost = found.rows.with_columns(value=pl.when(pl.col("measure") == "transfer").then(None).otherwise(pl.col("value")))
    estimates = type(found)(lost, found.rankers).summary()["estimates"]
    assert {entry["n"] for entry in estimates if entry["measure"] == "transfer"} == {0}


def test_a_frontier_tells_what_is_dominated_and_its_hypervolume(summary):
    formula, other, training = summary["frontiers"]
    assert [(found["measure"], found["arm"]) for found in (formula, other, training)] == [
        ("slate_mean", "baseline"),
        ("slate_mean", "late_only"),
        ("weighted_loss", "late_only"),
    ]
    assert formula["points"] == [pytest.approx(point) for point in ([0.5, 0.1], [0.45, 0.2], [0.4, 0.15])]
    assert formula["dominated"] == [False, False, True]
    # In the box of 0.4 to 0.5 by 0.1 to 0.2 only (0.45, 0.2) is above the worst corner in both.
    assert formula["hypervolume"]["value"] == pytest.approx(0.5)
    assert training["dominated"] == [False, True, False]


def test_less_of_an_unwanted_task_is_better(summary):
    (found, _) = frontiers(
        runs.diagnostics().rows.filter(pl.col("measure") == "slate_mean"), ("long_view", "like"), frozenset({"like"})
    )
    assert found["dominated"] == [False, True, True]


# Flags


def told(summary, kind: str) -> list[str]:
    return [flag["sentence"] for flag in summary["flags"] if flag["kind"] == kind and flag["arm"] == "late_only"]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            "sinks",
            "`hide` is 10.0 % worse off in the late ranker of `late_only` than with a network of its own (95 % "
            "interval 7.5 to 12.5 %, 3 seeds): take the task out, or give it experts of its own.",
        ),
        (
            "conflict",
            "On the shared parameters of the late ranker of `late_only`, gradients oppose each other for most of "
            "training: `long_view` and `hide` (at 100 % of the recorded steps, mean cosine -0.30) and `like` and "
            "`hide` (at 100 % of the recorded steps, mean cosine -0.30).",
        ),
        (
            "collapse",
            "Gates of the late ranker of `late_only` have collapsed (experts): one expert takes all of `long_view` "
            "(shared 1, 95.0 %), `like` (shared 1, 95.0 %) and `hide` (shared 1, 95.0 %).",
        ),
        (
            "no specialisation",
            "Tasks do not specialise in the late ranker of `late_only` (experts): no two gates differ by more than "
            "2.0 % of their weight, so one mixture would serve all tasks.",
        ),
        (
            "rises",
            "The late ranker of `late_only` overfits: the held-out loss rises for `long_view` (by 66.7 % after epoch "
            "2), `like` (by 66.7 % after epoch 2) and `hide` (by 66.7 % after epoch 2).",
        ),
        (
            "better without",
            "The late ranker of `late_only` is better off without `hide`: the held-out loss falls for `long_view` by "
            "4.0 % and `like` by 4.0 %.",
        ),
    ],
)
def test_a_flag_says_what_was_found(summary, kind, sentence):
    assert told(summary, kind) == [sentence]


def test_gradients_that_hardly_oppose_each_other_are_no_conflict():
    names = {"arm": "a", "stage": "late", "task": "like", "other": "hide", "part": "", "n": 3}
    curve = names | {"measure": "cosine", "steps": [0.0, 1.0, 2.0]}
    mean = names | {"measure": "mean_cosine"}
    hardly = flags([mean | {"value": -0.01, "low": -0.012, "high": -0.008}], [curve | {"value": [-0.01] * 3}])
    seldom = flags([mean | {"value": -0.2, "low": -0.3, "high": -0.1}], [curve | {"value": [-0.8, 0.1, 0.1]}])
    clearly = flags([mean | {"value": -0.2, "low": -0.3, "high": -0.1}], [curve | {"value": [-0.8, -0.1, 0.3]}])
    assert (hardly, seldom, [flag["kind"] for flag in clearly]) == ([], [], ["conflict"])


def test_a_loss_that_only_stops_falling_is_named_as_such():
    curve = {"measure": "loss", "arm": "a", "stage": "late", "task": "like", "other": "", "part": "held out"}
    found = flags([], [curve | {"value": [0.5, 0.4, 0.4001]}])
    assert [flag["sentence"] for flag in found] == [
        "In the late ranker of `a` the held-out loss stops falling before training ends for `like` (after epoch 2)."
    ]
    assert flags([], [curve | {"value": [0.5, 0.4, 0.39]}]) == []


def test_one_seed_raises_no_flag_that_needs_an_interval():
    kinds = {flag["kind"] for flag in runs.diagnostics(seeds=1).summary()["flags"]}
    assert kinds == {"collapse", "no specialisation", "rises"}


def test_an_interval_that_reaches_the_threshold_raises_no_flag():
    found = {"measure": "transfer", "arm": "a", "stage": "late", "task": "like", "other": "", "part": "", "n": 3}
    assert flags([found | {"value": -0.08, "low": -0.12, "high": -0.04}], []) == []
    assert len(flags([found | {"value": -0.08, "low": -0.1, "high": -0.06}], [])) == 1
