"""The parts of the fit one by one: gains, factors, quality; each on data whose answer is known."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from funnel.intake.dataset import Dataset
from funnel.world.fitted.factors import fit
from funnel.world.fitted.gains import gains
from funnel.world.fitted.quality import quality
from funnel.world.fitted.spec import FactorsSpec
from funnel.world.truth import match
from tests.listeners import ITEMS, USERS, data

SPEC = FactorsSpec(dims=4)


@pytest.fixture(scope="module")
def listened(tmp_path_factory) -> Dataset:
    return data(tmp_path_factory.mktemp("listened"))


def rows(listened: Dataset, measure: str, user: list[int], item: list[int], weight: list[float]) -> Dataset:
    """A dataset of a few rows."""
    return replace(
        listened,
        measure=measure,
        users=max(user) + 1,
        items=max(item) + 1,
        user=np.array(user, np.int32),
        item=np.array(item, np.int32),
        weight=np.array(weight, np.float32),
    )


@pytest.mark.parametrize(
    ("measure", "weight", "expected"),
    [
        ("count", [1, 3, 3, 21], [np.log2(4 / 3), 1, 1, 3]),
        ("event", [1, 1, 1, 1], [1, 1, 1, 1]),
        ("rating", [2, 4, 5, 5], [0, np.log2(7 / 3), 1, 1]),
        ("rating", [3, 3, 0.1, 0.1], [1, 1, 1, 1]),
    ],
)
def test_gains(listened, measure, weight, expected):
    assert gains(rows(listened, measure, [0, 0, 1, 1], [0, 1, 0, 1], weight)) == pytest.approx(expected, rel=1e-4)


def fitted(listened: Dataset, kept: np.ndarray, seed: int = 0):
    gain = gains(listened)
    return fit(SPEC, USERS, ITEMS, listened.user[kept], listened.item[kept], gain[kept], seed)


def test_a_fit_is_a_function_of_data_and_seed(listened):
    everything = np.ones(len(listened.user), bool)
    one, again, other = (fitted(listened, everything, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.taste, again.taste) and np.array_equal(one.topic, again.topic)
    assert not np.array_equal(one.taste, other.taste)


def test_the_order_of_rows_does_not_matter(listened):
    order = np.random.default_rng(0).permutation(len(listened.user))
    one, other = fitted(listened, np.arange(len(order))), fitted(listened, order)
    assert np.allclose(one.taste, other.taste, atol=1e-4)


def test_tastes_tell_interactions_that_the_fit_has_not_seen(listened):
    seen = np.random.default_rng(0).random(len(listened.user)) < 0.8
    found = fitted(listened, seen)
    unseen = match(found.taste[listened.user[~seen]], found.topic[listened.item[~seen]])
    assert unseen.mean() > 0.3


def test_popularity_sits_in_no_vector(listened):
    found = fitted(listened, np.ones(len(listened.user), bool))
    assert np.linalg.norm(found.taste.mean(0)) < 0.02 and np.linalg.norm(found.topic.mean(0)) < 0.02
    pleasure = match(found.taste[:, None], found.topic[None]).mean(0)
    assert np.abs(pleasure).max() < 0.2


def test_whom_nothing_speaks_of_gets_a_direction(listened):
    kept = (listened.user >= 5) & (listened.item != 3)
    found = fitted(listened, kept)
    assert np.allclose(np.linalg.norm(found.taste, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(found.topic, axis=1), 1, atol=1e-5)


def test_quality_follows_what_users_gave_where_many_did(listened):
    generator = np.random.default_rng(0)
    user, item = (part.ravel() for part in np.mgrid[:200, :50])
    truth = generator.standard_normal(50)
    spoken = np.exp(truth[item] + 2 * generator.standard_normal(len(item)) + generator.standard_normal(200)[user])
    many = rows(listened, "count", user.tolist(), item.tolist(), spoken.tolist())
    assert np.corrcoef(quality(many, 0), truth)[0, 1] > 0.95


def test_quality_is_as_spread_for_the_unknown_as_for_the_known(listened):
    generator = np.random.default_rng(0)
    truth = generator.standard_normal(2_000)
    chance = np.where(np.arange(2_000) < 1_000, 0.01, 0.3)
    user, item = np.nonzero(generator.random((300, 2_000)) < chance)
    item, truth = np.unique(item, return_inverse=True)[1], truth[np.unique(item)]
    spoken = np.exp(truth[item] + 2 * generator.standard_normal(len(item)))
    found = quality(rows(listened, "count", user.tolist(), item.tolist(), spoken.tolist()), 0)
    known = np.bincount(item) > 30
    assert found[known].std() == pytest.approx(1, abs=0.12) and found[~known].std() == pytest.approx(1, abs=0.12)
    assert np.corrcoef(found[known], truth[known])[0, 1] > np.corrcoef(found[~known], truth[~known])[0, 1] + 0.2


def test_quality_is_drawn_where_all_weights_are_alike(listened):
    alike = replace(listened, measure="event", weight=np.ones_like(listened.weight))
    found = quality(alike, 0)
    assert found.std() == pytest.approx(1, abs=0.3)
    assert not np.array_equal(found, quality(alike, 1))


def test_specs_and_synthetic_worlds_do_not_load_what_only_a_fit_needs():
    code = (
        "import sys; from funnel.world.generate import generate; from funnel.world.synthetic.spec import SyntheticSpec;"
        "generate(SyntheticSpec(users=9, items=20, creators=3), 0);"
        "assert not {'implicit', 'faiss', 'funnel.intake'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
