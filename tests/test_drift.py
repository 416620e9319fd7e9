"""A synthetic world moves on: what is in a steady state, what a log leaves behind, and what stays as it was."""

from dataclasses import fields, replace
from functools import reduce

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.tasks import TASKS
from funnel.world.bubbles import join
from funnel.world.generate import generate
from funnel.world.observed import REACTIONS, Observed
from funnel.world.synthetic.drift import Turn, drift
from funnel.world.synthetic.spec import DriftSpec
from funnel.world.truth import Truth
from funnel.world.world import World
from tests.worlds import TINY

STILL = TINY.model_copy(update={"drift": DriftSpec(days=0, reactions=0, closeness=0)})
"""a world in which nothing happens but what a log brings"""
STAYS = ("taste", "tendency", "activity")
"""latents that no drift touches"""


def shown(*rows: dict) -> pl.DataFrame:
    """`schema.IMPRESSIONS` of some impressions: `user`, `item`, and the tasks that came out; other fields are plain."""
    plain = dict.fromkeys(schema.IMPRESSIONS, 0) | {task.name: None if task.given else 0 for task in TASKS}
    table = [plain | {"propensity": 1.0, "explored": False} | row for row in rows]
    return pl.DataFrame(table, schema=schema.IMPRESSIONS)


NOTHING = shown()


@pytest.fixture(scope="module")
def still() -> World:
    return generate(STILL, seed=0)


def differing(one: World, other: World) -> set[str]:
    """Names of the fields of truth and observables that differ."""
    return {
        field.name
        for part, kind in (("truth", Truth), ("observed", Observed))
        for field in fields(kind)
        if not np.array_equal(getattr(getattr(one, part), field.name), getattr(getattr(other, part), field.name))
    }


def reactions(world: World, user: int) -> dict[int, str]:
    """The public reactions of a user, by item."""
    observed = world.observed
    own = slice(*observed.reaction_offsets[user : user + 2])
    found = zip(observed.reaction_item[own].tolist(), observed.reaction_kind[own].tolist(), strict=True)
    return {item: REACTIONS[kind] for item, kind in found}


# Nothing happens


def test_nothing_happens_where_nothing_does(still):
    assert differing(drift(still, 2, NOTHING), still) == set()


def test_the_same_round_moves_the_same_way_every_time_and_another_one_another(world):
    once = drift(world, 2, NOTHING)
    assert differing(once, drift(world, 2, NOTHING)) == set()
    assert differing(once, drift(world, 3, NOTHING)) >= {"age", "past_views", "reaction_item", "messages"}


def test_tastes_creators_and_the_graph_stay_and_the_first_world_is_left_alone(world):
    before = {name: np.array(value) for name, value in vars(world.observed).items() if isinstance(value, np.ndarray)}
    moved = drift(world, 2, shown({"user": 0, "item": 0, "like": 1, "long_view": 1}))
    for name in STAYS:
        assert np.array_equal(getattr(moved.truth, name), getattr(world.truth, name))
    for name in (
        "friend_offsets",
        "friend",
        "friend_edge",
        "friend_count",
        "mutual",
        "closeness",
        "eligible",
        "activity",
    ):
        assert np.array_equal(getattr(moved.observed, name), getattr(world.observed, name))
    assert all(np.array_equal(getattr(world.observed, name), value) for name, value in before.items())


# A steady state


@pytest.fixture(scope="module")
def old(world) -> World:
    """The world after as many rounds as replace nearly all items."""
    return reduce(lambda moved, round: drift(moved, round, NOTHING), range(2, 42), world)


def test_ages_and_reactions_are_after_many_rounds_what_they_were(world, old):
    assert (old.observed.arrived > 0).mean() > 0.95
    assert old.observed.age.mean() == pytest.approx(TINY.age_mean, rel=0.15)
    assert np.median(old.observed.age) == pytest.approx(np.log(2) * TINY.age_mean, rel=0.2)
    count = len(old.observed.reaction_item) / old.users
    assert count == pytest.approx(len(world.observed.reaction_item) / world.users, rel=0.15)
    assert old.truth.popularity.sum() == pytest.approx(1, abs=1e-5)
    assert old.truth.closeness.mean() == pytest.approx(world.truth.closeness.mean(), rel=0.05)
    lengths = np.linalg.norm(old.observed.interests, axis=1)
    assert np.allclose(lengths[lengths > 0], 1, atol=1e-5)


def test_counters_settle_at_what_items_collect_in_their_life(old):
    # An item is seen past_views times on the mean in the mean age, so that old ones have more and all of them as many.
    assert old.observed.past_views.mean() == pytest.approx(TINY.past_views, rel=0.25)
    young, aged = (old.observed.past_views[old.observed.age < TINY.age_mean / 4].mean(),
                   old.observed.past_views[old.observed.age > 2 * TINY.age_mean].mean())  # fmt: skip
    assert young < TINY.past_views / 2 < aged
    assert (old.observed.past_likes <= old.observed.past_views).all()
    assert (old.observed.past_clicks <= old.observed.past_views).all()


def test_as_many_items_leave_as_the_days_ask_for(world):
    turns = [Turn(TINY, seed, 2, TINY.items) for seed in range(20)]
    assert np.mean([turn.left.mean() for turn in turns]) == pytest.approx(1 - np.exp(-1 / TINY.age_mean), rel=0.1)
    assert turns[0].leaving == pytest.approx(1 - np.exp(-TINY.drift.days / TINY.age_mean))


def test_some_friendships_are_drawn_anew_with_what_shows_of_them(world):
    moved = drift(world, 2, NOTHING)
    changed = moved.truth.closeness != world.truth.closeness
    assert changed.mean() == pytest.approx(TINY.drift.closeness, rel=0.5)
    for name in ("messages", "contact_days"):
        old, new = getattr(world.observed, name), getattr(moved.observed, name)
        assert np.array_equal(old[~changed], new[~changed]) and not np.array_equal(old[changed], new[changed])


# Items that leave


def test_where_an_item_left_stands_a_new_one_of_which_nothing_is_known(world):
    left = Turn(TINY, world.seed, 2, TINY.items).left
    acts = {"user": 3, "like": 1, "click": 1, "long_view": 1}
    log = shown(*(acts | {"item": int(item)} for item in np.flatnonzero(left)))
    moved = drift(world, 2, log)
    here = moved.observed
    assert np.array_equal(here.arrived, np.where(left, 2, 0))
    assert (here.age[left] < TINY.drift.days).all()
    assert np.allclose(here.age[~left], world.observed.age[~left] + TINY.drift.days)
    # What was shown of the old items is nothing to the new ones that took their numbers.
    assert differing(moved, drift(world, 2, NOTHING)) == set()
    assert here.past_views[left].mean() < TINY.past_views / 4
    assert not np.array_equal(here.content[left], world.observed.content[left])
    assert np.array_equal(here.content[~left], world.observed.content[~left])
    assert here.creator.max() < TINY.creators


def test_a_new_item_is_in_nobodys_past(world):
    left = Turn(TINY, world.seed, 2, TINY.items).left
    quiet = TINY.model_copy(
        update={"reactions": TINY.reactions.model_copy(update={"mean": 1e-9}), "drift": DriftSpec(reactions=0)}
    )
    moved, before = drift(replace(world, spec=quiet), 2, NOTHING), world.observed
    for user in range(0, world.users, 20):
        assert reactions(moved, user) == {item: kind for item, kind in reactions(world, user).items() if not left[item]}
    # Where an item left a history, something else was watched outside; the rest stands as it stood.
    gone = left[before.history]
    assert gone.any() and np.array_equal(moved.observed.history[~gone], before.history[~gone])
    assert not np.array_equal(moved.observed.history[gone], before.history[gone])


# What a log leaves


def test_what_was_shown_counts_as_views_likes_and_clicks(still):
    rows = [
        {"user": 1, "item": 7, "like": 1, "click": 1},
        {"user": 2, "item": 7},
        {"user": 2, "item": 8, "click": 1},
    ]
    moved, before = drift(still, 2, shown(*rows)).observed, still.observed
    counted = {"past_views": {7: 2, 8: 1}, "past_likes": {7: 1}, "past_clicks": {7: 1, 8: 1}}
    for name, more in counted.items():
        added = getattr(moved, name) - getattr(before, name)
        assert {int(item): added[item] for item in np.flatnonzero(added)} == more


@pytest.mark.parametrize(
    ("acts", "kind"),
    [
        ({"like": 1}, "like"),
        ({"like": 1, "comment": 1}, "comment"),
        ({"like": 1, "comment": 1, "share": 1}, "share"),
        ({"long_view": 1, "click": 1, "follow": 1}, None),
    ],
)
def test_a_public_act_is_a_public_reaction_the_most_deliberate_counting(still, acts, kind):
    user = 5
    item = next(item for item in range(still.items) if item not in reactions(still, user))
    moved = drift(still, 2, shown({"user": user, "item": item, **acts}))
    assert reactions(moved, user) == reactions(still, user) | ({item: kind} if kind else {})


def test_of_several_reactions_to_an_item_the_oldest_counts(still):
    user = next(user for user in range(still.users) if reactions(still, user))
    item, kind = next(iter(reactions(still, user).items()))
    moved = drift(still, 2, shown({"user": user, "item": item, "share": 1, "comment": 1}))
    assert reactions(moved, user)[item] == kind and len(reactions(moved, user)) == len(reactions(still, user))


def test_a_like_in_the_log_is_a_bubble_for_a_friend_who_may_see_it(still):
    observed = still.observed
    viewer = int(np.flatnonzero(observed.eligible)[0])
    friend = int(observed.friend[observed.friend_offsets[viewer]])  # the closest one
    carried = join(observed, np.array([viewer])).item
    item = next(item for item in range(still.items) if item not in carried and item not in reactions(still, friend))
    moved = drift(still, 2, shown({"user": friend, "item": item, "like": 1}))
    assert set(join(moved.observed, np.array([viewer])).item) == {*carried, item}


def test_what_was_watched_to_the_end_stands_first_in_the_history_and_pushes_out_the_oldest(still):
    user, before = 4, still.observed.history[4]
    watched = [{"user": user, "item": item, "long_view": 1} for item in (11, 12, 13)]
    moved = drift(still, 2, shown(*watched[:2], {"user": user, "item": 99}, watched[2])).observed
    assert moved.history[user].tolist() == [13, 12, 11, *before[:-3]]
    assert not np.array_equal(moved.interests[user], still.observed.interests[user])
    # More than fit: only the newest stay.
    places = TINY.history
    many = shown(*({"user": user, "item": item, "long_view": 1} for item in range(places + 4)))
    assert drift(still, 2, many).observed.history[user].tolist() == list(range(places + 3, 3, -1))


def test_what_one_user_was_shown_changes_no_other_users_past(world):
    acts = {"item": 7, "like": 1, "long_view": 1}
    one = drift(world, 2, shown(acts | {"user": 1}))
    two = drift(world, 2, shown(acts | {"user": 1}, acts | {"user": 2, "item": 8}))
    others = np.arange(world.users) != 2
    for name in ("history", "interests"):
        mine, its = getattr(one.observed, name), getattr(two.observed, name)
        assert np.array_equal(mine[others], its[others]) and not np.array_equal(mine[2], its[2])
    assert all(reactions(one, user) == reactions(two, user) for user in range(world.users) if user != 2)
    assert differing(one, two) <= {
        *("history", "interests", "past_views", "past_likes"),
        *("reaction_offsets", "reaction_item", "reaction_kind"),
    }


def test_the_order_of_rows_matters_to_the_history_alone(still):
    acts = [{"user": 1, "item": 7, "like": 1, "long_view": 1}, {"user": 1, "item": 8, "share": 1, "long_view": 1}]
    one, two = (drift(still, 2, shown(*rows)) for rows in (acts, acts[::-1]))
    assert differing(one, two) == {"history"}
    assert one.observed.history[1, :2].tolist() == [8, 7] and two.observed.history[1, :2].tolist() == [7, 8]


def test_a_log_moves_nothing_of_the_truth(world):
    log = shown(*({"user": user, "item": user, "like": 1, "long_view": 1} for user in range(50)))
    moved, without = drift(world, 2, log), drift(world, 2, NOTHING)
    assert not differing(moved, without) & {field.name for field in fields(Truth)}
    assert np.array_equal(moved.observed.arrived, without.observed.arrived)


def test_another_estimate_stays_another_one(world):
    """Who is thought close is a model's word: the world does not take it back."""
    lots = np.linspace(0, 1, len(world.observed.closeness), dtype=np.float32)
    other = replace(world, observed=world.observed.with_closeness(lots, 0.5))
    moved = drift(other, 2, NOTHING).observed
    assert np.array_equal(moved.closeness, lots) and np.array_equal(moved.friend, other.observed.friend)
