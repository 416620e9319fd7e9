"""Worlds in the scenario language: synthetic and fitted ones, and the folder that a user brings."""

import pytest

from funnel.errors import SpecError
from funnel.scenario.file import load
from funnel.stages.spec import FunnelSpec
from funnel.world.fitted.spec import FittedSpec
from tests.projects import ARMS, HEAD, problems, write

PRESET = "[patch]\ntraffic.requests = 40\n[synthetic]\nworld.users = 300\n[fitted]\nworld.users = 200\n"


def test_a_folder_of_data_makes_the_world_a_fitted_one_from_its_own_defaults(scenarios):
    scenario = load("bubbles", world="plays", lenient=True)
    assert scenario.base.world == FittedSpec(source="plays", lenient=True)
    assert all(arm.world == scenario.base.world for arm in scenario.arms.values())
    assert scenario.origin.changes == {"world": {"kind": "fitted", "source": "plays", "lenient": True}}
    assert replaced(scenario.base, load("bubbles").base.world) == load("bubbles").base


def replaced(funnel: FunnelSpec, world) -> FunnelSpec:
    return funnel.model_copy(update={"world": world})


def test_the_scenarios_patch_is_of_the_world_that_the_user_chose_and_the_users_folder_wins(scenarios):
    write(scenarios, HEAD + ARMS + "[patch]\nworld = { neighbours = 7, engagement = { cue = 0.0 } }\n")
    found = load("bubbles", world="plays", assignments=["base.world.items=70"]).base.world
    assert (found.source, found.neighbours, found.items, found.engagement.cue) == ("plays", 7, 70, 0.0)
    write(scenarios, HEAD + ARMS + "[patch]\nworld = { kind = 'fitted', source = 'ratings', neighbours = 7 }\n")
    for folder in ("plays", None):
        found = load("bubbles", world=folder, lenient=True).base.world
        assert (found.source, found.neighbours, found.lenient) == (folder or "ratings", 7, True)


def test_a_patch_of_a_chosen_world_leaves_the_neighbours_of_its_fields(scenarios):
    patch = "world.engagement.channels.like.base = -4.0\n"
    write(scenarios, HEAD + ARMS + f"[patch]\n{patch}")
    chosen = load("bubbles", world="plays")
    write(scenarios, HEAD + ARMS + f"[patch]\nworld.kind = 'fitted'\nworld.source = 'plays'\n{patch}")
    assert chosen == load("bubbles")
    like, plain = (world.engagement.channels["like"] for world in (chosen.base.world, FittedSpec(source="plays")))
    assert (like.base, like.taste, like.friend) == (-4.0, plain.taste, plain.friend)
    said = {"kind": "fitted", "source": "plays", "engagement": {"channels": {"like": {"base": -4.0}}}}
    assert chosen.origin.changes == {"world": said}


def test_a_preset_has_a_part_for_each_kind_of_world(scenarios):
    (scenarios / "presets" / "smoke.toml").write_text(PRESET)
    drawn = load("bubbles", preset="smoke").base
    assert (drawn.world.kind, drawn.world.users, drawn.traffic.requests) == ("synthetic", 300, 40)
    fitted = load("bubbles", preset="smoke", world="plays").base
    assert (fitted.world.kind, fitted.world.users, fitted.traffic.requests) == ("fitted", 200, 40)
    write(scenarios, HEAD + ARMS + "[patch]\nworld = { kind = 'fitted', source = 'plays' }\n")
    assert load("bubbles", preset="smoke").base == fitted


def test_points_of_a_sweep_live_in_the_world_that_the_user_chose(scenarios):
    write(scenarios, HEAD + ARMS + "[sweep.cue]\nbase.world.engagement.cue = [0.0, 0.1]\n")
    worlds = [point.scenario.base.world for point in load("bubbles", world="plays", lenient=True).points]
    assert [(world.source, world.lenient, world.engagement.cue) for world in worlds] == [
        ("plays", True, 0.0),
        ("plays", True, 0.1),
    ]


def test_a_patch_of_what_a_fitted_world_has_not_is_told(scenarios):
    write(scenarios, HEAD + ARMS + "[patch]\nworld.friends.mean = 30\nworld.creators = 5\n")
    assert problems(world="plays") == (
        "base.world.creators: `creators` is not a known key. Did you mean `reactions`?",
        "base.world.friends.mean: `mean` is not a known key. Known: close, close_mutual, close_sigma, contact_close, "
        "contact_far, messages_close.",
    )


def test_bad_rows_can_be_dropped_of_files_only(scenarios):
    assert problems(lenient=True) == (
        "--lenient: should go with a world that is fitted to data. Found a synthetic one. Name a folder of data by "
        "`--world FOLDER`, or leave `--lenient` out.",
    )


def test_a_scenario_without_a_world_takes_no_data():
    with pytest.raises(SpecError) as caught:
        load("task_conflict", world="plays", lenient=True)
    assert caught.value.problems == tuple(
        f'{option}: should go with a scenario of a funnel. Found `kind = "task_conflict"`, which has no world. '
        "Leave it out."
        for option in ("--world", "--lenient")
    )


@pytest.mark.parametrize("world", ["", "[world]\nusers = 2_000\n", "world = 3\n"])
def test_a_base_with_a_fault_is_told_in_any_world(scenarios, world):
    base = scenarios / "base" / "reels.toml"
    text = base.read_text().replace("[world]\nusers = 2_000\n", world).replace("keep = 10\n", "kep = 10\nkeep = 10\n")
    base.write_text(text)
    assert "base.stages.late.kep: `kep` is not a known key. Did you mean `keep`?" in problems(world="plays")
