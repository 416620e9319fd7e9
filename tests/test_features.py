"""The wall: features see observables only, and every feature of the catalogue keeps its contract."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.features import FEATURES, Feature, Pairs, Towers, per_candidate, table
from funnel.world.bubbles import join
from funnel.world.generate import generate
from funnel.world.world import World
from tests.worlds import TINY

NAMES = tuple(feature.name for feature in FEATURES)


def _pairs(world: World) -> Pairs:
    random = np.random.default_rng(0)
    users = random.integers(0, world.users, 50)
    bubbles = join(world.observed, users)
    # Half of the pairs carry a bubble, so that the social features have something to say.
    request = np.append(np.repeat(np.arange(50), 4), bubbles.request[:200])
    item = np.append(random.integers(0, world.items, 200), bubbles.item[:200])
    vectors = Towers(
        random.standard_normal((world.users, 5), np.float32), random.standard_normal((world.items, 5), np.float32)
    )
    position = random.integers(0, 10, len(item)).astype(np.float32)
    return Pairs(world.observed, vectors, users[request], item, position, bubbles, bubbles.find(request, item))


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_feature_has_its_width_and_finite_values(shop, feature: Feature):
    world, pairs = shop, _pairs(shop)
    if feature.side in ("user", "item"):
        values, rows = table((feature.name,), feature.side, world.observed), getattr(world, f"{feature.side}s")
    else:
        values, rows = per_candidate((feature.name,), pairs), len(pairs.item)
    assert values.shape == (rows, feature.columns(world.observed)) and values.dtype == np.float32
    assert np.isfinite(values).all() and values.std() > 0
    assert feature.stages and set(feature.stages) <= {"early", "late"}


def test_no_feature_moves_when_the_latents_are_redrawn_behind_the_observables(world):
    other = generate(TINY, seed=99)
    masked = World(world.spec, 99, other.truth, world.observed)
    assert not np.array_equal(masked.truth.taste, world.truth.taste)
    before, after = _pairs(world), _pairs(masked)
    assert np.array_equal(per_candidate(NAMES, before), per_candidate(NAMES, after))
    for side in ("user", "item"):
        assert np.array_equal(table(NAMES, side, world.observed), table(NAMES, side, masked.observed))


def test_what_tells_of_surfaces_has_no_column_without_them(world):
    names = tuple(feature.name for feature in FEATURES if feature.surfaced)
    assert {"surface", "intent", "intent_match", "intent_creator"} == set(names)
    assert table(names, "user", world.observed).shape[1] == per_candidate(names, _pairs(world)).shape[1] == 0


def test_the_observables_hold_no_latent(world):
    """No observable is a latent or an affine image of one: its best linear fit leaves something unexplained."""
    edges = np.abs(np.corrcoef(np.stack([world.observed.closeness, world.truth.closeness])))[0, 1]
    content = (world.observed.content * world.truth.topic).sum(1)
    interests = (world.observed.interests * world.truth.taste).sum(1)
    likes = np.corrcoef(world.observed.past_likes, world.truth.quality)[0, 1]
    clicks = np.corrcoef(np.log(world.observed.past_clicks + 1), world.truth.appeal)[0, 1]
    assert 0.1 < clicks < 0.95
    assert edges < 0.95 and content.max() < 0.9999 and interests.mean() < 0.95 and likes < 0.95


def test_a_social_feature_is_zero_without_a_bubble(world):
    pairs = _pairs(world)
    alone = replace(pairs, bubble=np.full(len(pairs.item), -1))
    social = tuple(feature.name for feature in FEATURES if feature.signal == "friend")
    assert per_candidate(social, pairs).any() and not per_candidate(social, alone).any()


def test_the_noise_of_a_pair_is_uniform_and_the_same_in_any_batch(world):
    pairs = _pairs(world)
    noise = per_candidate(("noise",), pairs)
    order = np.random.default_rng(1).permutation(len(pairs.item))
    turned = replace(pairs, user=pairs.user[order], item=pairs.item[order])
    assert np.array_equal(per_candidate(("noise",), turned), noise[order])
    assert 0 < noise.min() < 0.05 and 0.95 < noise.max() < 1 and noise.mean() == pytest.approx(0.5, abs=0.08)


def test_creator_affinity_is_the_match_to_the_mean_of_the_creators_items(world):
    pairs, observed = _pairs(world), world.observed
    found = per_candidate(("creator_affinity",), pairs)[:, 0]
    for row in (0, 17, 101):
        mean = observed.content[observed.creator == observed.creator[pairs.item[row]]].mean(0)
        expected = observed.interests[pairs.user[row]] @ mean / np.linalg.norm(mean)
        assert found[row] == pytest.approx(expected, abs=1e-5)


def test_creator_affinity_of_a_creators_only_item_is_its_content_match(world):
    observed = replace(world.observed, creator=np.arange(world.items, dtype=np.int32))
    pairs = replace(_pairs(world), observed=observed)
    own, creator = (per_candidate((name,), pairs) for name in ("content_match", "creator_affinity"))
    assert np.allclose(own, creator, atol=1e-6)
