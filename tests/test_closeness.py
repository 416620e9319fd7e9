"""Closeness models: what they learn from, what they must not see, and what they do where there is nothing to learn."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest

from funnel.candidates import Requests, from_pairs
from funnel.closeness import context, edges
from funnel.closeness.estimate import Estimate, estimate
from funnel.closeness.spec import (
    Asking,
    BothSpec,
    ClosenessBase,
    ClosenessModel,
    ContextSpec,
    LatentSpec,
    NoneSpec,
    ProxiesSpec,
    SurveySpec,
)
from funnel.errors import DataError, SpecError
from funnel.metrics.auc import expected_auc
from funnel.rng import stream
from funnel.spec import Spec
from funnel.traffic.log import impressions
from funnel.traffic.slates import ranked
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.generate import generate
from funnel.world.observed import Observed
from funnel.world.survey import Survey, ask, truly_close
from funnel.world.synthetic.spec import FriendsSpec, SyntheticSpec
from funnel.world.world import World
from tests.worlds import TINY

SPECS = {
    spec.kind: spec
    for spec in (
        NoneSpec(),
        ProxiesSpec(),
        SurveySpec(answers=300),
        ContextSpec(least=20),
        BothSpec(answers=300, least=20),
        LatentSpec(),
    )
}


def served(world: World, count: int = 3_000, slots: int = 6) -> tuple[pl.DataFrame, Observed]:
    """Impressions of random friend items, where a user has any."""
    generator = stream(0, "tests", "served")
    user = generator.integers(0, world.users, count)
    bubbles = join(world.observed, user)
    lots = generator.random(len(bubbles.item))
    order = np.lexsort((lots, bubbles.request))
    place = np.arange(len(order)) - bubbles.offsets[bubbles.request]
    kept = np.sort(order[place < slots])
    pool = from_pairs(bubbles.request[kept], bubbles.item[kept], np.ones(len(kept), np.int64), count, world.items)
    pool = pool.scored(generator.random(len(pool)))
    return impressions(Engagement.of(world), Requests(np.arange(count), user), ranked(pool), bubbles), world.observed


def made(spec: ClosenessBase, world: World, log=None, round_: int = 0) -> Estimate:
    """The estimate of a spec in a world, of all that it may learn from."""
    survey = ask(world, spec.answers, spec.close, spec.noise, round_) if isinstance(spec, Asking) else None
    logs = [log or served(world)] if spec.watches else []
    latent = world.truth.closeness if spec.cheats else None
    return estimate(spec, world.observed, survey, logs, world.seed, round_, latent)


def auc_of(found: Estimate, world: World) -> float:
    return expected_auc(found.percentile, truly_close(world.truth.closeness, 0.2).astype(float))


@pytest.fixture(scope="module")
def town() -> World:
    return generate(SyntheticSpec(users=3_000, items=4_000, creators=300, dims=8, communities=12, history=6), seed=1)


@pytest.fixture(scope="module")
def log(town):
    return served(town, 10_000)


def test_every_kind_is_tried_here():
    kinds = {model.model_fields["kind"].default for model in ClosenessModel.__origin__.__args__}
    assert kinds == SPECS.keys()


@pytest.mark.parametrize("kind", SPECS)
def test_an_estimate_is_a_percentile_over_all_friendships(world, kind, tmp_path):
    found, count = made(SPECS[kind], world), len(world.truth.closeness)
    assert found.percentile.dtype == np.float32
    assert np.allclose(np.sort(found.percentile), (np.arange(count) + 0.5) / count, atol=1e-6)
    assert (found.probability is not None) == isinstance(SPECS[kind], Asking)
    assert found.told["cheats"] == (kind == "latent") and found.told["fell_back"] == 0
    found.save(tmp_path)
    again = Estimate.load(tmp_path)
    assert again.told == found.told and np.array_equal(again.percentile, found.percentile)
    assert (
        np.array_equal(again.probability, found.probability)
        if isinstance(SPECS[kind], Asking)
        else again.probability is None
    )


def test_the_rule_of_thumb_is_what_a_world_comes_with(world):
    found = made(SPECS["proxies"], world)
    assert np.array_equal(found.percentile, world.observed.closeness)
    same = world.observed.with_closeness(found.percentile, world.spec.reactions.threshold)
    assert all(
        np.array_equal(getattr(same, field.name), getattr(world.observed, field.name)) for field in fields(Observed)
    )


def test_under_another_estimate_the_closest_come_first_and_as_many_may_show(town):
    found = made(SPECS["none"], town).percentile
    other = town.observed.with_closeness(found, 0.6)
    again = other.with_closeness(town.observed.closeness, 0.6)
    assert np.array_equal(again.friend, town.observed.friend) and np.array_equal(again.eligible, town.observed.eligible)
    for user in range(0, town.users, 97):
        rows = slice(other.friend_offsets[user], other.friend_offsets[user + 1])
        assert (np.diff(found[other.friend_edge[rows]]) <= 0).all()
        assert set(other.friend[rows]) == set(town.observed.friend[rows])
        assert other.eligible[user] == (found[other.friend_edge[rows]] >= 0.6).sum()
    assert other.eligible.sum() == pytest.approx(town.observed.eligible.sum(), rel=0.01)


def _behind_the_same_observables(world: World) -> World:
    lots = stream(5, "tests", "latents").random(len(world.truth.closeness)).astype(np.float32)
    return World(world.spec, world.seed, replace(world.truth, closeness=0.05 + 0.9 * lots), world.observed)


@pytest.mark.parametrize("kind", SPECS)
def test_latents_are_seen_by_the_cheat_and_through_answers_alone(world, kind):
    spec, log = SPECS[kind], served(world)
    before, after = made(spec, world, log), made(spec, _behind_the_same_observables(world), log)
    moved = not np.array_equal(before.percentile, after.percentile)
    assert moved == (spec.cheats or isinstance(spec, Asking))


@pytest.mark.parametrize("kind", ["survey", "both"])
def test_the_same_answers_give_the_same_estimate_whatever_the_truth(world, kind):
    spec, other, log = SPECS[kind], _behind_the_same_observables(world), served(world)
    answers = ask(world, 300, 0.2, 1.0, 0)
    one, two = (estimate(spec, place.observed, answers, [log], 0, 0) for place in (world, other))
    assert np.array_equal(one.percentile, two.percentile) and np.array_equal(one.probability, two.probability)


def test_models_that_learn_know_more_and_the_truth_is_the_bound(town, log):
    found = {kind: auc_of(made(SPECS[kind], town, log), town) for kind in SPECS}
    assert abs(found["none"] - 0.5) < 0.02 and found["latent"] == 1.0
    assert 0.7 < found["proxies"] < 0.99 and 0.7 < found["survey"] < 0.99
    assert 0.5 < found["context"] < 0.99
    assert min(found["survey"], found["context"]) < found["both"]


def test_a_survey_of_everybody_without_noise_is_no_worse_than_the_rule_of_thumb(town):
    survey = made(SurveySpec(answers=town.users, noise=0.0), town)
    assert auc_of(survey, town) >= auc_of(made(SPECS["proxies"], town), town)


def test_a_survey_is_calibrated_to_what_its_answers_say(town):
    found = made(SurveySpec(answers=town.users, noise=0.0), town)
    assert found.probability.mean() == pytest.approx(0.2, abs=0.03)
    both = made(BothSpec(answers=town.users, noise=0.0, least=20), town)
    assert both.probability.mean() == pytest.approx(0.2, abs=0.03)


def test_where_proxies_tell_nothing_nobody_but_the_cheat_knows():
    deaf = FriendsSpec(close_mutual=0.0, messages_close=0.0, contact_close=0.0)
    world = generate(TINY.model_copy(update={"users": 2_000, "friends": deaf}), seed=2)
    for kind in ("proxies", "survey"):
        assert abs(auc_of(made(SPECS[kind], world), world) - 0.5) < 0.05
    assert auc_of(made(SPECS["latent"], world), world) == 1.0


def test_the_order_of_answers_and_impressions_does_not_matter(world):
    spec, (log, observed) = SPECS["both"], served(world)
    answers, order = ask(world, 300, 0.2, 1.0, 0), stream(1, "tests", "order").permutation(300)
    turned = Survey(*(getattr(answers, field.name)[order] for field in fields(Survey)))
    one = estimate(spec, observed, answers, [(log, observed)], 0, 0)
    two = estimate(spec, observed, turned, [(log[300:], observed), (log[:300].reverse(), observed)], 0, 0)
    assert np.allclose(one.percentile, two.percentile, atol=2e-3)
    assert np.allclose(one.probability, two.probability, atol=1e-4)


def test_observables_of_a_friendship_are_those_of_both_ends(world):
    o, pair = world.observed, edges.ends(world.observed)
    assert (pair[:, 0] < pair[:, 1]).all()
    for user in range(0, world.users, 31):
        rows = slice(o.friend_offsets[user], o.friend_offsets[user + 1])
        assert (
            np.sort(np.stack([np.full(o.friend_count[user], user), o.friend[rows]], 1)) == pair[o.friend_edge[rows]]
        ).all()
    found = edges.features(o)
    assert found.shape == (len(o.mutual), len(edges.FEATURES)) and np.isfinite(found).all()
    assert np.allclose(found.mean(0), 0, atol=1e-9) and np.allclose(found.std(0), 1)
    lesser = found[:, edges.FEATURES.index("friends_lesser")]
    assert np.array_equal(np.argsort(lesser, kind="stable"), np.argsort(o.friend_count[pair].min(1), kind="stable"))


def test_a_survey_asks_each_user_once_and_a_longer_one_holds_a_shorter_one(world):
    one, more = ask(world, 50, 0.2, 1.0, 0), ask(world, 120, 0.2, 1.0, 0)
    assert len(one.user) == 50 and len(set(more.user.tolist())) == 120
    for field in fields(Survey):
        assert np.array_equal(getattr(one, field.name), getattr(more, field.name)[:50])
    pair = edges.ends(world.observed)
    assert (pair[more.edge] == more.user[:, None]).any(1).all()
    assert not np.array_equal(one.user, ask(world, 50, 0.2, 1.0, 1).user)
    everybody = ask(world, 10_000, 0.2, 1.0, 0)
    assert sorted(everybody.user) == np.flatnonzero(world.observed.friend_count).tolist()


def test_a_survey_does_not_hang_on_the_estimate_that_sorts_friends(world):
    other = replace(world, observed=world.observed.with_closeness(made(SPECS["none"], world).percentile, 0.6))
    one, two = (ask(place, 200, 0.2, 1.0, 3) for place in (world, other))
    assert all(np.array_equal(getattr(one, field.name), getattr(two, field.name)) for field in fields(Survey))


def test_without_noise_an_answer_is_the_truth_and_with_it_both_questions_still_agree(world):
    answers = ask(world, 400, 0.2, 0.0, 0)
    assert np.array_equal(answers.close, truly_close(world.truth.closeness, 0.2)[answers.edge])
    assert made(SurveySpec(answers=400, noise=0.0), world).told["agreement"] > 0.95
    assert 0.6 < made(SurveySpec(answers=400, noise=1.0), world).told["agreement"] < 0.95


def test_before_any_bubble_was_shown_the_context_model_falls_back_and_says_so(world):
    log, observed = served(world)
    bare = log.filter(pl.col("bubble_count") == 0)
    for logs in ([], [(bare, observed)], [(log[:20], observed)]):
        found = estimate(ContextSpec(), observed, None, logs, 0, 2)
        assert np.array_equal(found.percentile, observed.closeness) and found.probability is None
        assert found.told["fell_back"] == 1 and found.told["impressions"] == len(logs and logs[0][0])
    assert estimate(ContextSpec(), observed, None, [], 0, 2).told == {
        "round": 2,
        "fell_back": 1,
        "cheats": 0,
        "impressions": 0,
        "engagements": 0,
    }


def test_what_cannot_be_learnt_leaves_the_rest(world):
    answers = ask(world, 300, 0.2, 1.0, 0)
    alone = estimate(SurveySpec(), world.observed, answers, [], 0, 0)
    both = estimate(BothSpec(), world.observed, answers, [], 0, 0)
    assert np.array_equal(both.percentile, alone.percentile) and np.array_equal(both.probability, alone.probability)
    assert both.told["fell_back"] == 1 and alone.told["fell_back"] == 0


def test_answers_of_one_kind_tell_nothing_and_the_rule_of_thumb_stands_in(world):
    answers = replace(ask(world, 5, 0.2, 1.0, 0), close=np.zeros(5, bool))
    found = estimate(SurveySpec(answers=5), world.observed, answers, [], 0, 0)
    assert np.array_equal(found.percentile, world.observed.closeness) and found.probability is None
    assert found.told == {"round": 0, "fell_back": 1, "cheats": 0, "answers": 5, "yes": 0.0, "agreement": None}


def test_a_world_without_friendships_has_nothing_to_estimate():
    world = generate(TINY.model_copy(update={"users": 2, "friends": FriendsSpec(mean=0.01)}), seed=0)
    assert len(world.truth.closeness) == 0
    for spec in SPECS.values():
        assert len(made(spec, world).percentile) == 0


def test_a_log_under_other_observables_is_refused(world):
    log, observed = served(world)
    with pytest.raises(DataError) as error:
        context.seen([(log, observed.with_closeness(observed.closeness, 1.0))])
    assert str(error.value) == (
        f"Impressions with a bubble: friends of the user should have reacted to the item. Found none who may show for "
        f"{len(log)} of {len(log)}. Give each log the observables under which it was served."
    )


class _Holder(Spec):
    closeness: ClosenessModel = ProxiesSpec()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            {"kind": "survey", "answers": 0},
            "base.closeness.answers: should be greater than or equal to 1. Found 0.",
        ),
        ({"kind": "context", "every": 0}, "base.closeness.every: should be greater than or equal to 1. Found 0."),
        ({"kind": "surveys"}, "base.closeness.kind: `surveys` is not a known kind. Did you mean `survey`?"),
        ({"kind": "none", "every": 2}, "base.closeness.every: `every` is not a known key. Known: kind."),
    ],
)
def test_bad_models_are_told(table, told):
    with pytest.raises(SpecError) as error:
        _Holder.parse({"closeness": table}, "base")
    assert str(error.value) == told


def test_a_model_says_what_it_needs():
    needs = {kind: (isinstance(spec, Asking), spec.watches, spec.cheats) for kind, spec in SPECS.items()}
    nothing = (False, False, False)
    assert needs == {
        "none": nothing,
        "proxies": nothing,
        "survey": (True, False, False),
        "context": (False, True, False),
        "both": (True, True, False),
        "latent": (False, False, True),
    }
