"""The engagement oracle: its terms are separate knobs, its labels follow its probabilities, its top n is exact."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.tasks import TASK, TASKS, Formula
from funnel.world import oracle
from funnel.world.bubbles import Bubbles, join
from funnel.world.engagement import Engagement, cue
from funnel.world.generate import generate
from funnel.world.laws import EngagementSpec
from funnel.world.world import World
from tests.worlds import TINY

VALUE = Formula(formula={"long_view": 1.0, "comment": 5.0, "hide": -20.0, "watch_seconds": 0.01, "bubble_engage": 0.5})
PRODUCT = Formula(formula={"long_view": 1.0, "like": 0.3, "hide": -0.2, "bubble_engage": 0.4}, combine="product")
# A chain whose root is worth something and whose end costs something, so that the root is wanted high and low at once.
CHAIN = Formula(formula={"click": 0.5, "conversion": 6.0, "watch_grade": 0.1, "hide": -20.0})
REGRET = Formula(formula={"click": 1.0, "conversion": -8.0, "watch_grade": -0.02, "bubble": 0.01, "bubble_tap": 3.0})
CHAIN_PRODUCT = Formula(
    formula={"conversion": 0.6, "click": -0.2, "long_view": 0.5, "bubble_tap": 0.1}, combine="product"
)
VALUES = {"sum": VALUE, "product": PRODUCT, "chain": CHAIN, "regret": REGRET, "chain_product": CHAIN_PRODUCT}


def _with(world: World, **knobs) -> Engagement:
    spec = world.spec.model_copy(update={"engagement": world.spec.engagement.model_copy(update=knobs)})
    return Engagement.of(World(spec, world.seed, world.truth, world.observed))


def _all_values(engagement: Engagement, value: Formula, user: int) -> np.ndarray:
    """The value of every item for one user, by full evaluation."""
    items = np.arange(engagement.world.items)
    bubbles = join(engagement.world.observed, np.array([user]))
    rows = bubbles.find(np.zeros(len(items), np.int64), items)
    z = engagement.logits(np.full(len(items), user), items, engagement.friend_term(bubbles, rows))
    return engagement.value(value, z, engagement.world.observed.duration, rows >= 0)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_the_oracle_is_exact(world, value):
    engagement = Engagement.of(world)
    users = np.arange(0, 400, 9)
    answer = oracle.top(engagement, value, users, 7)
    for row, user in enumerate(users):
        worth = _all_values(engagement, value, user)
        best = np.lexsort((np.arange(world.items), -worth))[:7]
        assert answer.item[row].tolist() == best.tolist()
        assert np.allclose(answer.value[row], worth[best], rtol=1e-5)
    # Items are grouped by 192, so a world of 900 has hardly a group to rule out; the bench shows the saving at size.
    assert answer.evaluated <= len(users) * 2 * world.items


def test_the_oracle_does_not_depend_on_the_batch(world):
    engagement = Engagement.of(world)
    whole = oracle.top(engagement, VALUE, np.arange(150), 5)
    parts = [oracle.top(engagement, VALUE, np.arange(start, start + 50), 5) for start in (0, 50, 100)]
    assert np.array_equal(whole.item, np.concatenate([part.item for part in parts]))


def test_a_world_smaller_than_a_group_is_answered_too(world):
    small = generate(TINY.model_copy(update={"items": 25, "creators": 5}), seed=0)
    answer = oracle.top(Engagement.of(small), VALUE, np.arange(10), 25)
    assert (np.sort(answer.item, 1) == np.arange(25)).all()


def _bubble_means(engagement: Engagement) -> tuple[dict, dict]:
    """True means of all bubbles, as they are and as if nobody was shown."""
    users = np.arange(engagement.world.users)
    bubbles = join(engagement.world.observed, users)
    user, duration = users[bubbles.request], engagement.world.observed.duration[bubbles.item]
    friend, there = engagement.cue(bubbles), np.ones(len(user), bool)
    shown = engagement.means(engagement.logits(user, bubbles.item, friend), duration, there)
    hidden = engagement.means(engagement.logits(user, bubbles.item, np.zeros_like(friend)), duration, there)
    return shown, hidden


def test_without_cue_and_shift_a_bubble_changes_nothing_and_homophily_stays(world):
    engagement = _with(world, cue=0.0, friend_shift=0.0)
    shown, hidden = _bubble_means(engagement)
    assert all(np.array_equal(shown[task], hidden[task]) for task in shown)
    random = np.random.default_rng(0)
    user, item = random.integers(0, world.users, 20_000), random.integers(0, world.items, 20_000)
    z = engagement.logits(user, item, np.zeros(20_000, np.float32))
    anybody = engagement.means(z, world.observed.duration[item], np.zeros(20_000, bool))
    assert hidden["long_view"].mean() > 1.05 * anybody["long_view"].mean()


def test_the_cue_grows_with_friends_closeness_and_expression_and_diminishes(world):
    def term(closeness, strong):
        edge = (
            np.arange(3) if len(closeness) == 3 else np.append(np.arange(len(closeness)), [-1] * (3 - len(closeness)))
        )
        one = Bubbles(np.array([0, 1]), np.array([0]), edge[None], np.array(strong)[None], np.array([0.9]), 10)
        return float(cue(EngagementSpec(friend_shift=0.0, cue=0.1), np.array(closeness, np.float32), 0.5, one)[0])

    no = [False] * 3
    first, second, third = (term([0.5] * count, no) for count in (1, 2, 3))
    assert first == pytest.approx(0.1)
    assert second - first == pytest.approx(0.07) and third - second == pytest.approx(0.049)
    assert term([0.9], no) == pytest.approx(0.18)
    assert term([0.5], [True, False, False]) == pytest.approx(0.15)


def test_friend_items_look_unremarkable_without_closeness():
    world = generate(TINY.model_copy(update={"users": 4_000, "items": 4_000, "communities": 40}), seed=0)
    shown, hidden = _bubble_means(Engagement.of(world))
    assert abs(shown["long_view"].mean() / hidden["long_view"].mean() - 1) < 0.03


@pytest.mark.parametrize("knob", ["taste", "quality", "position"])
def test_each_term_can_be_switched_off(world, knob):
    engagement = _with(world, **{knob: 0.0})
    user, item = np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20)
    place = np.arange(400) % 10
    z = engagement.logits(user, item, np.zeros(400, np.float32), place)
    without = Engagement.of(world, frozenset({knob})).logits(user, item, np.zeros(400, np.float32), place)
    assert np.allclose(z, without) and not np.allclose(
        z, Engagement.of(world).logits(user, item, np.zeros(400, np.float32), place)
    )


def test_a_new_task_at_the_end_of_the_catalogue_moves_no_draw_of_the_others(world):
    """What came of 4,000 impressions before the control came in."""
    engagement, place = Engagement.of(world), np.arange(4_000)
    user, item = place % world.users, place * 7 % world.items
    z = engagement.logits(user, item, np.zeros(4_000, np.float32), place % 10)
    labels = engagement.labels(z, world.observed.duration[item], place % 2 == 0, place, item)
    happened = {name: int(np.nansum(label)) for name, label in labels.items() if TASK[name].kind != "regression"}
    watched = {"long_view": 497, "effective_view": 1_111, "watch_grade": 3_548}
    rare = {"like": 25, "comment": 7, "share": 3, "follow": 3, "hide": 14, "click": 69, "conversion": 3}
    assert happened == watched | rare | {"bubble_engage": 270, "bubble_tap": 32, "bubble": 2_000, "noise": 192}


def test_the_control_answers_to_nothing(world):
    engagement, count = Engagement.of(world), 2_000
    random = np.random.default_rng(3)
    user, item = random.integers(0, world.users, count), random.integers(0, world.items, count)
    friend, position = random.random(count).astype(np.float32), random.integers(0, 10, count)
    z = engagement.logits(user, item, friend, position)
    chance = engagement.means(z, world.observed.duration[item], random.random(count) < 0.5)["noise"]
    assert np.ptp(chance) == 0 and chance[0] == pytest.approx(0.05, abs=1e-3)


def test_labels_follow_their_probabilities_and_do_not_contradict_each_other(world):
    engagement = Engagement.of(world)
    random = np.random.default_rng(1)
    n = 60_000
    user, item = random.integers(0, world.users, n), random.integers(0, world.items, n)
    z = engagement.logits(user, item, np.zeros(n, np.float32), random.integers(0, 10, n)) + np.float32(1.5)
    duration = world.observed.duration[item]
    bubble = random.random(n) < 0.5
    labels = engagement.labels(z, duration, bubble, np.arange(n), item)
    means = engagement.means(z, duration, bubble)
    clicked = labels["click"] > 0
    for task in TASKS:
        held = {None: np.ones(n, bool), "bubble": bubble, "click": clicked}[task.given]
        assert np.isnan(labels[task.name]).tolist() == (~held).tolist()
        error = labels[task.name][held].std() / np.sqrt(held.sum()) + 1e-6
        assert abs(labels[task.name][held].mean() - means[task.name][held].mean()) < 4.5 * error, task.name
    assert (labels["long_view"] <= labels["effective_view"]).all()
    assert ((labels["watch_seconds"] >= duration * 0.999) >= (labels["long_view"] > 0)).all()
    grade = labels["watch_grade"]
    assert np.array_equal(grade >= 2, labels["effective_view"] > 0)
    # At the border itself the share and the probability may round to different sides.
    assert (np.abs((grade >= 3) - labels["long_view"]).mean() < 1e-4) and (grade.max() == 3)
    assert np.array_equal(labels["bubble"], bubble)
    engaged = (labels["long_view"] + labels["like"] + labels["comment"]) > 0
    assert np.array_equal(labels["bubble_engage"][bubble] > 0, engaged[bubble])


def test_attention_fades_down_the_slate(world):
    engagement = Engagement.of(world)
    user, item = np.zeros(5, np.int64), np.full(5, 3)
    z = engagement.logits(user, item, np.zeros(5, np.float32), np.arange(5))
    fades = np.array([law.position < 0 for law in world.spec.engagement.channels.values()])
    # Whoever has clicked has left the slate, so the place decides no conversion; nothing decides the control.
    unfading = [name for name, fading in zip(engagement.channels, fades, strict=True) if not fading]
    assert unfading == ["conversion", "noise"]
    assert (np.diff(z, axis=0)[:, fades] < 0).all() and (np.diff(z, axis=0)[:, ~fades] == 0).all()


def test_the_truth_keeps_a_task_whose_condition_nobody_can_see_beforehand(world):
    engagement, n = Engagement.of(world), 50
    z = engagement.logits(np.arange(n), np.arange(n), np.zeros(n, np.float32))
    bubble = np.arange(n) % 2 == 0
    means = engagement.held(engagement.means(z, world.observed.duration[:n], bubble), bubble)
    assert np.array_equal(np.isnan(means["bubble_tap"]), ~bubble) and np.array_equal(means["bubble"], bubble)
    assert not np.isnan(means["conversion"]).any()
    # The mean is as if the condition held: the value takes the probability of the whole chain.
    conversions = Formula(formula={"conversion": 1.0})
    joint = engagement.value(conversions, z, world.observed.duration[:n], bubble)
    assert np.allclose(joint, means["click"] * means["conversion"])


def test_appeal_moves_clicks_and_no_watching_by_default(world):
    engagement = Engagement.of(world)
    flat = replace(world.truth, appeal=np.zeros_like(world.truth.appeal))
    without = Engagement.of(World(world.spec, world.seed, flat, world.observed))
    differs = (engagement.item_part != without.item_part).any(0)
    assert [name for name, moved in zip(engagement.channels, differs, strict=True) if moved] == ["click"]
