"""The wall: features see observables only, and every feature of the catalogue keeps its contract."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.features import FEATURES, Feature, Pairs, Towers, per_candidate, table
from funnel.world.bubbles import join
from funnel.world.world import World, generate
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
def test_every_feature_has_its_width_and_finite_values(world, feature: Feature):
    pairs = _pairs(world)
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
