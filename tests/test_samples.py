"""The sample: what single requests went through, and weights that can be changed afterwards."""

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.candidates import Requests
from funnel.formula import combined
from funnel.metrics import samples
from funnel.metrics.samples import REQUESTS, contributions, sample, weighed
from funnel.tasks import Formula
from tests import ledgers, runs

USERS = Requests(np.arange(40) + 1_000, np.arange(40) + 7)


@pytest.fixture(scope="module")
def ledger():
    return runs.ledger(0, runs.PLAIN["both"])


@pytest.fixture(scope="module")
def table(ledger):
    return sample(ledger, "both", USERS, 2 * ledger.friend)


def test_the_first_requests_have_all_their_rows(ledger, table):
    assert table["request"].unique().sort().to_list() == [1_000 + n for n in range(REQUESTS)]
    assert table.height == ledger.rows.offsets[REQUESTS] == samples.sampled(ledger)
    assert (table["user"] == table["request"] - 993).all()
    assert (table["bubble_count"] == 2 * table["friend"].cast(pl.Int8)).all()


def test_a_ledger_of_few_requests_is_its_own_sample():
    few = ledgers.random(np.random.default_rng(0), requests=3)
    users = Requests(np.arange(3), np.arange(3))
    assert sample(few, "", users, np.zeros(len(few.rows))).height == len(few.rows)


def test_ranks_are_those_of_the_cut(table):
    assert table.filter("early").select((pl.col("early_rank") <= 10).all()).item()
    assert table.filter("slate").select((pl.col("late_rank") <= runs.SLATE).all()).item()
    assert table.filter(~pl.col("retrieved"))["early_rank"].null_count() == table.filter(~pl.col("retrieved")).height
    assert table.filter("early")["late_rank"].null_count() == 0
    first = (
        table.filter("retrieved").sort("request", "early_score", descending=[False, True]).group_by("request").first()
    )
    assert (first["early_rank"] == 1).all()


def test_the_formula_over_contributions_is_the_score_bit_for_bit(ledger, table):
    formulas = {stage: runs.formula(True) for stage in ("early", "late")}
    found = contributions(ledger, "both", USERS, formulas, {"early": True, "late": True})
    assert found.height == 4 * table.height  # two stages, two tasks
    for stage, formula in formulas.items():
        own = found.filter(stage=stage).partition_by("task", as_dict=True)
        again = weighed(formula, {task: part["value"].to_numpy() for (task,), part in own.items()})
        assert np.array_equal(again, table[f"{stage}_score"].to_numpy())
    lacking = found.filter(task="bubble_engage").join(table.filter(~pl.col("friend")), on=["request", "item"])
    assert lacking["value"].max() == 0


def test_another_weight_gives_the_score_of_another_formula(ledger):
    found = contributions(ledger, "both", USERS, {"late": runs.formula(True)}, {"late": True})
    values = {task: part["value"].to_numpy() for (task,), part in found.partition_by("task", as_dict=True).items()}
    heavier = Formula(formula={"like": 2.0, "bubble_engage": 30.0})
    rows = slice(0, samples.sampled(ledger))
    means = {task: mean[rows] for task, mean in ledger.predicted["late"].items()}
    assert np.array_equal(weighed(heavier, values), combined(heavier, means, ledger.friend[rows]))


def test_a_task_that_the_stage_does_not_predict_is_left_out():
    values = {"like": np.array([0.5], np.float32)}
    assert weighed(Formula(formula={"like": 2.0, "share": 9.0}), values).tolist() == [1.0]


@pytest.mark.parametrize(
    "formula", [Formula(formula={"like": 1.0, "bubble_engage": 1.0}, combine="product"), Formula(formula={"like": 3.0})]
)
def test_a_stage_that_sorts_by_something_else_has_no_contributions(ledger, formula):
    formulas = {"early": runs.formula(True), "late": formula}
    found = contributions(ledger, "both", USERS, formulas, {"early": True, "late": True})
    assert found["stage"].unique().to_list() == ["early"]
    none = contributions(ledger, "both", USERS, {"late": formula}, {"late": True})
    assert none.is_empty() and dict(none.schema) == schema.CONTRIBUTIONS
