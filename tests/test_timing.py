"""Errors of the measure of timing: a shared item has two owners, and none of it is counted as more than it is."""

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
