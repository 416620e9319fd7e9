"""Goodness of a fit: rankings and laws, with bounds that a wrong fit breaks."""

import numpy as np
import pytest

from funnel.world.fitted import factors
from funnel.world.fitted.goodness import distributions
from funnel.world.fitted.goodness.ranking import FIRST, ranking
from funnel.world.fitted.redrawn import redrawn
from funnel.world.fitted.spec import FactorsSpec
from funnel.world.fitted.split import Split, split
from tests.accounts import DIMS, People, made


@pytest.fixture(scope="module")
def people():
    return People(2, users=400, items=300)


@pytest.fixture(scope="module")
def known(people):
    user, item = np.nonzero(people.chosen(people.wishes, 30))
    return split(user, item, people.users, people.items, 0)


def quality(known, taste, topic, measure="auc"):
    return ranking(known, taste, topic, 0)["measures"][measure]


# Ranking


def test_true_tastes_rank_better_than_popularity_and_a_fit_lies_between(people, known):
    user, item = known.known
    fit = factors.fit(FactorsSpec(dims=DIMS), known.users, known.items, user, item, np.ones(len(user), np.float32), 0)
    true, fitted = quality(known, people.taste, people.topic), quality(known, fit.taste, fit.topic)
    assert true["scorers"]["both"]["value"] > fitted["scorers"]["both"]["value"]
    assert fitted["over_popularity"]["both"]["low"] > 0
    assert quality(known, people.taste, people.topic, "recall")["over_popularity"]["both"]["low"] > 0


def test_a_wrong_fit_is_seen(people, known):
    """Tastes of other users rank no better than a lot does, and spoil what popularity knows."""
    found = quality(known, people.taste[::-1], people.topic)
    assert found["scorers"]["taste"]["value"] == pytest.approx(0.5, abs=0.03)
    assert found["over_popularity"]["both"]["high"] < 0


def test_auc_and_recall_of_a_table_counted_by_hand():
    """One user, who knows item 0; items 1 and 2 are held out; tastes rank 1, then 3 and 2 alike, then the rest."""
    items = FIRST + 4
    known = Split(1, items, np.array([0, 1, 2]), np.array([False, True, True]))
    angle = np.append([0.0, 0.1, 0.5, 0.5], np.linspace(1, 3, items - 4))
    topic = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    taste = np.array([[1, 0]], np.float32)
    found = ranking(known, taste, topic, 0)["measures"]
    others = items - 3
    assert found["auc"]["scorers"]["taste"]["value"] == pytest.approx(1 - 0.5 / (2 * others))
    assert found["recall"]["scorers"]["taste"]["value"] == 1
    # All have the popularity of half an interaction: ties count half, and mid-rank puts all of 53 among the first 50.
    assert found["auc"]["scorers"]["popularity"]["value"] == 0.5


def test_chunks_change_no_rank(people, known, monkeypatch):
    whole = quality(known, people.taste, people.topic)["scorers"]
    monkeypatch.setattr("funnel.world.fitted.goodness.ranking.CHUNK", 7)
    parts = quality(known, people.taste, people.topic)["scorers"]
    assert all(parts[scorer] == pytest.approx(whole[scorer]) for scorer in whole)


# Laws


@pytest.mark.parametrize(
    ("counts", "gini", "top"), [([5, 5, 5, 5], 0, 0.25), ([0, 0, 0, 8], 0.75, 1), ([0, 0], 0, 0), ([1, 3], 0.25, 0.75)]
)
def test_inequality_of_small_tables(counts, gini, top):
    assert distributions.gini(np.array(counts)) == pytest.approx(gini)
    assert distributions.top_share(np.array(counts)) == pytest.approx(top)


def test_the_distance_of_laws():
    counts = np.array([1, 2, 3, 4])
    assert distributions.distance(counts, counts[::-1]) == 0
    assert distributions.distance(counts, counts + 10) == 1
    assert distributions.distance(counts, np.array([1, 2, 9, 9])) == 0.5


def test_a_curve_falls_and_is_short():
    counts = np.append(np.arange(5_000), 0)
    curve = distributions.curve(counts)
    levels, shares = zip(*curve, strict=True)
    assert len(curve) <= distributions.POINTS
    assert (levels[0], levels[-1]) == (1, 4_999)
    assert list(shares) == sorted(shares, reverse=True)
    assert all(share == np.mean(counts >= level) for level, share in curve)


def test_what_is_redrawn_has_as_many_items_of_each_user_and_follows_popularity(people):
    counts = np.arange(people.users) % 40
    popularity = np.exp(people.popularity)
    pairs = redrawn(counts, people.taste, people.topic, popularity, 8, 0, "test")
    assert (np.diff(pairs) > 0).all()
    assert (np.bincount(pairs // people.items, minlength=people.users) == counts).all()
    drawn = np.bincount(pairs % people.items, minlength=people.items)
    assert np.corrcoef(np.log(popularity), np.log(drawn + 1))[0, 1] > 0.8


def test_laws_of_a_fitted_world_are_near_those_of_its_data():
    found = made()["laws"]
    assert found["degree"]["distance"] == 0
    assert found["activity"]["distance"] < 0.6  # all users have the same activity in the data, arrivals scatter
    assert found["popularity"]["distance"] < 0.2
    assert found["popularity"]["gini"]["world"] == pytest.approx(found["popularity"]["gini"]["data"], abs=0.1)


def test_who_has_everything_is_no_sign_of_a_good_fit():
    user, item = np.divmod(np.arange(20 * 10), 10)
    known = split(user, item, 20, 10, 0)
    found = quality(known, np.ones((20, 4), np.float32), np.ones((10, 4), np.float32))
    assert found["scorers"]["both"]["value"] == 0.5
