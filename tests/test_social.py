"""The social effect of data: planted influence is found again, taste alone is not taken for it, and the words agree."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from funnel.world.fitted import clustered, factors
from funnel.world.fitted.social import conditional_logit
from funnel.world.fitted.social.circle import circle
from funnel.world.fitted.social.exposure import exposure
from funnel.world.fitted.social.lift import lifts
from funnel.world.fitted.social.matched_sets import ALTERNATIVES, matched_sets
from funnel.world.fitted.social.measure import measure
from funnel.world.fitted.social.sentences import sentences
from funnel.world.fitted.social.strangers import Directed, at_random, both_ways, of_like_taste
from funnel.world.fitted.spec import FactorsSpec
from funnel.world.fitted.split import SHARE, split
from tests.accounts import DIMS, People

ODDS = 2.0
"""of an item that a friend has, where influence is planted"""


@pytest.fixture(scope="module")
def alike():
    """Friends of like taste, and no influence."""
    people = People(3)
    return people, people.split(cue=0.0)


@pytest.fixture(scope="module")
def swayed():
    people = People(4)
    return people, people.split(cue=np.log(ODDS))


def of(found):
    people, known = found
    return lifts(known, people.taste, people.topic, 0), circle(people.friends, known, people.taste, 0)


def covers(lift, odds):
    low, high = lift.interval()
    return low <= np.log(odds) <= high


# The lift


def test_taste_alone_gives_no_lift_at_equal_affinity(alike):
    over, beside = of(alike)
    assert over.any_of(beside.friends, affinity=False).interval()[0] > np.log(1.3)
    friend, stand_in = over.any_of(beside.friends), over.any_of(beside.alike)
    assert covers(friend, 1) and covers(friend - stand_in, 1) and covers(over.any_of(beside.strangers), 1)


def test_planted_influence_is_found_again_and_strangers_have_none_of_it(swayed):
    over, beside = of(swayed)
    friend, stand_in = over.any_of(beside.friends), over.any_of(beside.alike)
    assert covers(friend, ODDS) and covers(friend - stand_in, ODDS)
    assert covers(stand_in, 1) and covers(over.any_of(beside.strangers), 1)


def test_an_influence_that_does_not_grow_is_the_same_at_every_dose_and_in_every_part(swayed):
    over, beside = of(swayed)
    assert all(covers(lift, ODDS) for lift in over.by_dose(beside.friends)[:2])
    parts = np.arange(len(beside.friends.user)) % 2
    whole, half = over.any_of(beside.friends), over.by_part(beside.friends, parts, 2)
    assert all(0 < lift.interval()[0] < lift.value < whole.interval()[1] for lift in half)


def test_the_slope_is_the_strength_of_taste(alike):
    assert of(alike)[0].slope == pytest.approx(1, abs=0.1)


def refitted(parts):
    user, item = parts.known
    gain = np.ones(len(user), np.float32)
    found = factors.fit(FactorsSpec(dims=DIMS), parts.users, parts.items, user, item, gain, 0)
    return found.taste, found.topic


@pytest.mark.parametrize(("cue", "odds"), [(0.0, 1.0), (np.log(ODDS), ODDS)])
def test_a_fit_sees_tastes_blurred_and_the_placebo_takes_some_of_that_off(cue, odds):
    """Step by step towards the truth: no control, affinity, strangers of like taste, the error of the fit."""
    people = People(0)
    known = people.split(cue)
    taste, topic = refitted(known)
    found = measure(known, taste, topic, people.friends, None, refitted, 0.09, 0)["odds"]
    steps = [found[name]["value"] for name in ("crude", "friend", "beyond", "left")]
    assert steps == sorted(steps, reverse=True)
    assert found["friend"]["low"] > odds
    assert found["left"]["low"] < odds < found["left"]["high"]


# Who stands beside a user


def test_stand_ins_are_no_friends_and_stand_once_beside_a_user(alike):
    people, known = alike
    friends = both_ways(people.friends, people.users)
    for found in (of_like_taste(friends, people.taste, known.activity, 0), at_random(friends, 0)):
        sound = found >= 0
        keys = Directed(friends.user[sound], found[sound], people.users).keys
        assert sound.mean() > 0.9
        assert (found != friends.user).all()
        assert not np.isin(keys, friends.keys).any()
        assert len(np.unique(keys)) == len(keys)


def test_stand_ins_of_like_taste_are_as_near_to_the_user_as_friends(alike):
    people, known = alike
    beside = circle(people.friends, known, people.taste, 0)
    near = {
        name: np.einsum("nd,nd->n", people.taste[side.user], people.taste[side.other]).mean()
        for name, side in (("friend", beside.friends), ("alike", beside.alike), ("stranger", beside.strangers))
    }
    assert near["friend"] > near["stranger"] + 0.2
    assert near["alike"] == pytest.approx(near["friend"], abs=0.03)


def test_chunks_change_no_stand_in(alike, monkeypatch):
    people, known = alike
    friends = both_ways(people.friends, people.users)
    whole = of_like_taste(friends, people.taste, known.activity, 0)
    monkeypatch.setattr("funnel.world.fitted.social.strangers.CHUNK", 100)
    assert (of_like_taste(friends, people.taste, known.activity, 0) == whole).all()


def test_where_all_are_friends_nobody_stands_in():
    ends = np.stack(np.triu_indices(5, 1), 1).astype(np.int32)
    friends, taste = both_ways(ends, 5), np.eye(5, dtype=np.float32)
    assert (of_like_taste(friends, taste, np.ones(5), 0) == -1).all()
    assert (at_random(friends, 0) == -1).all()


# Exposure and sets


def test_exposure_counts_friends_who_did(monkeypatch):
    monkeypatch.setattr("funnel.world.fitted.social.exposure.CHUNK", 1)
    graph = csr_array(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]))
    did = csr_array(np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0]], np.float32))
    user, item = np.divmod(np.arange(9)[::-1], 3)
    assert exposure(graph, did, user, item).tolist() == [0, 0, 1, 0, 0, 1, 0, 1, 2]


def test_a_set_has_its_case_first_and_nothing_else_of_the_user(alike):
    _, known = alike
    user, item = known.unknown
    sets = matched_sets(user, item, known.pairs, known.popularity, 0)
    assert sets.item.shape == (len(user), 1 + ALTERNATIVES)
    cases = sets.user.astype(np.int64) * known.items + sets.item[:, 0]
    assert (np.sort(cases) == known.pairs[known.held]).all()
    others = (sets.users.astype(np.int64) * known.items + sets.item)[:, 1:]
    assert not np.isin(others[sets.allowed[:, 1:]], known.pairs).any()
    assert sets.allowed.mean() > 0.99


def test_a_split_holds_out_a_share_of_every_user_whatever_the_order():
    user, item = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    found = split(np.append(user, user[:9]), np.append(item, item[:9]), 50, 30, 0)
    assert len(found.pairs) == 1000
    assert (np.bincount(found.unknown[0]) == round(20 * SHARE)).all()
    turned = split(user[::-1], item[::-1], 50, 30, 0)
    assert (turned.held == found.held).all()
    assert (found.rows(user, item) == ~found.held).all()


# Estimation


def test_conditional_odds_of_one_yes_or_no_are_those_of_a_table():
    """With one alternative a set, the estimate is the log of the ratio of discordant pairs (McNemar)."""
    case, other = np.array([1] * 30 + [0] * 10 + [1] * 5), np.array([0] * 30 + [1] * 10 + [1] * 5)
    columns = np.stack([case, other], 1)[..., None].astype(float)
    allowed = np.ones(columns.shape[:2], bool)
    (found,) = conditional_logit.fit(columns, allowed, np.arange(45), 45)
    assert found.value == pytest.approx(np.log(30 / 10), rel=1e-2)
    assert np.sqrt(found.influence @ found.influence) == pytest.approx(np.sqrt(1 / 30 + 1 / 10), rel=1e-2)


def test_places_that_could_not_be_chosen_do_not_count():
    draws = np.random.Generator(np.random.PCG64(0))
    columns, allowed = draws.standard_normal((200, 4, 2)), np.ones((200, 4), bool)
    allowed[:, 3] = False
    whole = conditional_logit.fit(columns, allowed, np.zeros(200, int), 1)
    without = conditional_logit.fit(columns[:, :3], allowed[:, :3], np.zeros(200, int), 1)
    assert [one.value for one in whole] == pytest.approx([one.value for one in without])


def test_a_column_without_a_case_is_finite():
    columns = np.zeros((50, 3, 1))
    columns[:, 1] = 1
    (found,) = conditional_logit.fit(columns, np.ones((50, 3), bool), np.arange(50), 50)
    assert np.isfinite(found.value) and found.interval()[1] < 0


def test_a_mean_has_the_interval_of_its_standard_error_and_differences_are_paired():
    values = np.arange(10.0)
    found = clustered.mean(values)
    low, high = found.interval()
    assert (found.value, (high - low) / 2) == pytest.approx((4.5, 1.959964 * values.std() / np.sqrt(10)))
    assert (found - clustered.mean(values - 2)).interval() == pytest.approx((2, 2))


# What is said


def row(value, low, high):
    return {"value": value, "low": low, "high": high}


PLAIN = {"crude": row(4, 3, 5), "friend": row(2, 1.8, 2.2), "alike": row(1.2, 1.1, 1.3), "beyond": row(1.6, 1.4, 1.9)}


def test_the_sentences_follow_the_numbers():
    odds = PLAIN | {"placebo": row(1.1, 1, 1.2), "left": row(1.5, 1.2, 1.8), "timing_beyond": row(1, 0.9, 1.1)}
    odds |= {"timing_friend": row(1.1, 1.05, 1.2), "timing_alike": row(1.1, 1, 1.2)}
    assert sentences(odds, 0.09) == [
        "Where a friend has an item, the odds that a user comes to it are 4.00 times (3.00 to 5.00) those of an item "
        "as popular, and 2.00 times (1.80 to 2.20) those of one as popular that fits the user's taste as well.",
        "Strangers of the friends' tastes give 1.20 times (1.10 to 1.30), so a friend tells 1.60 times (1.40 to 1.90) "
        "what a stranger of the friend's taste does.",
        "Interactions redrawn from fitted taste alone, without any influence, give 1.10 times (1.00 to 1.20) by the "
        "error of the fit, or somewhat more, as this finds a part of it; what is left is 1.50 times (1.20 to 1.80).",
        "Friends come to an item within a month of each other with odds 1.10 times (1.05 to 1.20) those of times "
        "dealt anew, strangers of like taste 1.10 times (1.00 to 1.20): a ratio of 1.00 times (0.90 to 1.10), so "
        "timing does not tell influence apart from calendars and fashions.",
        "Tastes that friends share and that no interaction shows cannot be told from influence here, so none of these "
        "numbers is what showing a friend causes, and none enters the world: it assumes odds of 1.09 for one friend "
        "shown, which its user sets.",
    ]


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("beyond", row(1.1, 0.9, 1.3), "and a friend is not told apart from a stranger of the friend's taste: 1.10"),
        ("beyond", row(0.8, 0.7, 0.9), "so a friend tells less than a stranger of the friend's taste: 0.80"),
        ("left", row(1.1, 0.9, 1.3), "what is left, 1.10 times (0.90 to 1.30), is not told apart from that error."),
        ("timing_beyond", row(1.5, 1.2, 2), "which calendars and fashions do not explain"),
    ],
)
def test_what_the_numbers_do_not_tell_is_not_said(name, found, words):
    some = dict.fromkeys(("placebo", "left", "timing_beyond", "timing_friend", "timing_alike"), row(1.5, 1.2, 1.8))
    assert words in " ".join(sentences(PLAIN | some | {name: found}, 0.09))


def test_without_friends_or_with_few_nothing_is_measured(alike):
    people, known = alike
    few = people.friends[:99]
    for friends, why in (
        (None, "The data has no friendships, so nothing tells what friends do to one another."),
        (few, "It takes 100 held-out interactions and 100 friendships at least. Found 7,200 and 99."),
    ):
        found = measure(known, people.taste, people.topic, friends, None, lambda parts: None, 0.09, 0)
        assert found == {"measured": False, "why": why}


def test_where_all_are_friends_nothing_is_measured():
    people = People(0, users=30, items=60)
    everybody = np.stack(np.triu_indices(30, 1), 1).astype(np.int32)
    known = people.split(0.0)
    found = measure(known, people.taste, people.topic, everybody, None, lambda parts: None, 0.09, 0)
    assert found == {
        "measured": False,
        "why": "Of those of like taste all are friends already, so nobody can stand in for a friend.",
    }


def test_something_is_held_out_of_the_smallest_data():
    user, item = np.arange(10), np.arange(10)
    assert all(split(user, item, 10, 10, seed).held.any() for seed in range(40))
