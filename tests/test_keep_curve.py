"""Curves over other early budgets, and the budget at which the proposal is worth what the reference is."""

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.metrics import recall, value
from funnel.metrics.keep_curve import budgets, keep_curve
from funnel.scenario.budgets import curves, equal_keep
from tests import runs


def made(values, keeps=(50, 100, 200), arm="late_only"):
    """KEEP_CURVE of one arm; `values` by seed and budget."""
    rows = [
        (seed, arm, keep, 0.1, worth)
        for seed, of_seed in enumerate(values)
        for keep, worth in zip(keeps, of_seed, strict=True)
    ]
    return pl.DataFrame(rows, schema=schema.KEEP_CURVE, orient="row")


def test_budgets_stand_around_the_own_between_slate_and_pool():
    assert budgets(100, 10, 1_000) == [25, 50, 100, 150, 200, 300, 400, 600, 800]
    assert budgets(20, 10, 90) == [10, 20, 30, 40, 60, 80, 90]


def test_a_curve_meets_the_measures_and_the_pool():
    ledger = runs.ledger(0, runs.PLAIN["late_only"])
    found = keep_curve(ledger, {keep: runs.Kept.of(ledger, keep) for keep in (5, 10, 60)}, seed=3)
    assert found["keep"].to_list() == [5, 10, 60] and found["seed"].to_list() == [3, 3, 3]
    own = found.row(1, named=True)
    assert own["lost"] == pytest.approx(recall.lost(ledger)[0].value)
    assert own["value"] == pytest.approx(value.value(ledger)[0].value)
    assert found["lost"][2] == 0 and (np.diff(found["lost"]) < 0).all()


def test_the_curves_of_the_results_are_estimates_by_arm():
    found = curves(pl.concat([made([[1, 2, 3], [1, 2, 5]]), made([[0, 0, 0]] * 2, arm="both")]))
    assert list(found) == ["late_only", "both"]
    assert [point["keep"] for point in found["late_only"]] == [50, 100, 200]
    assert found["late_only"][2]["value"] | {"low": 0, "high": 0} == {"value": 4.0, "low": 0, "high": 0, "n": 2}


def test_equal_keep_is_read_off_between_two_budgets_by_their_logarithm():
    found = equal_keep(made([[1, 2, 3], [1, 2, 3]]), np.array([2.5, 2.5]), "late_only", "both", 100)
    assert found["keep"] == pytest.approx({"value": 100 * 2**0.5, "low": 100 * 2**0.5, "high": 100 * 2**0.5, "n": 2})
    assert found["sentence"] == (
        "The slate of `late_only` is worth that of `both`, whose early stage keeps 100, when its own keeps 141 (95 % "
        "interval 141 to 141, 2 seeds); nothing is trained anew for it."
    )


@pytest.mark.parametrize(
    ("worth", "told"),
    [
        ([0.5, 1.0], "already at the smallest budget tried, when its own keeps 50 or fewer"),
        ([0.5, 2.5], "when its own keeps at most 50 in 1 of 2 seeds"),
        ([0.5], "already at the smallest budget tried, when its own keeps 50 or fewer"),
    ],
)
def test_where_the_smallest_budget_is_enough_nothing_smaller_is_known(worth, told):
    found = equal_keep(made([[1, 2, 3]] * len(worth)), np.array(worth), "late_only", "both", 100)
    assert found == {
        "keep": None,
        "sentence": (
            f"The slate of `late_only` is worth that of `both`, whose early stage keeps 100, {told}, so that budget "
            "has no interval; nothing is trained anew for it."
        ),
    }


def test_the_first_crossing_counts():
    found = equal_keep(made([[1, 3, 2]]), np.array([3.0]), "late_only", "both", 100)
    assert found["keep"]["value"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("values", "where"), [([[1, 2, 3], [1, 2, 4], [1, 2, 3]], "in 2 of 3 seeds"), ([[1, 2, 3]], "in the one seed")]
)
def test_a_curve_that_stays_below_has_no_equal_keep(values, where):
    found = equal_keep(made(values), np.full(len(values), 3.5), "late_only", "both", 100)
    assert found == {
        "keep": None,
        "sentence": (
            f"Up to an early stage that keeps 200, the slate of `late_only` stays {where} below what that of `both` is "
            "worth, whose early stage keeps 100; nothing is trained anew for it."
        ),
    }
