"""Laws checked in a run: all hold in a sound one, and each is seen to be broken where its numbers are."""

import polars as pl
import pytest

from funnel.scenario.checks import LAWS, Run, check
from tests import runs

WHERE = {
    "waterfall": pl.col("stage") == "early",
    "regret": pl.col("stage") == "late",
    "terminal": pl.col("stage") == "shown",
    "recall": pl.col("stage") == "late",
}
"""which rows of a measure are spoilt"""


@pytest.fixture(scope="module")
def run():
    return Run(runs.scenario(), runs.tables(), runs.facts())


def spoilt(run, table, **changes):
    """The run with columns of one table replaced."""
    return Run(run.scenario, run.tables | {table: run.tables[table].with_columns(**changes)}, run.facts)


def of_measure(name, arm=None):
    """Adds a half to a measure, in one arm or in all."""
    rows = (pl.col("measure") == name) & WHERE.get(name, pl.lit(True))
    rows = rows & (pl.col("arm") == arm) if arm else rows
    return pl.when(rows).then(pl.col("value") + 0.5).otherwise(pl.col("value"))


def broken(run):
    return {law["name"] for law in check(run) if not law["holds"]}


def test_all_laws_hold_in_a_sound_run_and_say_what_they_found(run):
    found = check(run)
    assert [law["name"] for law in found] == [law.__name__ for law in LAWS]
    assert all(law["holds"] for law in found)
    assert all(law["statement"].endswith(".") and law["found"] for law in found)
    told = {law["name"]: law["found"] for law in found}
    assert told["ledger_is_served"] == "the same in 15 of 15 runs of an arm under a seed"
    assert told["one_oracle"] == "0 differences in 3 groups of arms under one seed"
    assert told["more_budget_loses_less"] == "0 rises in 90 steps over arms and seeds"


@pytest.mark.parametrize(
    ("measure", "law"),
    [
        ("waterfall", "waterfall_adds_up"),
        ("terminal", "fates_add_up"),
        ("regret", "regret_adds_up"),
        ("recall", "recall_falls"),
    ],
)
def test_a_spoilt_measure_breaks_its_law(run, measure, law):
    assert law in broken(spoilt(run, "rows", value=of_measure(measure)))


def test_an_arm_with_an_oracle_of_its_own_is_found(run):
    own = (
        pl.when((pl.col("measure") == "share") & (pl.col("stage") == "oracle") & (pl.col("arm") == "both"))
        .then(pl.col("value") + 1e-9)
        .otherwise(pl.col("value"))
    )
    assert broken(spoilt(run, "rows", value=own)) == {"one_oracle"}


def test_an_arm_with_a_retrieval_of_its_own_is_found(run):
    rows = (pl.col("measure") == "recall") & (pl.col("stage") == "retrieval") & (pl.col("arm") == "both")
    more = pl.when(rows).then(pl.col("value") + 0.001).otherwise(pl.col("value"))
    assert broken(spoilt(run, "rows", value=more)) == {"retrieval_is_shared"}


def test_arms_that_retrieve_otherwise_may_find_otherwise(run):
    arms = dict(run.scenario.arms)
    arms["both"] = arms["both"].model_copy(update={"replica": 1})
    apart = Run(run.scenario.model_copy(update={"arms": arms}), run.tables, run.facts)
    rows = (pl.col("measure") == "recall") & (pl.col("stage") == "retrieval") & (pl.col("arm") == "both")
    more = pl.when(rows).then(pl.col("value") + 0.001).otherwise(pl.col("value"))
    assert broken(spoilt(apart, "rows", value=more)) == set()


def test_a_slate_that_was_not_served_is_found(run):
    facts = run.facts | {"both": {"0": {"ledger_equals_funnel": 0.0}}}
    found = {law["name"]: law for law in check(Run(run.scenario, run.tables, facts))}["ledger_is_served"]
    assert not found["holds"] and found["found"] == "the same in 12 of 13 runs of an arm under a seed"


def test_a_curve_beside_the_measures_is_found(run):
    assert broken(spoilt(run, "keep_curve", value=pl.col("value") + 0.1)) == {"curve_meets_measure"}


def test_a_curve_that_rises_is_found(run):
    assert "more_budget_loses_less" in broken(spoilt(run, "keep_curve", lost=-pl.col("lost")))


def test_contributions_of_another_score_are_found(run):
    found = {law["name"]: law for law in check(spoilt(run, "contributions", value=pl.col("value") * 2))}
    assert not found["weights_give_scores"]["holds"]


def test_a_law_without_a_case_is_not_told(run):
    empty = {name: table.clear() for name, table in run.tables.items()}
    assert check(Run(run.scenario, empty, {})) == []
