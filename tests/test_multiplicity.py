"""Many arms against one reference: corrected p values and intervals, and what they guard against."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnel.metrics.axes import Arm
from funnel.metrics.intervals import LEVEL, t_interval
from funnel.metrics.multiplicity import bonferroni, holm, judgements, p_value

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_one_is_itself():
    assert holm([0.2]).tolist() == [0.2]


@given(P_VALUES)
def test_holm_never_lowers_a_p_value_nor_says_less_than_bonferroni(p):
    found = holm(p)
    assert (found >= np.array(p)).all() and (found <= np.minimum(1.0, len(p) * np.array(p))).all()


@given(P_VALUES)
def test_holm_keeps_the_order(p):
    order = np.argsort(p, kind="stable")
    assert (np.diff(holm(p)[order]) >= 0).all()


def test_the_p_value_is_that_of_the_paired_t_test():
    values = np.array([0.2, -0.1, 0.4, 0.3, 0.1])
    assert p_value(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


@pytest.mark.parametrize(("values", "expected"), [([0.0, 0.0, 0.0], 1.0), ([0.1, 0.1], 0.0), ([0.3], None)])
def test_p_values_without_a_spread(values, expected):
    assert p_value(np.array(values)) == expected


def test_bonferroni_shares_the_error_out():
    assert bonferroni(1) == bonferroni(0) == LEVEL
    assert 10 * (1 - bonferroni(10)) == pytest.approx(1 - LEVEL)


def test_an_axis_is_judged_at_the_corrected_level():
    generator = np.random.default_rng(0)
    reference = Arm("both", generator.normal(0.1, 0.01, 5), generator.normal(5.0, 0.1, 5))
    arms = [
        Arm(f"arm_{n}", reference.lost + 0.01 * n, reference.value - generator.normal(0.1, 0.05, 5)) for n in range(4)
    ]
    found = judgements(arms, reference, margin_lost=0.02, margin_value=0.01)
    assert list(found) == ["arm_0", "arm_1", "arm_2", "arm_3"]
    expected = t_interval(arms[1].forgone_against(reference), level=1 - 0.05 / 4)
    difference = found["arm_1"]["value"]["difference"]
    assert (difference["low"], difference["high"], difference["level"]) == (expected.low, expected.high, 1 - 0.05 / 4)
    p = holm([p_value(arm.forgone_against(reference)) for arm in arms])
    assert [found[arm.name]["value"]["p"] for arm in arms] == p.tolist()


def test_seeds_to_decide_are_those_of_the_corrected_level():
    reference = Arm("both", np.zeros(5), np.ones(5))
    wide = Arm("arm", np.zeros(5), 1 - 0.02 * np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    alone = judgements([wide], reference, 0.02, 0.01)["arm"]["value"]
    among = judgements([wide] * 20, reference, 0.02, 0.01)["arm"]["value"]
    assert alone["outcome"] == among["outcome"] == "undecided"
    assert 5 < alone["seeds_to_decide"] < among["seeds_to_decide"]


def test_with_one_seed_nothing_is_known():
    arms = [Arm(name, np.array([0.1]), np.array([1.0])) for name in ("late_only", "both")]
    found = judgements(arms[:1], arms[1], 0.02, 0.01)["late_only"]
    assert [found[axis]["p"] for axis in found] == [None, None]
    assert [found[axis]["outcome"] for axis in found] == ["undecided", "undecided"]


def test_among_arms_that_do_not_differ_any_is_called_different_in_one_family_of_twenty():
    generator, alarms = np.random.default_rng(1), 0
    for _ in range(400):
        reference = Arm("both", np.zeros(5), np.ones(5))
        arms = [Arm(str(n), generator.normal(0, 0.01, 5), np.ones(5)) for n in range(10)]
        found = judgements(arms, reference, 0.02, 0.01)
        alarms += any(judged["candidates"]["p"] < 0.05 for judged in found.values())
    assert alarms / 400 == pytest.approx(0.05, abs=0.03)
