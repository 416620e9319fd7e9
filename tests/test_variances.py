"""Which arms are twins, and that the split of a difference pairs them."""

import numpy as np
import pytest

from funnel.scenario.estimates import Estimates
from funnel.scenario.variances import variances
from tests import runs


@pytest.fixture(scope="module")
def estimates():
    tables = runs.tables(runs.TWINS)
    return Estimates(tables["rows"], tables["request_rows"])


def found(estimates, arms=runs.TWINS, left=None):
    entries = variances(runs.scenario(arms), left or list(arms), estimates)
    return {(entry["measure"], entry["arm"], entry["against"]): entry for entry in entries}


def test_every_number_of_the_verdict_is_split(estimates):
    assert [*found(estimates)] == [
        (measure, arm, against)
        for measure in ("lost", "value")
        for arm, against in (("late_only", None), ("both", None), ("baseline", None), ("late_only", "both"))
    ]


def test_twins_are_told_by_replica_alone(estimates):
    entries = found(estimates)
    assert {name: entry["twins"] for name, entry in entries.items() if name[0] == "value"} == {
        ("value", "late_only", None): 3,
        ("value", "both", None): 3,
        ("value", "baseline", None): 1,
        ("value", "late_only", "both"): 3,
    }
    assert entries["value", "baseline", None]["training"] is None
    assert entries["value", "late_only", None]["training"] is not None


def test_a_difference_is_paired_by_replica(estimates):
    both = [estimates.by_seed(arm, "value", "late") for arm in ("both", "both_1", "both_2")]
    late = [estimates.by_seed(arm, "value", "late") for arm in ("late_only", "late_only_1", "late_only_2")]
    difference = np.stack(late, 1) - np.stack(both, 1)
    entry = found(estimates)["value", "late_only", "both"]
    inside = difference.var(axis=1, ddof=1).mean()
    assert entry["training"] <= inside
    assert entry["world"] <= difference.mean(1).var(ddof=1)


def test_a_twin_that_failed_is_left_out(estimates):
    entries = found(estimates, left=[arm for arm in runs.TWINS if arm != "both_2"])
    assert entries["value", "both", None]["twins"] == entries["value", "late_only", "both"]["twins"] == 2
    assert entries["value", "late_only", None]["twins"] == 3


def test_without_common_replicas_the_difference_stands_alone(estimates):
    left = [arm for arm in runs.TWINS if arm in ("baseline", "late_only", "both")]
    assert found(estimates, left=left)["value", "late_only", "both"]["twins"] == 1


def test_of_two_trainings_of_one_funnel_pairs_share_no_arm(estimates):
    """In an A/A run pairing by replica would take every arm from itself."""
    scenario = runs.scenario(runs.TWINS, verdict={"proposal": "both_2", "reference": "both", "baseline": "baseline"})
    entries = variances(scenario, list(runs.TWINS), estimates)
    (entry,) = [e for e in entries if e["measure"] == "value" and e["against"] == "both"]
    difference = estimates.by_seed("both_2", "value", "late") - estimates.by_seed("both", "value", "late")
    assert entry["twins"] == 1
    assert 0 <= entry["world"] <= difference.var(ddof=1) and entry["requests"] > 0


def test_the_part_of_the_requests_is_that_of_the_bootstrap(tmp_path):
    """With one seed the bootstrap resamples nothing but requests."""
    tables = runs.tables(seeds=1)
    alone = Estimates(tables["rows"], tables["request_rows"])
    (estimate,) = [e for e in alone.of("both") if (e["measure"], e["slice"]) == ("value", "all")]
    width = (estimate["bootstrap_high"] - estimate["bootstrap_low"]) / (2 * 1.96)
    entry = found(alone, runs.PLAIN)["value", "both", None]
    assert entry["requests"] ** 0.5 == pytest.approx(width, rel=0.1)
    assert entry["world"] is None
