"""The whole thing at tiny size: laws that must hold in every run, whatever was learnt."""

import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from distributed import LocalCluster
from scipy.stats import multivariate_normal, norm

from funnel.candidates import Requests, from_pairs
from funnel.errors import DataError, StageError
from funnel.scenario import harness
from funnel.scenario.checks import LAWS, Run, check
from funnel.scenario.exam import Exam
from funnel.scenario.executors import Executor
from funnel.scenario.file import load
from funnel.scenario.pieces import collect, execute, plan
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.stages.rank import Given, Rank, Stage
from funnel.stages.runner import rank, uncut
from funnel.stages.spec import RankSpec
from funnel.world.bubbles import Bubbles, none

SMALL = (
    "base.world={users=500, items=800, creators=60, dims=8, communities=8}",
    "base.traffic={bootstrap_requests=300, requests=400}",
    "base.retrieval.sources={nearest={budget=120}, friends={budget=40}, popular={budget=20}, fresh={budget=10}}",
    "base.stages.early.keep=30",
    "base.stages.early.train.batch=256",
    "base.stages.late.keep=5",
    "base.stages.late.train.batch=256",
    "base.evaluation.requests=60",
    "arms.baseline_2k.stages.early.keep=60",
    "arms.late_only_2k.stages.early.keep=60",
)


def small(*more: str, name: str = "bubble_late_only", seeds: int = 1) -> Scenario:
    assignments = [text for text in SMALL if name == "bubble_late_only" or not text.startswith("arms")]
    return load(Path("scenarios") / f"{name}.toml", seeds=seeds, assignments=[*assignments, *more])


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def exam(store) -> Exam:
    scenario = small()
    for job in plan(scenario):
        execute(scenario, job, store)
    return Exam(scenario, 0, store)


@pytest.fixture(scope="module")
def ledgers(exam) -> dict:
    return {name: exam.ledger(lab) for name, lab in exam.labs.items()}


def _value(exam: Exam, **where: str) -> dict[str, float]:
    rows = collect(exam.scenario, exam.store)[0]["rows"].filter(**where)
    return dict(zip(rows["arm"], rows["value"], strict=True))


def test_baseline_and_late_only_let_the_same_candidates_through_early(ledgers):
    assert np.array_equal(ledgers["baseline"].early, ledgers["late_only"].early)
    assert not np.array_equal(ledgers["both"].early, ledgers["late_only"].early)


def test_with_early_keep_at_the_pool_late_only_is_both(store):
    scenario = small(
        "base.stages.early.keep=190",
        "arms.baseline_2k.stages.early.keep=180",
        "arms.late_only_2k.stages.early.keep=180",
    )
    exam = Exam(scenario, 0, store)
    late_only, both = (exam.ledger(exam.labs[name]) for name in ("late_only", "both"))
    assert np.array_equal(late_only.early, late_only.retrieved) and np.array_equal(both.early, both.retrieved)
    assert np.array_equal(late_only.slate, both.slate)


def test_twice_the_keep_lets_through_all_that_was_let_through(ledgers):
    assert (ledgers["late_only_2k"].early >= ledgers["late_only"].early).all()
    assert ledgers["late_only_2k"].early.sum() == 2 * ledgers["late_only"].early.sum()


def test_every_arm_meets_the_same_oracle_pool_and_truth(ledgers):
    first = ledgers["baseline"]
    for ledger in ledgers.values():
        for name in ("oracle", "retrieved", "value", "friend", "reference_score"):
            assert np.array_equal(getattr(ledger, name), getattr(first, name))


def test_an_item_meets_the_same_fate_in_every_arm_that_shows_it_in_the_same_place(ledgers):
    one, other = ledgers["baseline"].labels["long_view"], ledgers["both"].labels["long_view"]
    shown = ~np.isnan(one) & ~np.isnan(other)
    assert shown.sum() > 20
    # Another place in the slate shifts the probability a little, never the draw.
    assert (one[shown] != other[shown]).mean() < 0.1


def test_the_ledger_is_what_the_funnel_serves(exam):
    _, facts, *_ = collect(exam.scenario, exam.store)
    assert [facts[arm]["0"]["ledger_equals_funnel"] for arm in exam.scenario.arms] == [1.0] * 5


def test_the_waterfall_adds_up_in_a_real_run(exam):
    rows = collect(exam.scenario, exam.store)[0]["rows"].filter(measure="waterfall")
    assert rows.group_by("arm").agg(pl.col("value").sum())["value"].to_list() == pytest.approx([1.0] * 5)


def test_a_real_run_obeys_its_laws_and_lets_weights_be_changed(exam):
    tables, facts, *_ = collect(exam.scenario, exam.store)
    laws = check(Run(exam.scenario, tables, facts))
    assert {law["name"]: law["found"] for law in laws if not law["holds"]} == {}
    assert [law["name"] for law in laws] == [law.__name__ for law in LAWS]
    three = ("late_only", "both", "baseline")
    stored = set(tables["contributions"].select("arm", "stage").unique().iter_rows())
    assert stored == {(arm, stage) for arm in three for stage in ("early", "late")}
    assert tables["sample"]["arm"].unique(maintain_order=True).to_list() == list(exam.scenario.arms)
    assert (tables["sample"]["friend"] == (tables["sample"]["bubble_count"] > 0)).all()


def test_baseline_loses_no_more_than_the_same_early_stage(exam):
    lost = _value(exam, measure="lost", slice="all")
    assert lost["baseline"] == lost["late_only"] and lost["late_only_2k"] <= lost["late_only"]


def test_weights_and_keep_retrain_nothing(exam, store):
    changed = Exam(small("arms.both.stages.late.formula.like=3.0", "arms.both.stages.early.keep=20"), 0, store)
    for stage in ("early", "late"):
        assert changed.labs["both"].arm_ranker(stage).name == exam.labs["both"].arm_ranker(stage).name
    assert changed.rows_piece("both").name != exam.rows_piece("both").name


@pytest.mark.parametrize(
    "formula",
    [
        "arms.late_only.stages.late.formula={long_view=0.2, like=-3.0, bubble_engage=2.0}",
        "arms.late_only.stages.late.combine=product",
        "arms.late_only.stages.early={formula={hide=-0.1}, combine='product'}",
    ],
    ids=["weights", "product", "early"],
)
def test_another_formula_asks_for_no_training_and_for_another_ranking(exam, store, formula):
    changed = Exam(small(formula), 0, store)
    before, after = ([job for job in plan(one.scenario) if job.kind == "ranker"] for one in (exam, changed))
    assert after == before
    for name, lab in changed.labs.items():
        for stage in ("early", "late"):
            assert lab.arm_ranker(stage).name == exam.labs[name].arm_ranker(stage).name
    assert changed.rows_piece("late_only").name != exam.rows_piece("late_only").name
    assert changed.rows_piece("baseline").name == exam.rows_piece("baseline").name


def test_the_device_is_handed_to_every_training_and_names_its_pieces(exam, store, monkeypatch):
    asked = []

    def record(*arguments):
        asked.append(arguments[3])
        raise DataError("enough")

    monkeypatch.setattr("funnel.scenario.lab.train_towers", record)
    other = Exam(exam.scenario, 0, store, device="meta")
    with pytest.raises(DataError, match=r"^enough$"):
        store.ensure(other.labs["both"].arm_towers)
    assert asked == ["meta"]
    assert other.labs["both"].arm_ranker("late").name != exam.labs["both"].arm_ranker("late").name


def test_arms_share_what_they_have_in_common(exam):
    kinds = pl.DataFrame([(job.kind, job.stage) for job in plan(exam.scenario)], schema=["kind", "stage"], orient="row")
    counted = {(kind, stage): n for kind, stage, n in kinds.group_by("kind", "stage").len().iter_rows()}
    assert counted == {
        ("traffic", ""): 1,
        ("towers", ""): 1,
        ("ranker", "early"): 2,
        ("ranker", "late"): 2,
        ("oracle", ""): 1,
        ("rows", ""): 2,
    }


def test_a_feature_or_task_only_change_runs_too(store):
    for name in ("bubble_feature_only", "bubble_task_only", "bubble_early_only", "bubble_weak_cue"):
        scenario = small(name=name)
        for job in plan(scenario):
            execute(scenario, job, store)
        rows = collect(scenario, store)[0]["rows"]
        assert (
            set(rows["arm"]) == set(scenario.arms)
            and rows.filter(measure="value", slice="all")["value"].null_count() == 0
        )


@pytest.mark.parametrize(
    ("name", "arm", "task"), [("cvr_late_only", "late_esmm", "conversion"), ("clickbait", "watch_only", "long_view")]
)
def test_a_scenario_of_many_objectives_tells_what_its_rankers_know_of_what_was_not_shown(store, name, arm, task):
    scenario = small(name=name)
    for job in plan(scenario):
        execute(scenario, job, store)
    rows = collect(scenario, store)[0]["rows"].filter(arm=arm, stage="late", task=task)
    for measure in ("auc", "ranker_calibration", "ranker_error"):
        assert {"impressed", "unselected"} <= set(rows.filter(pl.col("measure") == measure)["slice"])
    chained = rows.filter(pl.col("measure") == "joint")
    selected = dict(rows.filter(pl.col("measure") == "selection").select("slice", "value").iter_rows())
    assert not selected or selected["met"] > selected["impressed"] > selected["unselected"]
    assert len(selected) == 3 * (task == "conversion")
    assert chained.height == (task == "conversion") and (chained["value"] > 0).all()


def _tables(folder: Path) -> list[pl.DataFrame]:
    names = ("rows", "request_rows", "deaths")
    return [pl.read_parquet(folder / f"{name}.parquet") for name in names]


def test_one_worker_and_two_give_the_same_bits_and_the_library_face_works(tmp_path):
    scenario = small(name="quickstart", seeds=2)
    folders = [
        harness.run(scenario, Executor(workers=n), data=tmp_path / f"data{n}", reports=tmp_path / f"reports{n}")
        for n in (1, 2)
    ]
    one, two = (_tables(folder) for folder in folders)
    assert all(a.equals(b) for a, b in zip(one, two, strict=True))


def _kill_one(cluster: LocalCluster, data: Path) -> None:
    """Kills a worker process once the run has begun to build."""
    while not list(data.glob("world/*")):
        time.sleep(0.05)
    os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)


def test_a_dask_cluster_that_loses_a_worker_in_mid_run_gives_the_same_rows(tmp_path):
    scenario = small(name="quickstart", seeds=2)
    alone = harness.run(scenario, Executor(workers=1), data=tmp_path / "alone", reports=tmp_path / "a")
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        killer = threading.Thread(target=_kill_one, args=(cluster, tmp_path / "together"), daemon=True)
        killer.start()
        executor = Executor("dask", scheduler=cluster.scheduler_address)
        together = harness.run(scenario, executor, data=tmp_path / "together", reports=tmp_path / "b")
        killer.join(timeout=5)
    assert not killer.is_alive()
    assert all(a.equals(b) for a, b in zip(_tables(alone), _tables(together), strict=True))


def test_late_top_items_survive_an_early_cut_as_the_closed_form_says():
    """Jointly normal early and late scores: of the late top n the share Phi2(-x, -y; rho) / (n / C) survives."""
    requests, pool_size, keep, slate, rho = 400, 300, 60, 12, 0.6
    random = np.random.default_rng(0)
    late = random.standard_normal((requests, pool_size))
    early = rho * late + np.sqrt(1 - rho**2) * random.standard_normal(late.shape)
    row, item = np.repeat(np.arange(requests), pool_size), np.tile(np.arange(pool_size), requests)
    pool = from_pairs(row, item, np.ones(len(row), np.int64), requests, pool_size)
    stages = (
        Given("early", keep, pool.scored(early.ravel()), pool_size),
        Given("late", slate, pool.scored(late.ravel()), pool_size),
    )
    trace = rank(stages, Requests(np.arange(requests), np.arange(requests)), uncut(pool), none(requests, pool_size))
    alone = Given("late", slate, pool.scored(late.ravel()), pool_size)(
        Requests(np.arange(requests), row[:requests]), pool, None
    )
    survived = trace["early"].kept[alone.kept].mean()
    x, y = norm.ppf(1 - keep / pool_size), norm.ppf(1 - slate / pool_size)
    closed = multivariate_normal.cdf([-x, -y], cov=[[1, rho], [rho, 1]]) / (slate / pool_size)
    assert survived == pytest.approx(closed, abs=0.02)
    assert trace["late"].after.counts.tolist() == [slate] * requests


def test_a_selected_score_overpredicts_as_the_closed_form_says():
    """The winner's curse: of the top f by a prediction of noise s it is above the truth by s^2/sqrt(1+s^2) phi(z)/f."""
    size, keep, noise = 200_000, 20_000, 0.8
    random = np.random.default_rng(1)
    truth = random.standard_normal(size)
    predicted = truth + noise * random.standard_normal(size)
    pool = from_pairs(np.zeros(size, np.int64), np.arange(size), np.ones(size, np.int64), 1, size)
    stage = Given("early", keep, pool.scored(predicted), size)
    kept = stage(Requests(np.zeros(1, np.int64), np.zeros(1, np.int64)), pool, none(1, size)).kept
    share = keep / size
    closed = noise**2 / np.sqrt(1 + noise**2) * norm.pdf(norm.ppf(1 - share)) / share
    assert (predicted[kept] - truth[kept]).mean() == pytest.approx(closed, rel=0.02)


@pytest.mark.parametrize(
    ("sees", "tasks", "expected"),
    [
        (True, ("bubble_tap",), [0.6, 0.0]),
        (False, ("bubble_tap",), [0.6, 1.2]),
        (False, ("bubble", "bubble_tap"), [0.06, 1.08]),
    ],
    ids=["seen", "taken for granted", "predicted"],
)
def test_a_stage_weighs_a_bubble_task_by_what_it_knows_of_bubbles(sees, tasks, expected):
    spec = RankSpec(features=("age",), tasks=tasks, formula={"bubble_tap": 2.0}, keep=1)
    stage = Rank("early", spec, SimpleNamespace(needs_bubbles=sees, observed=None), {})
    predicted = {"bubble_tap": np.array([0.3, 0.6], np.float32), "bubble": np.array([0.1, 0.9], np.float32)}
    pair = from_pairs(np.zeros(2, np.int64), np.array([3, 7]), np.ones(2, np.int64), 1, 10)
    one = Bubbles(np.array([0, 1]), np.array([3]), np.zeros((1, 3), np.int64), np.zeros((1, 3), bool), np.ones(1), 10)
    score = stage.formula({task: predicted[task] for task in tasks}, pair, one)
    assert score == pytest.approx(expected)


class Broken(Stage):
    """A stage whose model has diverged."""

    def score(self, requests, candidates, bubbles):
        return np.full(len(candidates), np.inf)


def _single(item: int):
    return from_pairs(np.zeros(1, np.int64), np.array([item]), np.ones(1, np.int64), 1, 10)


def test_a_stage_names_itself_and_the_request_when_a_score_is_not_finite():
    with pytest.raises(StageError) as error:
        Broken("early", 1)(Requests(np.array([31]), np.array([0])), _single(7), none(1, 10))
    assert str(error.value) == "Stage `early`: scores should be finite. Found inf for item 7 of request 31."


def test_given_scores_must_be_finite_and_cover_what_is_asked():
    with pytest.raises(DataError) as broken:
        Given("early", 1, _single(7).scored(np.array([np.nan])), 10)
    assert str(broken.value) == "Candidates: scores should be finite. Found nan for item 7 in request row 0."
    with pytest.raises(StageError) as missing:
        Given("early", 1, _single(7), 10)(Requests(np.array([31]), np.array([0])), _single(3), none(1, 10))
    assert str(missing.value) == (
        "Stage `early`: every candidate should have a given score. Found none for item 3 of request 31."
    )
