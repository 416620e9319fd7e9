"""The numbers of the what-if tab: the definitions of the metrics, and what a pool keeps of the tables."""

import json

import numpy as np
import polars as pl
import pytest

from funnel.metrics.recall import lost, recall
from funnel.metrics.value import value
from funnel.report import page
from funnel.report.whatif import packing
from funnel.report.whatif.measures import Setting, own, scores, whatif
from funnel.report.whatif.packing import embedded, packed
from funnel.report.whatif.pool import Part, sorts_by_score_alone, weighed
from tests import runs, trials
from tests.pages import Tree


@pytest.fixture(scope="module")
def trial():
    return trials.trial("both", seed=3)


def test_the_runs_own_setting_gives_the_metrics_of_the_run(trial):
    found, ledger = whatif(trial.pool, own(trial.pool)), trial.ledger
    measured = {(one.stage, one.slice): one.value for one in recall(ledger)}
    cut = {one.slice: one.value for one in lost(ledger)}
    assert found["recall_early"].value == pytest.approx(measured["early", "all"])
    assert found["recall_late"].value == pytest.approx(measured["late", "all"])
    assert found["recall_friend"].value == pytest.approx(measured["late", "friend"])
    assert (found["lost"].value, found["lost_friend"].value) == pytest.approx((cut["all"], cut["friend"]))
    assert found["value"].value == pytest.approx(value(ledger)[0].value)
    assert found["scored"].value == ledger.keep
    assert sorts_by_score_alone(trial.pool, trial.sample)


@pytest.mark.parametrize(("keep", "slate_size"), [(5, 4), (20, 4), (12, 8)])
def test_another_budget_gives_the_metrics_of_a_run_with_that_budget(keep, slate_size):
    trial = trials.trial("both", seed=4)
    other = trials.trial("both", seed=4, keep=keep, slate_size=slate_size).ledger
    found = whatif(trial.pool, Setting(keep, slate_size))
    assert found["value"].value == pytest.approx(value(other)[0].value)
    # What the reference ranks top keeps the size of the run's slate.
    expected = lost(trials.trial("both", seed=4, keep=keep).ledger)[0].value
    assert found["lost"].value == pytest.approx(expected)


def test_another_weight_gives_nearly_the_score_of_a_formula_with_that_weight(trial):
    for stage in ("early", "late"):
        there = trial.pool.columns[f"{stage}_score"] + (2.5 - trial.pool.formulas[stage]["like"]) * trial.means["like"]
        assert scores(trial.pool, stage, {"like": 2.5}) == pytest.approx(there, abs=1e-3)
    assert np.array_equal(scores(trial.pool, "late", {}), trial.pool.columns["late_score"])


def test_a_weight_applies_only_where_the_task_is_predicted():
    pool = trials.trial("late_only", seed=3).pool
    assert "bubble_engage" not in pool.parts["early"]
    assert np.array_equal(scores(pool, "early", {"bubble_engage": 9.0}), pool.columns["early_score"])
    assert not np.array_equal(scores(pool, "late", {"bubble_engage": 9.0}), pool.columns["late_score"])


def test_a_part_is_within_half_a_step_of_its_values():
    values = np.random.default_rng(0).gamma(0.3, size=1000).astype(np.float32)
    part = Part.of(values)
    assert np.abs(part.values - values).max() <= 0.5001 * part.step
    assert part.step == pytest.approx(float(values.max()) / (2**16 - 1))
    assert len(Part.of(np.zeros(0, np.float32)).values) == 0


def test_other_rules_of_admission_are_noticed(trial):
    by_quota = trial.sample.with_columns(early=pl.col("early") | (pl.col("retrieved") & (pl.col("item") == 0)))
    assert not sorts_by_score_alone(trial.pool, by_quota)


def test_tasks_of_both_formulas_stand_once_in_their_order():
    assert weighed({"early": {"a": 1.0, "b": 2.0}, "late": {"c": 0.5, "a": 1.0}}) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("arms", "told"),
    [
        (["late_only"], "Not offered, since more than a score decides who comes through: late_only."),
        (
            ["late_only", "both", "baseline"],
            "Nothing can be tried here: in late_only, both, baseline more than a score",
        ),
    ],
)
def test_an_arm_that_admits_by_more_than_its_score_is_not_offered(tmp_path, arms, told):
    folder = runs.write(tmp_path / "quota", seeds=2)
    table = pl.read_parquet(folder / "sample.parquet")
    other = pl.col("arm").is_in(arms) & pl.col("retrieved") & (pl.col("early_rank") == 30)
    late_rank = pl.when(other).then(pl.lit(11, pl.Int32)).otherwise("late_rank")
    table.with_columns(early=pl.col("early") | other, late_rank=late_rank).write_parquet(folder / "sample.parquet")
    tree = Tree(page.build(folder).read_text())
    assert told in tree.text
    assert ("what-if-data" in tree.ids) == (len(arms) < 3)


def test_a_column_that_arms_share_is_carried_once():
    pools = [trials.trial(arm, seed=3).pool for arm in ("late_only", "both")]
    table = json.loads(packed(pools))
    first, second = table["arms"]
    for name in ("offsets", "item", "retrieved", "oracle", "friend", "value", "reference_score", "late_score"):
        assert first[name] == second[name]
    assert first["early_score"] != second["early_score"]
    assert len({column["data"] for column in table["columns"]}) == len(table["columns"])


def test_a_sample_that_is_too_large_is_cut_to_the_requests_that_fit(trial, monkeypatch):
    whole = packed([trial.pool])
    monkeypatch.setattr(packing, "LIMIT", len(whole) // 2)
    part = packed([trial.pool])
    assert len(part) <= len(whole) // 2
    arm = json.loads(part)["arms"][0]
    count = arm["own"]["scored"][1]
    some = trial.pool.first(count)
    assert 1 < count < trial.pool.rows.requests
    assert arm["own"]["value"] == [whatif(some, own(some))["value"].above, 4 * count]
    monkeypatch.setattr(packing, "LIMIT", 1)
    assert json.loads(packed([trial.pool]))["arms"][0]["own"]["scored"][1] == 1


def test_no_text_of_the_data_ends_its_script():
    assert "<" not in embedded(json.dumps({"name": "</script>"}))
