"""Laws of the world: the graph, closeness and its proxies, reactions, and the bubble join."""

from dataclasses import fields

import numpy as np
import pytest

from funnel.world import bubbles as bubbles_module
from funnel.world.bubbles import join
from funnel.world.generate import generate
from funnel.world.laws import ReactionsSpec
from funnel.world.observed import Observed
from funnel.world.synthetic.spec import FriendsSpec, SyntheticSpec
from funnel.world.truth import Truth, match
from funnel.world.world import World
from tests.worlds import TINY


@pytest.fixture(scope="module")
def town() -> World:
    """Large enough for laws that speak of distributions."""
    return generate(SyntheticSpec(users=5_000, items=8_000, creators=600), seed=3)


def _differences(a: World, b: World) -> list[str]:
    """The names of all arrays in which two worlds differ."""
    arrays = [
        (field.name, getattr(getattr(a, side), field.name), getattr(getattr(b, side), field.name))
        for side, part in (("truth", Truth), ("observed", Observed))
        for field in fields(part)
    ]
    return [name for name, mine, other in arrays if not np.array_equal(mine, other)]


def test_a_world_is_a_function_of_spec_and_seed(world):
    assert _differences(world, generate(TINY, seed=0)) == []
    assert "taste" in _differences(world, generate(TINY, seed=1))


def test_a_world_comes_back_from_its_folder(world, tmp_path):
    world.save(tmp_path)
    again = World.load(tmp_path)
    assert _differences(world, again) == [] and again.spec == world.spec and again.seed == world.seed


def test_friendship_is_symmetric_and_never_with_oneself(town):
    o = town.observed
    owner = np.repeat(np.arange(town.users), np.diff(o.friend_offsets))
    assert (owner != o.friend).all()
    there = set(zip(owner.tolist(), o.friend.tolist(), strict=True))
    assert len(there) == len(owner) and all((b, a) in there for a, b in there)


def test_degrees_have_the_stated_mean_and_a_heavy_tail(town):
    degree = town.observed.friend_count
    assert abs(degree.mean() - 25) < 3
    assert degree.max() > 8 * np.median(degree)


@pytest.mark.parametrize(("homophily", "least", "most"), [(0.0, -0.02, 0.12), (0.9, 0.5, 6.0)])
def test_homophily_makes_friends_share_taste(homophily, least, most):
    spec = TINY.model_copy(
        update={"friends": FriendsSpec(mean=20, homophily=homophily), "users": 2000, "communities": 40}
    )
    world = generate(spec, seed=0)
    owner = np.repeat(np.arange(world.users), np.diff(world.observed.friend_offsets))
    between = match(world.truth.taste[owner], world.truth.taste[world.observed.friend]).mean()
    everybody = np.random.default_rng(0).integers(0, world.users, (20_000, 2))
    strangers = match(world.truth.taste[everybody[:, 0]], world.truth.taste[everybody[:, 1]]).mean()
    assert least < between - strangers < most


def test_few_friends_are_close_and_proxies_tell_of_it(town):
    closeness, o = town.truth.closeness, town.observed
    assert np.median(closeness) < 0.35 and (closeness > 0.7).mean() < 0.15
    for proxy, sign in ((o.mutual, 1), (o.messages, 1), (o.contact_days, -1), (o.closeness, 1)):
        assert sign * np.corrcoef(proxy, closeness)[0, 1] > 0.1
    assert np.corrcoef(o.closeness, closeness)[0, 1] < 0.95, "the estimate should not be the latent"


def test_mutual_friends_are_counted_right(world):
    o = world.observed
    friends = [set(o.friend[a:b].tolist()) for a, b in zip(o.friend_offsets[:-1], o.friend_offsets[1:], strict=True)]
    owner = np.repeat(np.arange(world.users), np.diff(o.friend_offsets))
    for row in range(0, len(owner), 37):
        shared = len(friends[owner[row]] & friends[o.friend[row]])
        assert o.mutual[o.friend_edge[row]] == shared


def _by_hand(world: World, user: int) -> dict[int, list[int]]:
    """The bubbles of one user as a dictionary of loops would find them."""
    o, found = world.observed, {}
    for row in range(o.friend_offsets[user], o.friend_offsets[user + 1]):
        if o.closeness[o.friend_edge[row]] < world.spec.reactions.threshold:
            continue
        friend = o.friend[row]
        for reaction in range(o.reaction_offsets[friend], o.reaction_offsets[friend + 1]):
            found.setdefault(int(o.reaction_item[reaction]), []).append(int(o.friend_edge[row]))
    nearest = lambda edges: sorted(edges, key=lambda edge: -o.closeness[edge])[: o.cap]  # noqa: E731
    return {item: nearest(edges) for item, edges in found.items()}


def test_the_join_finds_what_loops_find(world):
    users = np.array([5, 17, 5, 300, 42])
    bubbles = join(world.observed, users)
    for request, user in enumerate(users):
        rows = slice(bubbles.offsets[request], bubbles.offsets[request + 1])
        found = {
            int(item): edges[edges >= 0].tolist()
            for item, edges in zip(bubbles.item[rows], bubbles.edge[rows], strict=True)
        }
        assert found == _by_hand(world, user)


def test_the_join_does_not_depend_on_the_batch(world):
    users = np.arange(60)
    whole = join(world.observed, users)
    parts = [join(world.observed, users[start : start + 7]) for start in range(0, 60, 7)]
    assert np.array_equal(whole.item, np.concatenate([part.item for part in parts]))
    assert np.array_equal(whole.edge, np.concatenate([part.edge for part in parts]))


def test_a_user_without_friends_has_no_bubble(world):
    lonely = np.flatnonzero(world.observed.friend_count == 0)
    assert len(join(world.observed, lonely).item) == 0


def test_threshold_and_cap_are_knobs():
    def bubbles(**knobs):
        spec = TINY.model_copy(update={"reactions": ReactionsSpec(**knobs)})
        return join(generate(spec, seed=0).observed, np.arange(400))

    assert len(bubbles(threshold=0.9).item) < len(bubbles(threshold=0.3).item)
    assert bubbles(threshold=0.0, cap=1).count.max() == 1 < bubbles(threshold=0.0, cap=4).count.max()


def test_ranges():
    assert bubbles_module.ranges(np.array([3, 10, 7]), np.array([2, 0, 3])).tolist() == [3, 4, 7, 8, 9]
