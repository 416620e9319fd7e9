"""Roles, repairs and their controls, and the sentence on the cheapest that is good enough."""

import pytest

from funnel.scenario.estimates import Estimates
from funnel.scenario.repairs import repairs
from funnel.scenario.roles import described
from tests import runs

ARMS = runs.PLAIN | {"late_only_all": runs.Made(("late",), keep=50, control="late_only")}


@pytest.fixture(scope="module")
def estimates():
    tables = runs.tables(ARMS)
    return Estimates(tables["rows"], tables["request_rows"])


@pytest.fixture(scope="module")
def arms():
    return described(runs.scenario(ARMS), list(ARMS))


def judged(**outcomes):
    difference = {"value": 0.001, "low": -0.002, "high": 0.004, "n": 3}
    return {
        arm: {"value": {"outcome": outcomes.get(arm, "forgone"), "difference": difference}}
        for arm in ARMS
        if arm != "both"
    }


def test_roles(arms):
    assert {arm: (entry["role"], entry["at"], entry["control"]) for arm, entry in arms.items()} == {
        "baseline": ("baseline", [], None),
        "late_only": ("proposal", ["late"], None),
        "both": ("reference", ["early", "late"], None),
        "baseline_2k": ("control", [], None),
        "late_only_2k": ("repair", ["late"], "baseline_2k"),
        "late_only_all": ("repair", ["late"], "late_only"),
    }


def test_a_control_that_failed_is_none():
    left = described(runs.scenario(ARMS), [arm for arm in ARMS if arm != "baseline_2k"])
    assert (left["late_only_2k"]["role"], left["late_only_2k"]["control"]) == ("repair", None)
    assert "baseline_2k" not in left


def test_an_arm_that_nobody_names_is_an_arm():
    arms = runs.PLAIN | {"wide": runs.Made(keep=30)}
    assert described(runs.scenario(arms), list(arms))["wide"]["role"] == "arm"


def test_a_repair_is_credited_with_what_its_control_does_not_gain(arms, estimates):
    entries = {entry["arm"]: entry for entry in repairs(arms, estimates, judged(), 0.01)["entries"]}
    own, control, baseline = (
        estimates.by_seed(a, "value", "late") for a in ("late_only_2k", "baseline_2k", "baseline")
    )
    assert entries["late_only_2k"]["credit"]["value"] == pytest.approx((own / control - 1).mean())
    assert entries["late_only_2k"]["gain"]["value"] == pytest.approx((own / baseline - 1).mean())
    assert entries["both"]["credit"] is None
    assert entries["baseline"]["gain"]["value"] == 0
    macs = entries["late_only_2k"]["macs"]
    assert [macs[part]["value"] for part in ("early", "late", "total")] == [2.5e6, 2e6, 4.5e6]


def test_efficient_arms_are_those_that_no_arm_beats_in_both(arms, estimates):
    entries = repairs(arms, estimates, judged(), 0.01)["entries"]
    efficient = [entry for entry in entries if entry["efficient"]]
    for entry in entries:
        beaten = any(
            other["macs"]["total"]["value"] <= entry["macs"]["total"]["value"]
            and other["gain"]["value"] > entry["gain"]["value"]
            for other in entries
        )
        assert (entry in efficient) is not beaten
    assert {"late_only", "both"} <= {entry["arm"] for entry in efficient}


def test_the_cheapest_repair_that_is_good_enough(arms, estimates):
    cheap = {arm: entry | {"role": "repair"} if arm == "baseline_2k" else entry for arm, entry in arms.items()}
    found = repairs(cheap, _cheaper(estimates), judged(baseline_2k="equivalent", late_only_all="gained"), 0.01)
    assert found["cheapest"] == "baseline_2k"
    assert found["sentence"] == (
        "The cheapest repair that is shown to be worth what `both` is worth is `baseline_2k`: its early and late stage "
        "take 3.00 million multiply-adds a request, 0.75 times those of `both` and 0.86 times those of `late_only` "
        "(value forgone against `both`: -0.20 to 0.40 %, corrected for 5 arms, 3 seeds; margin 1.00 %)."
    )


def test_a_proposal_that_is_good_enough_needs_no_repair(arms, estimates):
    found = repairs(arms, _cheaper(estimates), judged(late_only="equivalent", baseline_2k="equivalent"), 0.01)
    assert found["cheapest"] == "late_only"
    assert found["sentence"] == (
        "No repair is needed to be worth what `both` is worth: that is shown of `late_only` itself: its early and late "
        "stage take 3.50 million multiply-adds a request, 0.88 times those of `both` and 1.00 times those of "
        "`late_only` (value forgone against `both`: -0.20 to 0.40 %, corrected for 5 arms, 3 seeds; margin 1.00 %). "
        "So is `baseline_2k`, which is no repair and costs less."
    )


def test_repairs_that_are_good_enough_and_dearer(arms, estimates):
    found = repairs(arms, estimates, judged(late_only_2k="equivalent"), 0.01)
    assert found["cheapest"] == "both"
    assert found["sentence"] == (
        "No repair that is cheaper than `both` is shown to be worth as much (1 of 2 are and do not cost less; margin "
        "1.00 %): early and late stage of `both` take 4.00 million multiply-adds a request, 1.14 times those of "
        "`late_only`."
    )


def test_no_repair_is_good_enough(arms, estimates):
    assert "(none of 2 is at any cost; margin 1.00 %)" in repairs(arms, estimates, judged(), 0.01)["sentence"]


def test_one_seed_shows_nothing():
    tables = runs.tables(seeds=1)
    one = Estimates(tables["rows"], tables["request_rows"])
    found = repairs(described(runs.scenario(), list(runs.PLAIN)), one, judged(), 0.01)
    assert found["sentence"] == (
        "No repair that is cheaper than `both` is shown to be worth as much (one seed cannot show it; margin 1.00 %): "
        "early and late stage of `both` take 4.00 million multiply-adds a request, 1.14 times those of `late_only`."
    )


def test_without_repairs():
    three = {arm: made for arm, made in runs.PLAIN.items() if arm in ("baseline", "late_only", "both")}
    tables = runs.tables(three, seeds=2)
    found = repairs(
        described(runs.scenario(three), list(three)),
        Estimates(tables["rows"], tables["request_rows"]),
        {arm: {"value": {"outcome": "forgone"}} for arm in ("baseline", "late_only")},
        0.01,
    )
    assert (found["cheapest"], found["sentence"]) == (None, "No arm of this scenario is a repair.")
    assert [entry["adequate"] for entry in found["entries"]] == [False, False, True]


def _cheaper(estimates):
    """The estimates with one arm's costs cut."""

    class Cheaper:
        def __getattr__(self, name):
            return getattr(estimates, name)

        def by_seed(self, arm, measure, stage):
            values = estimates.by_seed(arm, measure, stage)
            return values * 0 + 1.5e6 if (arm, measure) == ("baseline_2k", "macs") else values

    return Cheaper()
