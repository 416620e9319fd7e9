"""Counting false alarms: the rate is that of the level where nothing differs, and differences show."""

import numpy as np
import pytest

from funnel.metrics.axes import Arm
from funnel.metrics.null import false_alarms


def counted(values, arms=None, judge="none of them"):
    """Counts over (A, M, S); the first measure is lost candidates and the second value."""
    arms = arms or [Arm(str(n), of[0], of[1]) for n, of in enumerate(values)]
    primary, lost = np.arange(values.shape[1]) < 2, np.arange(values.shape[1]) == 0
    return false_alarms(values, primary, arms, margin_lost=0.02, margin_value=0.01, judged=lost, judge=judge)


def test_what_an_arm_judges_is_not_counted_against_it():
    """The judge has an advantage in lost candidates; of three arms one pair is left there, and three elsewhere."""
    values = np.random.default_rng(3).normal(1, 0.001, (3, 20, 5))
    values[1, 0] -= 0.1
    found, naive = counted(values, judge="1"), counted(values)
    assert (naive["intervals"] - found["intervals"], found["primary"]["intervals"]) == (2, 4)
    assert naive["off_zero"] - found["off_zero"] == 2
    assert found["verdicts"]["lost"] == 0 and naive["verdicts"]["lost"] == 2
    assert found["verdicts"]["pairs"] == naive["verdicts"]["pairs"] == 6


def test_one_interval_in_twenty_leaves_out_zero_where_nothing_differs():
    values = np.random.default_rng(0).normal(1, 0.001, (2, 4_000, 5))
    found = counted(values)
    assert (found["pairs"], found["intervals"]) == (1, 4_000)
    assert found["rate"] == pytest.approx(0.05, abs=0.01)
    assert found["off_zero"] == round(found["rate"] * 4_000)


def test_an_arm_that_differs_raises_the_rate_and_claims():
    values = np.random.default_rng(1).normal(1, 0.001, (3, 100, 5))
    values[2, 0] += 0.1  # loses candidates
    values[2, 1] -= 0.1  # and value
    found = counted(values)
    assert found["pairs"] == 3
    assert found["primary"]["intervals"] == 6 and found["primary"]["off_zero"] >= 4
    assert found["verdicts"] == {
        "pairs": 6,
        "lost": 2,
        "not lost": 4,
        "candidates undecided": 0,
        "forgone": 2,
        "equivalent": 2,
        "gained": 2,
        "value undecided": 0,
    }


def test_what_is_unknown_or_has_no_spread_has_no_interval():
    values = np.ones((2, 3, 4))
    values[0, 1] = [1, 2, 3, 4]
    values[1, 2, 0] = np.nan
    found = counted(values)
    assert (found["intervals"], found["primary"]["intervals"]) == (1, 1)


def test_the_sentence_counts():
    values = np.random.default_rng(0).normal(1, 0.001, (2, 40, 5))
    found = counted(values, judge="b")
    assert found["sentence"] == (
        "No arm of this scenario should differ from another, so 5 % of the 95 % intervals should leave out zero: "
        f"{found['off_zero']} of 40 do ({100 * found['rate']:.1f} %), of the two measures of the verdict "
        f"{found['primary']['off_zero']} of 2. Of 2 verdicts between its 2 arms 0 would claim lost candidates, 0 "
        "value forgone and 0 value gained. What `b` judges is not counted in pairs with it, where it has an advantage. "
        "The intervals share arms, worlds and requests, so they come out together: "
        "the rate is known far less well than their number says."
    )


@pytest.mark.parametrize(
    ("seeds", "why"), [(1, "one seed gives no interval"), (3, "no two arms differ in any measure")]
)
def test_the_sentence_where_nothing_can_be_counted(seeds, why):
    found = counted(np.ones((2, 3, seeds)))
    assert (found["intervals"], found["rate"]) == (0, None)
    assert found["sentence"] == (
        f"No arm of this scenario should differ from another; {why}, so nothing can be counted."
    )
