"""The verdict: every combination of outcomes, its sentences to the letter, and what it must not say."""

import numpy as np
import pytest

from funnel.metrics.axes import MOST_SEEDS, Arm
from funnel.metrics.verdict import judge

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
LOST = {"lost": 0.30, "not lost": 0.11, "undecided": 0.12}
VALUE = {"forgone": 0.95, "equivalent": 1.0, "gained": 1.05, "undecided": 0.99}


def arm(name, lost, value, spread=0.001, seeds=5):
    """Five seeds around the given means; spread is half the range."""
    wiggle = spread * SPREAD[:seeds]
    return Arm(name, lost + wiggle, value + wiggle)


REFERENCE = arm("both", 0.1, 1.0, spread=0.0)
BASELINE = arm("baseline", 0.1, 0.8, spread=0.0)


def against_both(lost, value, **settings):
    return judge(arm("late_only", lost, value, **settings), REFERENCE, BASELINE, margin_lost=0.02, margin_value=0.01)


HEADLINES = {
    ("lost", "forgone"): "Against `both`, `late_only` loses candidates and forgoes value.",
    ("lost", "equivalent"): "Against `both`, `late_only` loses candidates and forgoes no value.",
    ("lost", "gained"): "Against `both`, `late_only` loses candidates and gains value.",
    ("lost", "undecided"): "Against `both`, `late_only` loses candidates; whether it forgoes value is undecided.",
    ("not lost", "forgone"): "Against `both`, `late_only` loses no candidates and forgoes value.",
    ("not lost", "equivalent"): "Against `both`, `late_only` loses no candidates and forgoes no value.",
    ("not lost", "gained"): "Against `both`, `late_only` loses no candidates and gains value.",
    (
        "not lost",
        "undecided",
    ): "Against `both`, `late_only` loses no candidates; whether it forgoes value is undecided.",
    ("undecided", "forgone"): "Against `both`, `late_only` forgoes value; whether it loses candidates is undecided.",
    ("undecided", "equivalent"): (
        "Against `both`, `late_only` forgoes no value; whether it loses candidates is undecided."
    ),
    ("undecided", "gained"): "Against `both`, `late_only` gains value; whether it loses candidates is undecided.",
    ("undecided", "undecided"): (
        "Against `both`, it is undecided whether `late_only` loses candidates or forgoes value."
    ),
}


@pytest.mark.parametrize(("lost", "value"), HEADLINES)
def test_every_combination_of_outcomes(lost, value):
    found = against_both(LOST[lost], VALUE[value])
    assert (found.candidates.outcome, found.value.outcome) == (lost, value)
    assert found.headline == HEADLINES[lost, value]


def test_the_sentences_of_a_loss():
    assert against_both(0.30, 0.95).sentences == (
        "Candidates, lost: the early stage of `late_only` cuts 30.00 % of what the late stage with the change "
        "ranks top, that of `both` 10.00 %: 20.00 points more (95 % interval 19.90 to 20.10 points, 5 seeds; "
        "margin 2.00 points).",
        "Value, forgone: the slate of `late_only` is worth 5.00 % less than that of `both` "
        "(value forgone: 95 % interval 4.90 to 5.10 %, 5 seeds; margin 1.00 %).",
        "`late_only` captures 75.00 % of the gain in value of `both` over `baseline` "
        "(95 % interval 74.51 to 75.49 %, 5 seeds).",
    )


def test_the_sentences_of_a_harmless_change():
    found = judge(arm("late_only", 0.1, 1.0, spread=0.0), REFERENCE, BASELINE, 0.02, 0.01)
    assert (found.candidates.outcome, found.value.outcome) == ("not lost", "equivalent")
    assert found.sentences == (
        "Candidates, not lost: the early stage of `late_only` cuts 10.00 % of what the late stage with the change "
        "ranks top, that of `both` 10.00 %: the same share (95 % interval 0.00 to 0.00 points, 5 seeds; "
        "margin 2.00 points).",
        "Value, equivalent: the slate of `late_only` is worth the same as that of `both` "
        "(value forgone: 95 % interval 0.00 to 0.00 %, 5 seeds; margin 1.00 %).",
        "`late_only` captures 100.00 % of the gain in value of `both` over `baseline` "
        "(95 % interval 100.00 to 100.00 %, 5 seeds).",
    )


def test_the_sentences_of_fewer_losses_and_more_value():
    found = against_both(0.05, 1.05)
    assert found.sentences[0] == (
        "Candidates, not lost: the early stage of `late_only` cuts 5.00 % of what the late stage with the change "
        "ranks top, that of `both` 10.00 %: 5.00 points fewer (95 % interval -5.10 to -4.90 points, 5 seeds; "
        "margin 2.00 points)."
    )
    assert found.sentences[1] == (
        "Value, gained: the slate of `late_only` is worth 5.00 % more than that of `both` "
        "(value forgone: 95 % interval -5.10 to -4.90 %, 5 seeds; margin 1.00 %)."
    )


def test_undecided_says_how_many_seeds_would_decide():
    found = against_both(0.111, 0.995, spread=0.01)
    assert found.candidates.seeds_to_decide == 6
    assert found.value.seeds_to_decide == 13
    assert found.sentences[0].endswith(" At this mean and spread, 6 seeds would decide.")
    assert found.sentences[1].endswith(" At this mean and spread, 13 seeds would decide.")


def test_the_search_for_seeds_ends():
    found = against_both(0.12, 0.99)
    assert found.candidates.seeds_to_decide == found.value.seeds_to_decide == MOST_SEEDS + 1
    assert found.sentences[0].endswith(" At this mean and spread, more than 500 seeds would be needed to decide.")


def test_one_seed_decides_nothing():
    arms = [
        Arm(name, np.array([lost]), np.array([value]))
        for name, lost, value in (("late_only", 0.3, 0.9), ("both", 0.1, 1.0), ("baseline", 0.1, 0.8))
    ]
    found = judge(*arms, margin_lost=0.02, margin_value=0.01)
    assert (found.candidates.outcome, found.value.outcome) == ("undecided", "undecided")
    assert found.candidates.seeds_to_decide is None
    assert found.captured is None
    assert found.sentences == (
        "Candidates, undecided: the early stage of `late_only` cuts 30.00 % of what the late stage with the change "
        "ranks top, that of `both` 10.00 %: 20.00 points more (no interval from one seed; margin 2.00 points). "
        "One seed is one world and gives no interval: run at least two, better five.",
        "Value, undecided: the slate of `late_only` is worth 10.00 % less than that of `both` "
        "(value forgone: no interval from one seed; margin 1.00 %). "
        "One seed is one world and gives no interval: run at least two, better five.",
        "The share of the gain in value of `both` over `baseline` that `late_only` captures is not defined: "
        "one seed cannot show that the reference gains.",
    )


def test_no_share_of_a_gain_that_is_not_clear():
    flat = Arm("both", np.full(5, 0.1), 0.8 + 0.01 * SPREAD)
    found = judge(arm("late_only", 0.1, 0.8), flat, BASELINE, 0.02, 0.01)
    assert found.captured is None
    assert found.sentences[2] == (
        "The share of the gain in value of `both` over `baseline` that `late_only` captures is not defined: "
        "`both` does not clearly gain value over `baseline` in every seed."
    )


def test_no_share_where_two_of_the_three_are_one_arm():
    found = judge(BASELINE, REFERENCE, BASELINE, 0.02, 0.01)
    assert found.captured_missing == "proposal, reference and baseline are not three different arms"


def test_differences_are_paired_by_seed():
    worlds = np.array([0.5, -0.5, 0.3, -0.3, 0.0])  # worlds differ far more than arms do
    proposal = Arm("late_only", 0.5 + 0.4 * worlds, 5.0 + worlds)
    reference = Arm("both", 0.5 + 0.4 * worlds, 5.0 + worlds)
    found = judge(proposal, reference, BASELINE, 0.02, 0.01)
    assert (found.candidates.outcome, found.value.outcome) == ("not lost", "equivalent")


def test_an_interval_across_the_margin_is_no_proof_of_no_loss():
    found = against_both(0.105, 0.998, spread=0.05)
    assert (found.candidates.outcome, found.value.outcome) == ("undecided", "undecided")
