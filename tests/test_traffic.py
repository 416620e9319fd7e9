"""Policies, what they log, and the propensities that they claim."""

import numpy as np
import polars as pl
import pytest

from funnel.candidates import Requests, Step, from_pairs
from funnel.errors import DataError
from funnel.schema import IMPRESSIONS, STAGE_LOG, check
from funnel.select import top
from funnel.traffic.arrivals import arrivals
from funnel.traffic.bootstrap import bootstrap
from funnel.traffic.log import cuts, impressions
from funnel.traffic.slates import explored, ranked
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement


def _scored(requests: int, each: int, items: int, seed: int = 0):
    random = np.random.default_rng(seed)
    request = np.repeat(np.arange(requests), each)
    item = np.concatenate([random.choice(items, each, replace=False) for _ in range(requests)])
    pool = from_pairs(request, item, np.ones(len(item), np.int64), requests, items)
    return pool.scored(random.standard_normal(len(pool)))


def test_requests_follow_activity_and_purposes_never_meet(world):
    a, b = arrivals(world, "traffic", 30_000), arrivals(world, "evaluation", 10)
    assert not set(a.id.tolist()) & set(b.id.tolist())
    counted = np.bincount(a.user, minlength=world.users) / 30_000
    assert np.corrcoef(counted, world.truth.activity)[0, 1] > 0.95


def test_ranked_slates_fall_by_score():
    pool = _scored(6, 9, 50)
    slates = ranked(pool)
    for request in range(6):
        mine = slates.item[slates.request == request]
        rows = {int(item): score for item, score in zip(pool.item, pool.score, strict=True) if True}
        own = {int(i): s for i, s, r in zip(pool.item, pool.score, pool.request, strict=True) if r == request}
        assert [own[int(item)] for item in mine] == sorted(own.values(), reverse=True)
    assert rows and slates.position.tolist() == list(range(9)) * 6


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_exploration_swaps_the_stated_share_for_outsiders_and_says_so(share):
    pool = _scored(800, 40, 300)
    requests = Requests(np.arange(800) + 5, np.arange(800))
    greedy = ranked(pool.take(top(pool, 8)))
    shown = explored(greedy, pool, requests, share, seed=1)
    assert abs(shown.explored.mean() - share) < 0.02
    assert np.array_equal(shown.explored, shown.item != greedy.item)
    keys = shown.request * 300 + shown.item
    assert len(np.unique(keys)) == len(keys), "no item stands twice in a slate"
    assert np.isin(keys, pool.keys(300)).all()
    assert np.allclose(shown.propensity[shown.explored], share / 32)
    assert np.allclose(shown.propensity[~shown.explored], 1 - share)
    # A policy's propensity is a frequency: over many requests the explored outsiders are uniform over their ranks.
    if share:
        outsiders = pool.take(~top(pool, 8))
        place = (
            np.searchsorted(outsiders.keys(300), keys[shown.explored])
            - outsiders.offsets[shown.request[shown.explored]]
        )
        assert abs(place.mean() - 15.5) < 1.0


def test_exploration_does_not_depend_on_the_batch():
    pool = _scored(60, 30, 200)
    requests = Requests(np.arange(60), np.arange(60))
    whole = explored(ranked(pool.take(top(pool, 5))), pool, requests, 0.4, seed=1)
    part = pool.slice(20, 40)
    some = explored(ranked(part.take(top(part, 5))), part, requests.slice(20, 40), 0.4, seed=1)
    assert np.array_equal(whole.item[(whole.request >= 20) & (whole.request < 40)], some.item)


def test_bootstrap_slates_follow_their_propensity():
    random = np.random.default_rng(0)
    views = random.integers(0, 50, 30).astype(np.float32)
    neighbours = np.tile(np.arange(5, 11), (40_000, 1))
    requests = Requests(np.arange(40_000), np.zeros(40_000, np.int64))
    slates = bootstrap(requests, neighbours, views, 0.6, 3, seed=2)
    first = slates.position == 0  # the first slot has no earlier item to repeat
    shown = np.bincount(slates.item[first], minlength=30) / first.sum()
    claimed = np.zeros(30)
    claimed[slates.item[first]] = slates.propensity[first]
    assert np.abs(shown - claimed).max() < 0.01 and claimed.sum() == pytest.approx(1, abs=0.02)
    keys = slates.request * 30 + slates.item
    assert len(np.unique(keys)) == len(keys)


def test_impressions_show_bubbles_where_they_exist(world):
    requests = Requests(np.arange(300), np.arange(300))
    bubbles = join(world.observed, requests.user)
    pool = _scored(300, 6, world.items)
    log = impressions(Engagement.of(world), requests, ranked(pool), bubbles)
    assert log.columns == list(IMPRESSIONS)
    rows = bubbles.find(log["request"].to_numpy(), log["item"].to_numpy())
    assert np.array_equal(log["bubble_count"].to_numpy() > 0, rows >= 0)
    assert log.filter(pl.col("bubble_count") == 0)["bubble_engage"].null_count() == (rows < 0).sum()
    assert log["long_view"].null_count() == 0


def test_the_stage_log_samples_what_a_stage_cut():
    pool = _scored(50, 20, 100)
    kept = top(pool, 4)
    requests = Requests(np.arange(50) + 1000, np.arange(50))
    log = cuts({"retrieval": Step(pool, np.ones(len(pool), bool)), "early": Step(pool, kept)}, requests, 5, seed=0)
    assert log.columns == list(STAGE_LOG) and set(log["stage"]) == {"early"}
    lost = set(pool.keys(100)[~kept].tolist())
    keys = ((log["request"] - 1000) * 100 + log["item"]).to_list()
    assert set(keys) <= lost and len(keys) == len(set(keys)) and 200 < len(keys) <= 250


def test_a_broken_table_is_told_with_all_its_columns():
    table = pl.DataFrame({"request": [1.0], "user": [1], "extra": [0]})
    with pytest.raises(DataError) as error:
        check(table, {"request": pl.Int64, "user": pl.Int64, "item": pl.Int64}, "impressions")
    assert str(error.value) == (
        "Table `impressions`: column `item` is missing; column `extra` is not in the schema; column `request` should "
        "be Int64, found Float64."
    )
