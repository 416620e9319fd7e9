"""The scenario language: what resolves to what, and what every mistake is told."""

import pickle

import pytest

from funnel.errors import SpecError
from funnel.patch import diff, merge
from funnel.scenario.file import listing, load, read_toml
from funnel.scenario.resolve import resolve
from funnel.scenario.spec import (
    ArmSpec,
    Change,
    ListPatch,
    Margin,
    Scenario,
    ScenarioSpec,
    VerdictSpec,
    WeightPatch,
)
from funnel.stages.spec import FunnelSpec
from tests.projects import ARMS, HEAD, problems, write

# What resolves to what


def test_the_change_lands_at_the_stages_that_the_arm_names(scenarios):
    scenario = load("bubbles")
    baseline, late_only, both = scenario.arms.values()
    assert list(scenario.arms) == ["baseline", "late_only", "both"]
    assert baseline == scenario.base
    assert late_only.stages.early == scenario.base.stages.early
    assert late_only.stages.late.features == ("content", "age", "history_match", "bubble_count")
    assert late_only.stages.late.tasks == ("long_view", "like", "bubble_engage")
    assert late_only.stages.late.formula == {"long_view": 1.0, "like": 0.5, "bubble_engage": 1.0}
    assert late_only.stages.late.model == scenario.base.stages.late.model
    assert both.stages.late == late_only.stages.late
    assert both.stages.early.features == ("content", "age", "bubble_count")


def test_both_faces_give_equal_objects(scenarios):
    spec = ScenarioSpec(
        name="bubbles",
        question="Are candidates lost upstream?",
        base="reels",
        seeds=5,
        change=Change(
            features=ListPatch(add=("bubble_count",)),
            tasks=ListPatch(add=("bubble_engage",)),
            formula=WeightPatch(bubble_engage=1.0),
        ),
        arms={"baseline": ArmSpec(), "late_only": ArmSpec(at=("late",)), "both": ArmSpec(at=("early", "late"))},
        verdict=VerdictSpec(
            proposal="late_only", reference="both", baseline="baseline", margin=Margin(lost=0.02, value=0.01)
        ),
    )
    base = FunnelSpec.parse(read_toml(scenarios / "base" / "reels.toml"), "base")
    assert resolve(spec, base.table()) == load("bubbles")


def test_the_difference_of_an_arm_turns_the_base_into_it(scenarios):
    scenario = load("bubbles")
    for arm in scenario.arms.values():
        base = scenario.base.table()
        assert FunnelSpec.parse(merge(base, diff(base, arm.table())), "") == arm


def test_a_scenario_survives_the_way_to_another_process_and_to_a_file(scenarios):
    scenario = load("bubbles")
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert Scenario.parse(scenario.table(), "") == scenario


def test_an_arm_patches_anything_else_by_name(scenarios):
    patch = (
        "stages.early.keep = 20\nstages.late.model = { kind = 'shared_bottom' }\nunpaired = true\nworld.users = 99\n"
    )
    write(scenarios, HEAD + ARMS + "[arms.small]\nat = ['late']\n" + patch)
    small = load("bubbles").arms["small"]
    assert (small.stages.early.keep, small.world.users) == (20, 99)
    assert small.stages.late.model.kind == "shared_bottom"


def test_the_scenarios_patch_the_preset_and_the_user_come_in_this_order(scenarios):
    patch = "[patch]\nworld.users = 4_000\nworld.items = 700\ntraffic.requests = 40\n"
    write(scenarios, HEAD + ARMS + patch)
    assert load("bubbles").base.world.users == 4_000
    smoke = load("bubbles", preset="smoke", assignments=["base.world.items=800"])
    assert (smoke.base.world.users, smoke.base.world.items, smoke.base.traffic.requests) == (300, 800, 40)
    assert smoke.seeds == 2
    assert all(arm.world == smoke.base.world for arm in smoke.arms.values())
    assert load("bubbles", preset="smoke", seeds=7).seeds == 7


def test_any_field_can_be_assigned(scenarios):
    scenario = load(
        "bubbles",
        assignments=[
            "seeds=3",
            "question=Is this text",
            "arms.late_only.stages.early.keep=50",
            "base.stages.late.features={ remove = ['age'] }",
            "base.stages.late.model.kind=shared_bottom",
            "change.formula.bubble_engage=2",
        ],
    )
    assert (scenario.seeds, scenario.question) == (3, "Is this text")
    assert scenario.arms["late_only"].stages.early.keep == 50
    assert scenario.arms["late_only"].stages.late.features == ("content", "history_match", "bubble_count")
    assert scenario.base.stages.late.model.kind == "shared_bottom"
    assert scenario.arms["both"].stages.early.formula["bubble_engage"] == 2.0


def test_a_path_works_from_anywhere(scenarios, monkeypatch):
    scenario = load("bubbles")
    monkeypatch.chdir("/")
    assert load(scenarios / "bubbles.toml") == scenario


def test_the_list_tells_names_and_questions(scenarios):
    assert listing() == {"bubbles": "Are candidates lost upstream?"}


# What mistakes are told


def test_unknown_words_of_the_file_are_told_at_once(scenarios):
    write(
        scenarios,
        HEAD.replace("seeds = 5", "seeds = 0\nseed = 1")
        .replace("bubble_count", "bubble_cuont")
        .replace("lost =", "loss =")
        + ARMS.replace('"late"]', '"lat"]'),
    )
    assert problems() == (
        "arms.both.at: `lat` is not a ranking stage. Did you mean `late`?",
        "arms.late_only.at: `lat` is not a ranking stage. Did you mean `late`?",
        "change.features: `bubble_cuont` is not a feature. Did you mean `bubble_count`?",
        "seed: `seed` is not a known key. Did you mean `seeds`?",
        "seeds: should be greater than or equal to 1. Found 0.",
        "verdict.margin.loss: `loss` is not a known key. Did you mean `lost`?",
    )


def test_unknown_words_of_base_and_arms_are_told_at_once_and_once(scenarios):
    arms = """
stages.early.modle = 1
stages.early.tasks = ["long_view", "lik"]
stage.late = 1
[arms.fourth]
stages.late.model.kind = "mmo"
[arms.fifth]
stages.middle.keep = 3
"""
    write(scenarios, HEAD + ARMS + arms + "[patch]\nworld.userz = 5\n")
    assert problems() == (
        "base.world.userz: `userz` is not a known key. Did you mean `users`?",
        "arms.both.stage: `stage` is not a known key. Did you mean `stages`?",
        "arms.both.stages.early.modle: `modle` is not a known key. Did you mean `model`?",
        "arms.both.stages.early.tasks: `lik` is not a task. Did you mean `like`?",
        "arms.fourth.stages.late.model.kind: `mmo` is not a known kind. Did you mean `mmoe`?",
        "arms.fifth.stages.middle: `middle` is not a known key. Known: cascade, early, late.",
    )


@pytest.mark.parametrize(
    ("arms", "told"),
    [
        (
            '[arms.again]\nat = ["late"]',
            "arms.again: should differ from arm `late_only`. Found the same funnel in both. Remove one, or give it an "
            "`at` or a patch of its own.",
        ),
        (
            "[arms.idle]\nstages.early.keep = 100",
            "arms.idle: should differ from arm `baseline`. Found the same funnel in both. Remove one, or give it an "
            "`at` or a patch of its own.",
        ),
        (
            "[arms.far]\nworld.users = 9",
            "arms.far.world: should be the base's, so that arms are paired. Found a patch. Put it into `[patch]`, or "
            "say `unpaired = true` in the arm.",
        ),
        (
            "[arms.dear]\nunpaired = true\nvalue.formula.like = 2.0",
            "arms.dear.value: should be the same for every arm. Found a patch. Put it into `[patch]`.",
        ),
        (
            "[arms.short]\nevaluation.requests = 3",
            "arms.short.evaluation: should be the same for every arm. Found a patch. Put it into `[patch]`.",
        ),
        (
            "[arms.long]\nstages.late.keep = 11",
            "arms.long.stages.late.keep: should be the same for every arm. Found a patch. Put it into `[patch]`.",
        ),
        (
            "[arms.wide]\nstages.early.keep = 200",
            "arms.wide: stage `early` keeps 200 but receives 120 from `retrieval`. Raise the budget of a source or "
            "lower `stages.early.keep`.",
        ),
        (
            "[arms.wide]\nstages.late.keep = 101",
            "arms.wide.stages: stage `late` keeps 101 but receives 100 from `early`. Raise `early.keep` or lower "
            "`late.keep`.",
        ),
        (
            "[arms.blind]\nstages.early.formula.share = 1.0",
            "arms.blind.stages.early: formula: `share` is not a task that the stage predicts. Known: like, long_view.",
        ),
        (
            '[arms.dear]\nstages.early.features.add = ["history_match"]',
            "arms.dear.stages: `history_match` is a feature that stage `early` cannot afford. It is for: late.",
        ),
        (
            '[arms.twice]\nstages.early.features = ["age", "age"]',
            "arms.twice.stages.early.features: should name each feature once. Found `age` twice.",
        ),
        (
            '[arms.orphan]\nstages.late.tasks.add = ["conversion"]\nstages.late.formula.conversion = 5.0',
            "arms.orphan.stages.late: formula: `conversion` should count by the probability of its condition `click`. "
            "Found a stage that predicts only long_view, like, conversion. Add `click` to its tasks, or take "
            "`conversion` out of the formula.",
        ),
        (
            '[arms.powers]\nstages.late.combine = "product"\nstages.late.tasks.add = ["watch_grade"]\n'
            "stages.late.formula.watch_grade = 0.5",
            "arms.powers.stages.late: formula: a product should weigh binary tasks. Found `watch_grade`, a graded "
            'task. Take it out, or say `combine = "sum"`.',
        ),
        ('[arms.more]\nat = ["late", "late"]', "arms.more.at: should name each stage once. Found `late` twice."),
        (
            '[arms.more]\nat = ["late"]\nstages.late.tasks.add = ["bubble_engage"]',
            "arms.more.stages.late.tasks.add: `bubble_engage` is there already.",
        ),
    ],
)
def test_an_arm_that_cannot_be_is_told(scenarios, arms, told):
    write(scenarios, HEAD + ARMS + arms)
    assert problems() == (told,)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"late_only"', '"late_onl"', "verdict.proposal: `late_onl` is not an arm. Did you mean `late_only`?"),
        (
            'reference = "both"',
            'reference = "baseline"',
            "verdict: should compare three different arms. Found proposal `late_only`, reference `baseline`, baseline "
            "`baseline`.",
        ),
        ('name = "bubbles"', 'name = "bubble"', "name: should be `bubbles`, as its file is called. Found `bubble`."),
        ('base = "reels"', 'base = "reel"', "`reel` is not a base in scenarios/base. Did you mean `reels`?"),
        ("lost = 0.02", "lost = 0", "verdict.margin.lost: should be greater than 0. Found 0."),
    ],
)
def test_a_head_that_cannot_be_is_told(scenarios, before, after, told):
    write(scenarios, HEAD.replace(before, after) + ARMS)
    assert problems() == (told,)


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("seeds", "--set seeds: should be `path=value`, as in `base.world.users=5000`."),
        ("base.wrld.users=3", "base.wrld: `wrld` is not a known key. Did you mean `world`?"),
        ("seeds.x=3", "seeds.x: `seeds` should be a table. Found 5."),
        ("base.world.users=few", "base.world.users: should be a valid integer, unable to parse string as an integer. "
         "Found 'few'."),
    ],
)  # fmt: skip
def test_an_assignment_that_cannot_be_is_told(scenarios, assignment, told):
    assert problems(assignments=[assignment]) == (told,)


def test_an_unknown_name_is_told_with_the_nearest(scenarios, monkeypatch):
    with pytest.raises(SpecError, match=r"^`bubles` is not a scenario in scenarios\. Did you mean `bubbles`\?$"):
        load("bubles")
    assert problems(preset="smok") == ("`smok` is not a preset in scenarios/presets. Did you mean `smoke`?",)
    with pytest.raises(SpecError, match=r"^none/x\.toml: should be a scenario file\. Found none\.$"):
        load("none/x.toml")
    monkeypatch.chdir("/")
    with pytest.raises(SpecError) as caught:
        load("bubbles")
    assert str(caught.value) == (
        "scenarios: should be a folder with TOML files. Found none. Run from the project's folder."
    )


def test_a_preset_with_an_unknown_key_is_told(scenarios):
    (scenarios / "presets" / "smoke.toml").write_text("seed = 2\n")
    assert problems(preset="smoke") == ("presets.smoke.seed: `seed` is not a known key. Did you mean `seeds`?",)


def test_a_file_that_is_no_toml_is_told_with_its_line(scenarios):
    write(scenarios, "name = \n")
    assert problems() == ("scenarios/bubbles.toml: should be TOML. Found: Invalid value (at line 1, column 8).",)
    (scenarios / "bubbles.toml").write_bytes(b"\xff\xfe")
    assert problems()[0].startswith("scenarios/bubbles.toml: should be a readable text file. Found: 'utf-8' codec")


def test_a_patch_of_one_field_leaves_its_neighbours_as_they_were(scenarios):
    plain, patched = load("bubbles"), load("bubbles", assignments=["base.world.engagement.channels.like.base=-4.0"])
    before, after = (scenario.base.world.engagement.channels for scenario in (plain, patched))
    assert after["like"] == before["like"].model_copy(update={"base": -4.0})
    assert {name: law for name, law in after.items() if name != "like"} == {
        name: law for name, law in before.items() if name != "like"
    }


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        (
            "base.world.engagement.channels.lik.base=-4.0",
            "base.world.engagement.channels: `lik` is not a channel. Did you mean `like`?",
        ),
        (
            "base.world.engagement.channels.remove=['hide']",
            "base.world.engagement.channels: Channel `hide` should have a law. Found none.",
        ),
        (
            "base.value.formula.remove=['long_view', 'like']",
            "base.value: should weigh a task that the change does not add. Found only `bubble_engage`. "
            "Weigh another one.",
        ),
    ],
)
def test_channels_are_known_and_complete_and_something_is_left_of_the_value(scenarios, assignment, told):
    assert problems(assignments=[assignment]) == (told,)


# Diagnostics


def test_diagnostics_are_asked_for_by_the_scenario(scenarios):
    assert (load("bubbles").diagnostics, load("bubbles").frontier) == (False, None)
    asked = load("bubbles", assignments=["diagnostics=true", "frontier=['long_view', 'bubble_engage']"])
    assert (asked.diagnostics, asked.frontier) == (True, ("long_view", "bubble_engage"))
    assert asked.arms == load("bubbles").arms


@pytest.mark.parametrize(
    ("assignments", "told"),
    [
        (
            ["diagnostics=true", "frontier=['long_view', 'lik']"],
            ("frontier: `lik` is not a task. Did you mean `like`?",),
        ),
        (
            ["diagnostics=true", "frontier=['like', 'like']"],
            ("frontier: should name two different tasks. Found `like` twice.",),
        ),
        (
            ["diagnostics=true", "frontier=['like', 'share']"],
            (
                "frontier: `share` is not a task that the late stage of the proposal `late_only` predicts. "
                "Known: bubble_engage, like, long_view.",
            ),
        ),
        (
            ["frontier=['like', 'long_view']"],
            (
                "frontier: should stand beside `diagnostics = true`, which it is a part of. Found "
                "`diagnostics = false`. Switch it on, or remove `frontier`.",
            ),
        ),
    ],
)
def test_a_frontier_that_cannot_be_is_told(scenarios, assignments, told):
    assert problems(assignments=assignments) == told


# What arms share, and what keeps them honest


def test_a_patch_of_every_arm_leaves_the_funnel_that_serves_the_traffic_as_it_is(scenarios):
    plain = load("bubbles")
    write(scenarios, HEAD + ARMS + "stages.early.keep = 30\n[every]\nstages.early.keep = 50\ntowers.train.epochs = 2\n")
    laid = load("bubbles")
    assert laid.base == plain.base
    assert [arm.stages.early.keep for arm in laid.arms.values()] == [50, 50, 30]  # an arm's own word comes last
    assert {arm.towers.train.epochs for arm in laid.arms.values()} == {2}
    assert laid.arms["both"].stages.early.features == plain.arms["both"].stages.early.features


def test_an_arm_names_the_arm_that_keeps_it_honest(scenarios):
    repair = "[arms.wide]\nat = ['late']\nstages.early.keep = 110\ncontrol = 'late_only'\n"
    write(scenarios, "null = true\n" + HEAD + ARMS + repair)
    scenario = load("bubbles")
    assert (scenario.controls, scenario.null) == ({"wide": "late_only"}, True)
    assert (load("bubbles", assignments=["null=false"]).null, Scenario.parse(scenario.table(), "")) == (False, scenario)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[arms.wide]\ncontrol = 'bth'", ("arms.wide.control: `bth` is not an arm. Did you mean `both`?",)),
        (
            "[arms.wide]\nstages.early.keep = 110\ncontrol = 'wide'",
            (
                "arms.wide.control: should be another arm. Found the arm itself. Name the one that keeps it honest.",
            ),
        ),
        (
            "[contrasts.gain]\nboth = 1\nbaselin = -1",
            ("contrasts.gain: `baselin` is not an arm. Did you mean `baseline`?",),
        ),
        (
            "[contrasts.gain]\nboth = 2\nbaseline = -1",
            (
                "contrasts.gain: weights should add up to 0, so that what all arms have in common drops out. Found 1.",
            ),
        ),
        ("[contrasts.gain]\nboth = 1", ("contrasts: `gain` should weigh two arms at least. Found 1.",)),
        (
            "[every]\nworld.users = 7\nvalue.formula.like = 2.0\nevaluation.requests = 3\nstages.late.keep = 11",
            (
                "every.value: should be the same for every arm. Found a patch. Put it into `[patch]`.",
                "every.evaluation: should be the same for every arm. Found a patch. Put it into `[patch]`.",
                "every.stages.late.keep: should be the same for every arm. Found a patch. Put it into `[patch]`.",
                "every.world: should be the base's, so that arms are paired. Found a patch. Put it into `[patch]`.",
            ),
        ),
        (
            "[every]\nstages.early.kep = 7\ntower.width = 3",
            (
                "every.stages.early.kep: `kep` is not a known key. Did you mean `keep`?",
                "every.tower: `tower` is not a known key. Did you mean `towers`?",
            ),
        ),
        (
            "[every]\nstages.early.keep = 110\n[arms.same]\nstages.early.keep = 110",
            (
                "arms.same: should differ from arm `baseline`. Found the same funnel in both. Remove one, or give it "
                "an `at` or a patch of its own.",
            ),
        ),
    ],
)  # fmt: skip
def test_what_arms_share_and_who_keeps_them_honest_is_checked(scenarios, text, told):
    write(scenarios, HEAD + ARMS + text)
    assert problems()[-len(told) :] == told


def test_a_source_keeps_its_place_in_every_arm(scenarios):
    """The base of these tests names one source, and the defaults stand in for no other."""
    more = "[arms.more]\nretrieval.sources.fresh = { kind = 'fresh', budget = 9 }\n"
    write(scenarios, HEAD + ARMS + more)
    assert list(load("bubbles").arms["more"].retrieval.sources) == ["nearest", "fresh"]
    other = "[arms.other]\nretrieval.sources = { remove = ['nearest'], new = { kind = 'fresh', budget = 120 } }\n"
    write(scenarios, HEAD + ARMS + more + other)
    assert problems() == (
        "arms.other.retrieval.sources: should begin with the base's nearest, in this order. Found new. Add new ones "
        "behind, and switch one off by `budget = 0`.",
    )


def test_a_patch_of_every_arm_may_need_what_the_change_brings(scenarios):
    """`every` alone would weigh a task that nobody predicts; all arms predict it."""
    arms = ARMS.replace("at = []", "at = ['late']\nreplica = 1")
    write(scenarios, HEAD + arms + "[every]\nstages.late.formula.bubble_engage = 3.0\n")
    assert load("bubbles").arms["baseline"].stages.late.formula["bubble_engage"] == 1.0
    write(scenarios, HEAD + ARMS + "[every]\nstages.late.formula.bubble_engage = 3.0\n")
    assert problems() == (
        "every.stages.late: formula: `bubble_engage` is not a task that the stage predicts. Known: like, long_view.",
    )
