"""The account of a fitted world: plain, counted, and nothing that was assumed is left out."""

import json

import pytest

from funnel.world.fitted.account import account
from funnel.world.fitted.spec import FactorsSpec, FittedSpec
from funnel.world.laws import EngagementSpec, ReactionsSpec
from tests.accounts import People, made
from tests.listeners import folder


def assumed(at, rates: dict[str, float], **how) -> dict[str, object]:
    """What is told, by name."""
    spec = FittedSpec(source=str(folder(at, **how)), factors=FactorsSpec(dims=4), rates=rates)
    return {part["what"]: part["value"] for part in account(spec, 0)["assumed"]}


def test_every_law_and_setting_that_no_data_told_is_listed(tmp_path):
    told = assumed(tmp_path / "data", rates={"like": 0.05})
    engagement = set(EngagementSpec.model_fields) - {"channels"}
    assert {f"engagement.{name}" for name in engagement} | {
        f"reactions.{name}" for name in ReactionsSpec.model_fields
    } <= set(told)
    assert {f"engagement.channels.{name}" for name in EngagementSpec().channels} <= set(told)
    assert "base -2.5" in str(told["engagement.channels.watch"])
    assert told["rates.like"] == 0.05 and "base" not in str(told["engagement.channels.like"])


@pytest.mark.parametrize("there", [False, True])
def test_a_law_is_assumed_where_the_data_has_nothing(tmp_path, there):
    told = assumed(tmp_path / "data", rates={}, friends=there, items=there)
    for name in ("neighbours", "duration_median", "duration_sigma"):
        assert (name in told) is not there


def test_the_account_is_plain_json_and_counts_the_data():
    found = made()
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))
    assert found["counts"] == {
        "users": 200,
        "items": 120,
        "interactions": 4_000,
        "friendships": found["social"]["friendships"],
    }
    assert (found["layout"], found["graph"], found["dropped"]) == ("tables", "friends", [])


def test_all_of_the_world_is_observed_fitted_or_assumed():
    found = made()
    assert {part["origin"] for part in found["fitted"]} == {"observed", "fitted"}
    assert all(part["why"] for part in found["assumed"])


def test_without_friends_nearest_taste_stands_in_and_nothing_social_is_told():
    found = made(friends=False)
    assert (found["graph"], found["counts"]["friendships"], found["laws"]["degree"]) == ("nearest taste", 0, None)
    assert found["social"] == {
        "measured": False,
        "why": "The data has no friendships, so nothing tells what friends do to one another.",
    }


def test_the_same_data_and_seed_give_the_same_account(tmp_path):
    folder = People(1, users=120, items=60).write(tmp_path)
    first, again, other = (account(FittedSpec(source=str(folder)), seed) for seed in (0, 0, 1))
    assert first == again
    assert first["quality"] != other["quality"]


def test_a_part_of_the_data_is_told_beside_the_whole(tmp_path):
    spec = FittedSpec(source=str(folder(tmp_path / "data")), factors=FactorsSpec(dims=4))
    whole, part = account(spec, 0), account(spec.model_copy(update={"users": 30}), 0)
    assert whole["counts"] == whole["whole"] == part["whole"]
    assert part["counts"]["users"] == 30 and whole["counts"]["users"] > 30
