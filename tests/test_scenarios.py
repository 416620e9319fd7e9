"""The shipped scenarios: each resolves at any size, its arms are comparable, and its controls control."""

from pathlib import Path

import pytest

from funnel.patch import diff
from funnel.scenario.exam import Exam
from funnel.scenario.file import AnyScenario, load
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.scenario.sweep.spec import Sweep
from funnel.stages.spec import STAGES, FunnelSpec

NAMES = sorted(path.stem for path in Path("scenarios").glob("*.toml"))
NOWHERE = Store(Path())
"""for names of pieces; nothing is built"""


def funnels(scenario: AnyScenario) -> list[Scenario]:
    if isinstance(scenario, Sweep):
        return [point.scenario for point in scenario.points]
    return [scenario] if isinstance(scenario, Scenario) else []


def differences(scenario: Scenario, arm: str, other: str) -> dict:
    """The patch that turns one arm into another."""
    return diff(scenario.arms[other].table(), scenario.arms[arm].table())


def rankers(scenario: Scenario, arm: str) -> list[str]:
    """Names of the trained pieces of an arm."""
    lab = Exam(scenario, 0, NOWHERE).labs[arm]
    return [lab.arm_towers.name, *(lab.arm_ranker(stage).name for stage in STAGES)]


@pytest.mark.parametrize("preset", [None, "smoke"])
@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_resolves_and_asks_one_thing(name, preset):
    scenario = load(name, preset=preset)
    assert scenario.name == name and scenario.question.endswith(("?", "."))


@pytest.mark.parametrize("name", NAMES)
def test_the_margins_of_all_verdicts_are_the_same(name):
    assert all((one.verdict.margin.lost, one.verdict.margin.value) == (0.02, 0.01) for one in funnels(load(name)))


def late_compute(funnel: FunnelSpec) -> float | None:
    """Candidates that the late stage scores for every request; None where requests differ."""
    early = funnel.stages.early
    return None if early.segments or early.bypass else early.keep


@pytest.mark.parametrize("name", NAMES)
def test_no_repair_is_credited_for_late_compute_that_its_control_lacks(name):
    for scenario in funnels(load(name)):
        for arm, control in scenario.controls.items():
            own, its = late_compute(scenario.arms[arm]), late_compute(scenario.arms[control])
            assert None in (own, its) or own == its, (arm, control)


def test_the_repairs_are_those_that_teams_use():
    scenario = load("bubble_repairs")
    early = {arm: funnel.stages.early for arm, funnel in scenario.arms.items() if arm in scenario.controls}
    options = ("segments", "quota", "boost", "bypass", "distil", "privileged", "calibration")
    used = {option for option in options for stage in early.values() if getattr(stage, option)}
    assert used == set(options)
    assert {stage.distil.kind for stage in early.values() if stage.distil} == {
        "pointwise", "listwise", "pairwise", "pselect",
    }  # fmt: skip
    assert any(stage.train.negatives for stage in early.values())
    others = [scenario.arms[arm] for arm in early]
    assert any(arm.stages.cascade for arm in others) and any(arm.stages.late.fusion for arm in others)
    for path in (("retrieval", "sources"), ("traffic", "exploration"), ("world", "reactions")):
        part, field = path
        assert any(getattr(getattr(arm, part), field) != getattr(getattr(scenario.base, part), field) for arm in others)
    unchecked = set(scenario.arms) - set(scenario.controls) - {"baseline", "late_only", "both"}
    assert unchecked <= set(scenario.controls.values())


def test_segments_spend_what_their_control_spends_on_the_mean_request():
    """Shares of the requests in each segment, measured over three worlds of the base."""
    shares = {"k_by_friends": (0.33, 0.425, 0.245), "k_by_bubbles": (0.255, 0.292, 0.453)}
    scenario = load("bubble_repairs")
    for arm, of_requests in shares.items():
        keep = scenario.arms[arm].stages.early.segments.keep
        mean = sum(share * budget for share, budget in zip(of_requests, keep, strict=True))
        assert mean == pytest.approx(scenario.arms[scenario.controls[arm]].stages.early.keep, abs=1.5)


@pytest.mark.parametrize("name", ["bubble_keep_sweep", "bubble_weight_sweep"])
def test_a_sweep_of_budgets_or_weights_trains_nothing_anew(name):
    first, *rest = funnels(load(name))
    assert all(rankers(point, arm) == rankers(first, arm) for point in rest for arm in first.arms)


def test_the_phase_map_has_a_world_for_every_effect_and_none_for_a_budget():
    points = funnels(load("bubble_phase"))
    worlds = {Exam(point, 0, NOWHERE).labs["both"].world_piece.name for point in points}
    assert (len(points), len(worlds)) == (20, 5)


def test_the_arms_of_the_null_runs_differ_by_luck_or_by_noise_alone():
    aa, placebo = load("aa"), load("placebo")
    assert aa.null and placebo.null
    for arm in list(aa.arms)[1:]:
        assert list(differences(aa, arm, "both_1")) == ["replica"]
    assert placebo.change.table()["features"]["add"] == placebo.change.table()["tasks"]["add"] == ["noise"]
    assert "noise" not in placebo.base.value.formula


def test_twins_differ_by_their_training_alone():
    scenario = load("bubble_twins")
    for arm in ("late_only", "both"):
        for number in (2, 3, 4):
            assert differences(scenario, f"{arm}_{number}", f"{arm}_1") == {"replica": number - 1}


def test_skewed_arms_are_trained_as_the_sound_one_is():
    scenario = load("serving_skew")
    sound = rankers(scenario, "both")
    for arm in ("missing_early", "missing_late", "stale_user", "stale_item"):
        assert rankers(scenario, arm) == sound
    assert rankers(scenario, "baseline_stale_user") == rankers(scenario, "baseline")


def test_without_the_source_all_arms_still_read_one_log():
    scenario = load("bubble_no_friend_source")
    exam = Exam(scenario, 0, NOWHERE)
    assert len({lab.traffic_piece.name for lab in exam.labs.values()}) == 1
    off = [arm for arm, funnel in scenario.arms.items() if not funnel.retrieval.sources["friends"].budget]
    assert off == ["no_source", "no_source_late_only", "no_source_both", "near_instead", "near_instead_both"]
    assert scenario.arms["near_instead"].retrieval.budget == scenario.base.retrieval.budget


def test_closeness_models_differ_by_nothing_else_and_one_of_them_cheats():
    scenario = load("closeness_source")
    for arm in scenario.arms:
        if arm != "proxies":
            assert list(differences(scenario, arm, "proxies")) == ["closeness"]
    assert [arm for arm, funnel in scenario.arms.items() if funnel.closeness.cheats] == ["latent"]
    assert {funnel.closeness.kind for funnel in scenario.arms.values()} == {
        "none", "proxies", "survey", "context", "both", "latent",
    }  # fmt: skip


def test_a_threshold_is_a_policy_and_no_other_world():
    points = funnels(load("closeness_threshold"))
    assert len({point.base.model_dump_json() for point in points}) == 1
    assert all(arm.world.draws_as(point.base.world) for point in points for arm in point.arms.values())
    worlds = {Exam(point, 0, NOWHERE).labs["both"].world_piece.name for point in points}
    assert len(worlds) == len(points) == 7
