"""The fitted world: what the data says is kept, what is fitted is sound, what is assumed follows the seed."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from funnel.candidates import Requests
from funnel.errors import InputError
from funnel.intake.load import load
from funnel.tasks import Formula
from funnel.traffic.arrivals import arrivals
from funnel.traffic.bootstrap import bootstrap
from funnel.world import oracle
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.fitted.source import data_of
from funnel.world.fitted.sources import sources
from funnel.world.fitted.spec import FactorsSpec, FittedSpec
from funnel.world.generate import generate
from funnel.world.observed import Observed
from funnel.world.truth import Truth, match
from funnel.world.world import World
from tests.listeners import ITEMS, USERS, folder

SHAPES = {
    "counts": {},
    "ratings": {"measure": "rating", "timed": True, "friends": False},
    "events": {"measure": "event", "timed": True, "items": True},
    "bare": {"measure": "event", "friends": False},
}
"""folders that differ in all that a world asks of one"""


def fitted(at, **how) -> FittedSpec:
    return FittedSpec(source=str(folder(at, **how)), factors=FactorsSpec(dims=8), history=6, neighbours=4)


@pytest.fixture(params=SHAPES)
def spec(request, tmp_path) -> FittedSpec:
    return fitted(tmp_path / request.param, **SHAPES[request.param])


@pytest.fixture(scope="module")
def listeners(tmp_path_factory) -> World:
    return generate(fitted(tmp_path_factory.mktemp("listeners") / "data"), 0)


def arrays(world: World) -> dict[str, np.ndarray]:
    parts = [
        (side, part, field.name) for side, part in (("truth", Truth), ("observed", Observed)) for field in fields(part)
    ]
    named = {f"{side}.{name}": getattr(getattr(world, side), name) for side, _, name in parts}
    return {name: array for name, array in named.items() if isinstance(array, np.ndarray)}


def differences(a: World, b: World) -> set[str]:
    return {name for name, array in arrays(a).items() if not np.array_equal(array, arrays(b)[name])}


def test_a_world_is_a_function_of_spec_and_seed(spec, tmp_path):
    world = generate(spec, 3)
    assert differences(world, generate(spec, 3)) == set()
    world.save(tmp_path)
    again = World.load(tmp_path)
    assert differences(world, again) == set() and again.spec == spec and again.seed == 3


def test_it_has_the_shapes_and_dtypes_of_a_synthetic_one(spec, world):
    made = generate(spec, 0)
    sizes = {world.users: made.users, world.items: made.items, world.spec.history: 6}
    for name, array in arrays(made).items():
        model = arrays(world)[name]
        assert array.ndim == model.ndim and np.isfinite(array).all(), name
        assert name == "observed.messages" or array.dtype == model.dtype, name
        assert all(sizes[old] == new for old, new in zip(model.shape, array.shape, strict=True) if old in sizes), name
    for shares in (made.truth.popularity, made.truth.activity):
        assert shares.min() > 0 and shares.sum() == pytest.approx(1, abs=1e-5)
    for vectors in (made.truth.taste, made.truth.topic, made.observed.content, made.observed.interests):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_every_array_has_one_source(spec):
    told = [name for source in sources(data_of(spec)) for name in source.arrays]
    assert len(told) == len(set(told))
    known = {field.name for part in (Truth, Observed) for field in fields(part)} - {"cap", "surfaces"}
    assert set(told) == known


def test_all_that_reads_worlds_runs_on_it(spec):
    world = generate(spec, 0)
    users = arrivals(world, "evaluation", 40).user
    engagement, value = Engagement.of(world), Formula(formula={"long_view": 1.0, "like": 0.5, "bubble_engage": 1.0})
    best = oracle.top(engagement, value, users, 5)
    assert best.item.shape == (40, 5) and np.isfinite(best.value).all()
    bubbles = join(world.observed, users)
    assert len(bubbles.item) > 0 and np.isfinite(engagement.cue(bubbles)).all()
    requests = Requests(np.arange(40), users)
    neighbours = np.tile(np.arange(9), (40, 1))
    slates = bootstrap(requests, neighbours, world.observed.past_views, 0.5, 5, 0)
    assert slates.item.max() < ITEMS


def test_what_the_data_says_is_kept(listeners):
    brought, o = data_of(listeners.spec), listeners.observed
    owner = np.repeat(np.arange(USERS), np.diff(o.friend_offsets))
    there = np.stack([owner, o.friend], 1)[owner < o.friend]
    assert sorted(there.tolist()) == brought.friends.tolist()
    assert np.array_equal(o.messages, brought.friend_weight)
    assert np.array_equal(o.past_views, np.bincount(brought.item))
    assert np.allclose(o.activity, np.bincount(brought.user, brought.weight))
    assert np.allclose(listeners.truth.activity, o.activity / o.activity.sum())


def test_closeness_goes_with_the_weight_of_a_friendship(listeners):
    o, closeness = listeners.observed, listeners.truth.closeness
    unexplained = np.log(closeness / (1 - closeness)) - listeners.spec.friends.close_mutual * np.log1p(o.mutual)
    assert 0.4 < np.corrcoef(o.messages, unexplained)[0, 1] < 0.95
    assert unexplained.std() == pytest.approx(listeners.spec.friends.close_sigma, rel=0.15)


def own(brought) -> set[tuple[int, int]]:
    return set(zip(brought.user.tolist(), brought.item.tolist(), strict=True))


def test_history_and_reactions_are_the_users_own(spec):
    world, brought = generate(spec, 0), data_of(spec)
    watched = zip(np.repeat(np.arange(USERS), 6).tolist(), world.observed.history.ravel().tolist(), strict=True)
    assert set(watched) <= own(brought)
    reactor = np.repeat(np.arange(USERS), np.diff(world.observed.reaction_offsets))
    reacted = list(zip(reactor.tolist(), world.observed.reaction_item.tolist(), strict=True))
    assert len(reacted) == len(set(reacted)) and set(reacted) <= own(brought)
    assert len(reacted) > USERS


def test_nobody_reacts_to_what_they_rated_below_their_mean(tmp_path):
    spec = fitted(tmp_path / "data", measure="rating")
    brought, o = data_of(spec), generate(spec, 0).observed
    rated = dict(zip(zip(brought.user, brought.item, strict=True), brought.weight, strict=True))
    mean = np.bincount(brought.user, brought.weight) / np.bincount(brought.user)
    reactor = np.repeat(np.arange(USERS), np.diff(o.reaction_offsets))
    assert all(rated[user, item] >= mean[user] - 1e-4 for user, item in zip(reactor, o.reaction_item, strict=True))


def test_with_times_the_latest_come_first_and_no_seed_changes_them(tmp_path):
    spec = fitted(tmp_path / "data", timed=True)
    brought, history = data_of(spec), generate(spec, 0).observed.history
    for user in range(USERS):
        mine = brought.user == user
        latest = brought.item[mine][np.argsort(-brought.time[mine])]
        assert history[user].tolist() == np.resize(latest, max(6, len(latest)))[:6].tolist()
    assert np.array_equal(history, generate(spec, 1).observed.history)


def test_of_items_of_one_time_the_lot_decides(tmp_path):
    rows = pl.DataFrame({"user": np.repeat(np.arange(200), 20), "item": np.tile(np.arange(20), 200), "time": 5})
    rows.write_csv(tmp_path / "interactions.csv")
    history = generate(FittedSpec(source=str(tmp_path), history=5), 0).observed.history
    # Each item should stand in a quarter of the histories; of 200 the sd is 6.
    assert np.abs(np.bincount(history.ravel(), minlength=20) - 50).max() < 25


def test_a_short_history_is_repeated(tmp_path):
    spec = fitted(tmp_path / "data").model_copy(update={"history": 200})
    brought, history = data_of(spec), generate(spec, 0).observed.history
    assert history.shape == (USERS, 200)
    assert all(set(history[user]) == set(brought.item[brought.user == user]) for user in range(USERS))


def test_items_are_as_their_table_says(tmp_path):
    spec = fitted(tmp_path / "data", timed=True, items=True)
    o, brought = generate(spec, 0).observed, data_of(spec)
    assert np.array_equal(o.creator, brought.creator) and np.array_equal(o.duration, brought.duration)
    assert np.allclose(o.age, (brought.time.max() - brought.published) / 86_400)


def test_a_seed_redraws_what_is_assumed_and_never_the_data(listeners):
    changed = differences(listeners, generate(listeners.spec, 1))
    data_alone = {
        "activity",
        "popularity",
        "past_views",
        "creator",
        "friend_count",
        "friend_offsets",
        "mutual",
        "messages",
    }
    assert {name.split(".")[1] for name in changed} & data_alone == set()
    redrawn = {"tendency", "quality", "appeal", "duration", "age", "contact_days", "history", "reaction_item", "taste"}
    assert redrawn <= {name.split(".")[1] for name in changed}


def test_the_match_is_standard_over_random_pairs_and_tells_own_items(listeners):
    taste, topic = listeners.truth.taste, listeners.truth.topic
    everything = match(taste[:, None], topic[None])
    brought = data_of(listeners.spec)
    assert abs(everything.mean()) < 0.05 and 0.7 < everything.std() < 1.6
    assert everything[brought.user, brought.item].mean() > 0.5
    same = (np.arange(USERS)[:, None] % 2) == (np.arange(ITEMS) >= ITEMS // 2)
    assert everything[same].mean() > everything[~same].mean() + 0.5


def test_friends_of_nearest_taste_are_of_nearest_taste(tmp_path):
    world = generate(fitted(tmp_path / "data", friends=False), 0)
    o, taste = world.observed, world.truth.taste
    alike = taste @ taste.T - 3 * np.eye(USERS)
    for user in range(USERS):
        friends = set(o.friend[o.friend_offsets[user] : o.friend_offsets[user + 1]].tolist())
        assert user not in friends and set(np.argsort(-alike[user])[:4].tolist()) <= friends
    assert o.friend_count.min() >= 4


def test_rates_are_met_and_other_channels_keep_their_base(listeners):
    spec = listeners.spec.model_copy(update={"rates": {"watch": 0.2, "like": 0.01}})
    world = generate(spec, 0)
    user, item = (part.ravel() for part in np.mgrid[:USERS, :ITEMS])
    engagement = Engagement.of(world)
    logits = engagement.logits(user, item, np.zeros(len(user), np.float32))
    weight = world.truth.activity[user] * world.truth.popularity[item]
    for channel, rate in spec.rates.items():
        found = np.average(expit(logits[:, engagement.channels.index(channel)]), weights=weight)
        assert found == pytest.approx(rate, rel=0.05)
    before, after = listeners.spec.engagement.channels, world.spec.engagement.channels
    assert {name for name in before if before[name] != after[name]} == {"watch", "like"}
    assert world.observed.past_likes.sum() > listeners.observed.past_likes.sum()
    assert world.spec.rates == spec.rates


def test_a_preset_may_ask_for_less(listeners):
    spec = listeners.spec.model_copy(update={"users": 25, "items": 30})
    part, whole = data_of(spec), load(Path(listeners.spec.source))
    assert (part.users, part.items) == (25, 30)
    popular = np.argsort(-np.bincount(whole.item), kind="stable")[:30]
    assert set(part.item_ids) == set(whole.item_ids[popular])
    ids = set(zip(whole.user_ids[whole.user], whole.item_ids[whole.item], strict=True))
    kept = set(zip(part.user_ids[part.user], part.item_ids[part.item], strict=True))
    assert kept == {(user, item) for user, item in ids if user in part.user_ids and item in part.item_ids}
    friends = {tuple(pair) for pair in whole.user_ids[whole.friends].tolist()}
    assert {tuple(pair) for pair in part.user_ids[part.friends].tolist()} == {
        (one, two) for one, two in friends if one in part.user_ids and two in part.user_ids
    }
    worlds = generate(spec, 0), generate(spec, 1)
    assert np.array_equal(worlds[0].observed.past_views, worlds[1].observed.past_views)


def test_a_folder_that_is_not_there_is_told_of(tmp_path):
    with pytest.raises(InputError):
        generate(FittedSpec(source=str(tmp_path / "nowhere")), 0)
