"""A world with surfaces: people stay themselves, the oracle stays exact, and all surfaces are asked alike."""

import numpy as np
import pytest

from funnel.errors import SpecError
from funnel.patch import merge
from funnel.stages.spec import FunnelSpec
from funnel.tasks import Formula
from funnel.traffic.arrivals import arrivals
from funnel.world import oracle
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.fitted.spec import FittedSpec
from funnel.world.generate import generate
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.truth import match
from funnel.world.world import World
from tests.worlds import SHOP, TINY

S = len(SHOP.surfaces)


def test_people_items_and_friendships_are_those_of_the_world_without_surfaces(world, shop):
    assert np.array_equal(shop.truth.tendency[::S], world.truth.tendency)
    for name in ("topic", "quality", "appeal", "popularity", "closeness"):
        assert np.array_equal(getattr(shop.truth, name), getattr(world.truth, name))
    for name in ("history", "interests", "activity", "friend_count", "eligible"):
        for place in range(S):
            assert np.array_equal(getattr(shop.observed, name)[place::S], getattr(world.observed, name))
    assert np.array_equal(shop.truth.taste[::S], world.truth.taste), "home has no intent"
    assert shop.users == S * world.users


def test_traffic_has_the_stated_shares(shop):
    shares = shop.truth.activity.reshape(-1, S).sum(0)
    assert shares == pytest.approx([0.6, 0.25, 0.15], abs=1e-6)
    asked = np.bincount(shop.observed.surface[arrivals(shop, "traffic", 4_000).user]) / 4_000
    assert asked == pytest.approx([0.6, 0.25, 0.15], abs=0.03)


def test_bubbles_of_a_viewer_are_those_of_the_user(world, shop):
    users = np.arange(0, world.users, 7)
    plain = join(world.observed, users)
    for place in range(S):
        bubbles = join(shop.observed, users * S + place)
        for name in ("offsets", "item", "edge", "strong", "closeness"):
            assert np.array_equal(getattr(bubbles, name), getattr(plain, name)), name


def test_an_intent_moves_taste_as_far_as_it_says_and_has_to_do_with_the_user(world, shop):
    home, search, related = (shop.truth.taste[place::S] for place in range(S))
    near = [match(home, other).mean() for other in (home, related, search)]
    assert near == sorted(near, reverse=True)
    strangers = match(home, np.roll(search, 1, 0)).mean()
    assert match(home, search).mean() > strangers + 0.3


def test_what_is_asked_for_is_seen_with_noise_and_only_where_there_is_an_intent(shop):
    intent = shop.observed.intent
    assert intent.shape == (shop.users, shop.truth.taste.shape[1]) and not intent[::S].any()
    assert np.allclose(np.linalg.norm(intent[1::S], axis=1), 1, atol=1e-5)
    seen = (intent[1::S] * shop.truth.taste[1::S]).sum(1)
    assert 0.5 < seen.mean() < 0.99
    # The reading is no item's content, or it would tell which item is meant.
    assert (intent[1::S] @ shop.observed.content.T).max() < 0.9999
    assert np.array_equal(shop.observed.asked[::S], shop.observed.interests[::S])
    assert np.array_equal(shop.observed.asked[1::S], intent[1::S])


def test_a_surface_more_moves_nobody_on_the_others(shop):
    surfaces = {name: SHOP.surfaces[name] for name in ("home", "search")}
    fewer = generate(SHOP.model_copy(update={"surfaces": surfaces}), seed=0)
    for place in range(2):
        assert np.array_equal(fewer.truth.taste[place::2], shop.truth.taste[place::S])
        assert np.array_equal(fewer.observed.intent[place::2], shop.observed.intent[place::S])


def test_base_rates_are_shifted_by_surface_and_channel(shop):
    engagement = Engagement.of(shop)
    shift = engagement.user_part[1::S] - engagement.user_part[::S]
    by_channel = dict(zip(engagement.channels, shift.mean(0), strict=True))
    assert {name: round(float(moved), 4) for name, moved in by_channel.items() if moved} == {
        "click": 0.7,
        "watch": -0.3,
    }


def test_the_oracle_of_viewers_is_exact(shop):
    engagement, users = Engagement.of(shop), np.arange(0, shop.users, 29)
    value = Formula(formula={"long_view": 1.0, "click": 3.0, "hide": -20.0, "bubble_engage": 0.5})
    answer = oracle.top(engagement, value, users, 6)
    items = np.arange(shop.items)
    for row, user in enumerate(users):
        bubbles = join(shop.observed, np.array([user]))
        rows = bubbles.find(np.zeros(len(items), np.int64), items)
        z = engagement.logits(np.full(len(items), user), items, engagement.friend_term(bubbles, rows))
        worth = engagement.value(value, z, shop.observed.duration, rows >= 0)
        assert answer.item[row].tolist() == np.lexsort((items, -worth))[:6].tolist()


def test_whoever_is_drawn_for_the_evaluation_asks_on_every_surface(shop):
    requests = arrivals(shop, "evaluation", 3 * 11 + 2)
    assert len(requests) == 33
    asked = requests.user.reshape(-1, S)
    assert (asked // S == asked[:, :1] // S).all() and (asked % S == np.arange(S)).all()
    assert np.array_equal(np.diff(requests.id), np.ones(32))


def test_a_world_with_surfaces_comes_back_from_its_folder(shop, tmp_path):
    shop.save(tmp_path)
    again = World.load(tmp_path)
    assert again.spec == shop.spec and again.observed.surfaces == S
    assert np.array_equal(again.observed.surface, shop.observed.surface)
    assert np.array_equal(again.observed.intent, shop.observed.intent)


def test_a_surface_without_traffic_or_of_unknown_channels_is_an_error_with_a_path():
    table = {"surfaces": {"home": {}, "search": {"share": 0.0, "base": {"clik": 1.0}}}}
    with pytest.raises(SpecError) as error:
        SyntheticSpec.parse(table, "base.world")
    assert str(error.value) == (
        "base.world.surfaces.search.base: `clik` is not a channel. Did you mean `click`?\n"
        "base.world.surfaces.search.share: should be above 0. Found 0. A surface without traffic has no log to learn "
        "from: take it out."
    )


def test_a_fitted_world_has_no_surfaces():
    with pytest.raises(SpecError) as error:
        FittedSpec.parse({"kind": "fitted", "source": "folder", "surfaces": {"home": {}}}, "base.world")
    assert str(error.value) == (
        "base.world.surfaces: should be empty, since no data that is read says where anything happened. Found `home`. "
        "Take them out, or choose a synthetic world."
    )


def test_worlds_that_differ_in_surfaces_do_not_draw_alike():
    assert not SHOP.draws_as(TINY)


FUNNEL = {
    "world": SHOP.table(),
    "stages": {
        "early": {
            "keep": 20,
            "features": ["interests", "surface", "tower_match"],
            "tasks": ["like"],
            "formula": {"like": 1.0},
        },
        "late": {
            "keep": 5,
            "features": ["interests", "surface", "intent_match", "tower_match"],
            "tasks": ["like"],
            "formula": {"like": 1.0},
            "model": {
                "kind": "tower_tree",
                "surfaces": ["home", "search", "related"],
                "fusion": {"search": ["intent_match"]},
            },
            "calibration": "surface_platt",
        },
    },
    "value": {"formula": {"like": 1.0}},
}


def told(**patch) -> str:
    with pytest.raises(SpecError) as error:
        FunnelSpec.parse(merge(FUNNEL, patch, "base"), "base")
    return str(error.value)


def test_a_funnel_on_surfaces_is_one_whose_model_and_world_agree():
    assert FunnelSpec.parse(FUNNEL, "base").stages.late.model.kind == "tower_tree"
    assert told(stages={"late": {"model": {"surfaces": ["search", "home"]}}}) == (
        "base: stages.late.model has a tree for each of search, home, which should be the surfaces of the world, in "
        "this order. Found home, search, related."
    )
    assert told(evaluation={"requests": 2}) == (
        "base: evaluation.requests: should be at least 3, since whoever is drawn asks on every surface. Found 2."
    )


def test_what_tells_surfaces_apart_needs_a_world_with_some():
    plain = {"world": TINY.table(), "stages": {"late": {"model": {"kind": "mmoe"}}}}
    with pytest.raises(SpecError) as error:
        FunnelSpec.parse(merge(FUNNEL, plain, "base") | {"world": TINY.table()}, "base")
    rule = "tells surfaces apart, so the world should have some. Found none. Give it `surfaces`, or take it out."
    assert str(error.value) == "base: " + " ".join(
        f"stages.{part} {rule}"
        for part in (
            "early: feature `surface`",
            "late: feature `surface`",
            "late: feature `intent_match`",
            "late: calibration `surface_platt`",
        )
    )
    with pytest.raises(SpecError) as error:
        FunnelSpec.parse(FUNNEL | {"world": TINY.table()}, "base")
    assert (
        "stages.late.model has a tree for each of home, search, related, which should be the surfaces of the "
        in str(error.value)
        and "Found none. Give the world `surfaces`." in str(error.value)
    )


def test_a_tower_tree_needs_to_be_told_of_the_surface_and_reads_what_it_fuses():
    assert told(stages={"late": {"features": ["interests", "intent_match"]}}) == (
        "base.stages.late: model `tower_tree` runs the tree of the surface that is asked on, so the features should "
        "name `surface`. Found interests, intent_match. Add it, or choose another model."
    )
    assert told(stages={"late": {"features": ["interests", "surface"]}}) == (
        "base.stages.late: model.fusion: `intent_match` is not a feature that the ranker reads. Known: interests, "
        "surface."
    )
    assert told(stages={"late": {"model": {"fusion": {"search": ["surface"]}}}}) == (
        "base.stages.late: model.fusion: `surface` is the same for all rows of a surface. Take it out."
    )
    assert told(stages={"late": {"model": {"fusion": {"serch": []}, "shared": 0, "private": 0}}}) == (
        "base.stages.late.model: fusion: `serch` is not a surface of the model. Did you mean `search`? should give "
        "each surface an expert. Found shared = 0 and private = 0. Raise one of them."
    )
