"""Feedback loops as they are written: who has the change in which round, and what every mistake is told."""

import pickle

import pytest

from funnel.patch import diff
from funnel.scenario.file import load
from funnel.scenario.rounds.resolve import stages_at
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import ArmSpec, Scenario
from tests.projects import ARMS, HEAD, problems, write

ROLL = "[arms.roll]\nat = []\nthen = { 2 = ['late'], 3 = ['early', 'late'] }\n"


def three(scenarios, text: str = "") -> None:
    """A loop of three rounds, with more of its arms in `text`."""
    write(scenarios, "rounds = 3\n" + HEAD + ARMS + text)


def test_a_round_is_the_scenario_with_the_change_where_it_is_then(scenarios):
    three(scenarios, ROLL)
    loop = load("bubbles", preset="smoke", seeds=4, assignments=["base.world.items=800"])
    assert isinstance(loop, Rounds) and (loop.name, loop.seeds, loop.count) == ("bubbles", 4, 3)
    assert [one.at["roll"] for one in loop.rounds] == [(), ("late",), ("early", "late")]
    for one in loop.rounds:
        assert one.arms["roll"] == one.arms[{0: "baseline", 1: "late_only", 2: "both"}[len(one.at["roll"])]]
    assert loop.last is loop.rounds[2]
    # What is no round's own is the same in all of them.
    first = loop.rounds[0].table()
    assert all(set(diff(first, one.table())) <= {"arms", "at"} for one in loop.rounds)


def test_one_round_is_a_scenario(scenarios):
    write(scenarios, HEAD + ARMS)
    plain = load("bubbles")
    three(scenarios)
    assert isinstance(plain, Scenario) and load("bubbles", assignments=["rounds=1"]) == plain
    assert load("bubbles").rounds == (plain,) * 3


def test_the_stages_of_a_round_are_those_of_the_last_step_that_has_begun():
    arm = ArmSpec(at=("early",), then={5: ("early", "late"), 3: ("late",)})
    assert [stages_at(arm, round) for round in range(1, 7)] == [
        *[("early",)] * 2,
        *[("late",)] * 2,
        *[("early", "late")] * 2,
    ]
    assert stages_at(ArmSpec(at=("late",)), 9) == ("late",)
    assert stages_at(ArmSpec(at=("late",), then={2: ()}), 2) == ()


def test_a_preset_shortens_a_loop_and_never_makes_one(scenarios):
    (scenarios / "presets" / "smoke.toml").write_text("rounds = 2\n")
    three(scenarios)
    assert load("bubbles", preset="smoke").count == 2
    write(scenarios, HEAD + ARMS)
    assert isinstance(load("bubbles", preset="smoke"), Scenario)


def test_a_loop_survives_the_way_to_another_process_and_to_a_file(scenarios):
    three(scenarios, ROLL)
    loop = load("bubbles")
    assert pickle.loads(pickle.dumps(loop)) == loop
    assert Rounds.parse(loop.table(), "") == loop


def test_arms_may_be_alike_in_some_rounds_and_not_in_all(scenarios):
    three(scenarios, ROLL)
    assert load("bubbles").rounds[0].arms["roll"] == load("bubbles").rounds[0].arms["baseline"]
    three(scenarios, ROLL + ROLL.replace("roll", "again"))
    assert problems() == (
        "arms.again: should differ from arm `roll`. Found the same funnel in both. Remove one, or give it an `at` or a "
        "patch of its own.",
    )


@pytest.mark.parametrize(
    ("assigned", "told"),
    [
        (["rounds=0"], ("rounds: should be greater than or equal to 1. Found 0.",)),
        (
            ["base.loop={requests=0, window=0, start='hot'}"],
            (
                "base.loop.requests: should be greater than or equal to 1. Found 0.",
                "base.loop.window: should be greater than or equal to 1. Found 0.",
                "base.loop.start: `hot` is not a known choice. Known: cold, warm.",
            ),
        ),
        (
            ["arms.both.loop.window=4"],
            (
                "arms.both.loop.window: should be at most 3, the number of rounds, since no more logs come together. "
                "Found 4. Lower it, or raise `rounds`.",
            ),
        ),
        (
            ["base.loop.start=warm", "every.stages.cascade={}"],
            (
                'every: `loop.start = "warm"` goes on from rankers that were trained one by one. Found '
                "`stages.cascade`, which trains two at once. Take one of them out.",
            ),
        ),
        (["base.wrld.users=3"], ("base.wrld: `wrld` is not a known key. Did you mean `world`?",)),
        (
            ["arms.both.then={1=['early', 'late'], 4=['early']}"],
            (
                "arms.both.then.1: should be a round from 2 to 3, the last one. Found 1.",
                "arms.both.then.4: should be a round from 2 to 3, the last one. Found 4.",
            ),
        ),
        (
            ["arms.late_only.then={2=['lat']}"],
            ("arms.late_only.then: `lat` is not a ranking stage. Did you mean `late`?",),
        ),
        (
            ["rounds=1", "arms.late_only.then={2=['early'], 3=[]}"],
            (
                "arms.late_only.then: should be left out of a scenario of one round. Found rounds 2, 3. Set `rounds`, "
                "or leave it out.",
            ),
        ),
        (
            ["diagnostics=true", "null=true", "contrasts.gain={both=1, baseline=-1}"],
            (
                "contrasts: should be left out of a scenario of 3 rounds, whose page does not tell of it. Found "
                '{"gain": {"both": 1.0, "baseline": -1.0}}.',
                "diagnostics: should be left out of a scenario of 3 rounds, whose page does not tell of it. Found "
                "true.",
                "null: should be left out of a scenario of 3 rounds, whose page does not tell of it. Found true.",
            ),
        ),
        (
            ["sweep.keep.every.stages.early.keep=[25, 50]"],
            (
                "sweep: should be left out of a scenario of 3 rounds, whose page does not tell of it. Found "
                '{"keep": {"every": {"stages": {"early": {"keep": [25, 50]}}}}}.',
            ),
        ),
    ],
)  # fmt: skip
def test_a_loop_that_cannot_be_is_told(scenarios, assigned, told):
    three(scenarios)
    assert sorted(problems(assignments=assigned)) == sorted(told)


def test_a_fitted_world_does_not_go_on(scenarios):
    three(scenarios)
    assert problems(assignments=["base.world={kind='fitted', source='people'}"]) == (
        "rounds: should be 1 in a fitted world, since nothing tells how it goes on. Found 3. Leave `rounds` out, or "
        "choose a synthetic world.",
    )


def test_a_world_with_surfaces_does_not_go_on(scenarios):
    three(scenarios)
    assert problems(assignments=["base.world.surfaces={home={share=0.6}, search={share=0.4}}"]) == (
        "rounds: should be 1 in a world with surfaces, which stays as it is. Found 3. Leave `rounds` out, or the "
        "surfaces.",
    )
