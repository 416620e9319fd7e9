"""Timing: who follows a friend is told from who shares a season, and errors count a shared item for both its owners."""

import numpy as np

from funnel.rng import stream
from funnel.world.fitted.clustered import Clustered
from funnel.world.fitted.social.strangers import Directed, both_ways
from funnel.world.fitted.social.timing import MONTH, Calendar, together

USERS, ITEMS, OWN = 300, 100, 20


def measured(seed: int, one_way: bool = False) -> Clustered:
    """Of friends at random who come to their items at times of their own."""
    draws = stream(seed, "test", "timing")
    user = np.repeat(np.arange(USERS), OWN)
    item = np.concatenate([draws.permutation(ITEMS)[:OWN] for _ in range(USERS)])
    calendar = Calendar((user, item, draws.random(len(user)) * 12 * MONTH), USERS, ITEMS)
    ends = np.unique(np.sort(draws.integers(0, USERS, (1_200, 2)), axis=1), axis=0)
    ends = ends[ends[:, 0] < ends[:, 1]].astype(np.int32)
    found = together(calendar, Directed(*ends.T, USERS) if one_way else both_ways(ends, USERS), seed)
    assert found
    return found


def test_a_friendship_seen_from_both_ends_is_no_second_friendship():
    one, both = measured(0, one_way=True), measured(0)
    assert one.value == both.value
    assert np.allclose(one.interval(), both.interval())


def test_intervals_are_as_wide_as_estimates_differ_or_wider():
    found = [measured(seed) for seed in range(30)]
    spread = np.std([one.value for one in found])
    told = np.mean([np.sqrt(one.influence @ one.influence) for one in found])
    assert spread < told < 1.8 * spread


def following(lag, seed=0):
    """Friends in pairs who come to the same items, the second `lag` days after the first."""
    draws = stream(seed, "test", "following")
    users, items = 600, 30
    ends = np.arange(users, dtype=np.int32).reshape(-1, 2)
    first = draws.random((users // 2, items)) * 2_000
    time = np.stack([first, lag(first, draws)], 1).reshape(users, items) * 86_400
    user, item = np.repeat(np.arange(users), items), np.tile(np.arange(items), users)
    calendar = Calendar((user, item, time.ravel()), users, items)
    return together(calendar, Directed(ends[:, 0], ends[:, 1], users), 0)


def test_friends_who_follow_one_another_do_so_more_than_calendars_make_them():
    def lag(first, draws):
        return np.where(draws.random(first.shape) < 0.5, first + 5, draws.random(first.shape) * 2_000)

    assert following(lag).interval()[0] > np.log(10)


def test_friends_who_come_at_their_own_time_do_not():
    found = following(lambda first, draws: draws.random(first.shape) * 2_000)
    low, high = found.interval()
    assert low < 0 < high


def test_friends_with_the_same_season_do_not():
    """Both are active in the same weeks alone, which is not influence: their calendars explain it."""
    draws = stream(1, "test", "season")
    season = np.repeat(draws.random((300, 1)) * 2_000, 30, 1)

    def lag(first, draws):
        first[:] = season + 90 * draws.random(first.shape)
        return season + 90 * draws.random(first.shape)

    low, high = following(lag).interval()
    assert low < 0 < high


def test_of_few_shared_items_no_timing_is_told():
    assert following(lambda first, draws: first + 5_000) is None
