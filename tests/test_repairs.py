"""Every repair and every fault of serving, each as an arm of a tiny scenario: asked for, served, examined, told."""

import numpy as np
import polars as pl
import pytest

from funnel.errors import SpecError
from funnel.metrics.recall import alone_recall
from funnel.metrics.regret import regret
from funnel.scenario.exam import Exam
from funnel.scenario.pieces import Found, collect, execute, plan
from funnel.scenario.selection import Selection
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from funnel.world.bubbles import join, none
from funnel.world.generate import generate
from funnel.world.synthetic.spec import SyntheticSpec
from tests.test_funnel import small
from tests.worlds import TINY

BUBBLE = '["bubble_count", "bubble_closeness"]'
REPAIRS = {
    "by_friends": 'stages.early.segments={by="friends", borders=[5, 20], keep=[10, 30, 60]}',
    "by_activity": 'stages.early.segments={by="activity", borders=[8], keep=[20, 50]}',
    "by_bubbles": 'stages.early.segments={by="bubbles", borders=[5, 15], keep=[10, 30, 60]}',
    "alike": 'stages.early.segments={by="friends", borders=[5], keep=[30, 30]}',
    "quota": "stages.early.quota={friends=12, fresh=3}",
    "boost": "stages.early.boost={friends=1.5}",
    "no_boost": "stages.early.boost={friends=1.0}",
    "bypass": 'stages.early.bypass=["friends"]',
    "expansion": "retrieval.sources.friends.budget=90",
    "fusion": "stages.late.fusion=0.3",
    "late_boost": "stages.late.boost={friends=1.5}",
    "all_at_once": 'stages={early={segments={by="bubbles", borders=[9], keep=[20, 40]}, quota={nearest=5},'
    ' boost={popular=2.0}, bypass=["friends"]}, late={fusion=0.5, boost={friends=1.2}}}',
    "no_bubbles": f"stages.late.missing={BUBBLE}",
    "no_content": 'stages.early.missing=["content", "interests", "past_views"]',
    "stale_user": 'retrieval.stale="user"',
    "stale_item": 'retrieval.stale="item"',
    "closer": "world.reactions.threshold=0.85",
    "one_face": "world.reactions.cap=1",
}
"""patches of an arm with the change at the late stage alone, by the arm's name"""
SERVING = [name for name in REPAIRS if name not in ("closer", "one_face")]
"""those that train nothing anew"""


def repaired(*more: str):
    arms = [f'arms.{name}.at=["late"]' for name in REPAIRS]
    return small(*arms, *(f"arms.{name}.{patch}" for name, patch in REPAIRS.items()), *more)


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Exam:
    store, scenario = Store(tmp_path_factory.mktemp("repairs")), repaired()
    for job in plan(scenario):
        execute(scenario, job, store)
    return Exam(scenario, 0, store)


@pytest.fixture(scope="module")
def found(exam) -> Found:
    return collect(exam.scenario, exam.store)


@pytest.fixture(scope="module")
def chosen(exam) -> dict[str, Selection]:
    return {name: exam.selection(exam.labs[name]) for name in ("late_only", *SERVING)}


def _value(found: Found, arm: str, **what: str) -> float:
    return found[0]["rows"].filter(arm=arm, **what)["value"].item()


def test_the_ledger_is_what_the_funnel_serves_for_every_repair(found):
    _, facts, *_ = found
    assert {arm: facts[arm]["0"]["ledger_equals_funnel"] for arm in facts} == dict.fromkeys(facts, 1.0)


def test_what_each_repair_does_shows_in_what_is_served(exam, chosen):
    plain = chosen["late_only"]
    same = {name for name in SERVING if np.array_equal(_slate(exam, name), _slate(exam, "late_only"))}
    assert same == {"alike", "no_boost"}
    assert np.array_equal(chosen["alike"].early, plain.early) and np.array_equal(chosen["no_boost"].early, plain.early)
    assert np.array_equal(chosen["fusion"].early, plain.early)
    assert (chosen["bypass"].early >= plain.early).all()


def _slate(exam: Exam, name: str) -> np.ndarray:
    lab = exam.labs[name]
    return exam.ledger(lab).rows.take(exam.selection(lab).slate).item


def test_the_waterfall_and_the_shares_of_regret_add_up_for_every_repair(exam, found):
    rows = found[0]["rows"]
    parts = rows.filter(measure="waterfall").group_by("arm", maintain_order=True).agg(pl.col("value").sum())
    assert parts["value"].to_list() == pytest.approx([1.0] * len(exam.scenario.arms))
    for name in exam.scenario.arms:
        ledger = exam.ledger(exam.labs[name])
        shown = _value(found, name, measure="waterfall", stage="shown")
        assert sum(ratio.value for ratio in regret(ledger)) == pytest.approx(1 - shown, abs=1e-5), name
        alone, recall = alone_recall(ledger), _value(found, name, measure="recall", stage="early", slice="all")
        assert alone[0].value * alone[1].value == pytest.approx(recall), name


def test_a_better_early_stage_is_never_worse_than_the_one_at_hand(exam):
    """The oracle that replaces a stage has all its places, those of the bypass too."""
    for name in ("bypass", "quota", "all_at_once", "by_bubbles"):
        assert all(ratio.value >= -1e-6 for ratio in regret(exam.ledger(exam.labs[name])))


@pytest.mark.parametrize("name", SERVING)
def test_a_repair_of_serving_trains_nothing(exam, name):
    """So every loss on the log is the very same, whatever it does to what is served."""
    lab, plain = exam.labs[name], exam.labs["late_only"]
    for stage in STAGES:
        assert lab.arm_ranker(stage).name == plain.arm_ranker(stage).name
    assert exam.rows_piece(name).name != exam.rows_piece("late_only").name


def test_late_compute_is_paid_for_by_who_goes_there(exam, found, chosen):
    def macs(arm: str) -> float:
        return _value(found, arm, measure="macs", stage="late")

    for name in ("bypass", "by_bubbles", "by_friends", "all_at_once", "late_only"):
        assert macs(name) / macs("quota") == pytest.approx(chosen[name].early.sum() / chosen["quota"].early.sum())
    assert macs("bypass") > macs("late_only") == macs("quota") == macs("boost") == macs("fusion")


def test_a_quota_holds_its_places_for_its_source(exam, chosen):
    ledger = exam.ledger(exam.labs["quota"])
    friends = ledger.rows.source & exam.labs["quota"].arm.retrieval.bits["friends"] > 0
    fetched, kept = (
        np.bincount(ledger.rows.request[friends & rows], minlength=60) for rows in (ledger.retrieved, ledger.early)
    )
    assert (kept >= np.minimum(fetched, 12)).all()
    assert ledger.rows.take(ledger.early).counts.tolist() == [30] * 60


def test_a_budget_a_request_follows_the_bubbles_of_its_pool(exam, chosen):
    ledger = exam.ledger(exam.labs["by_bubbles"])
    bubbled = np.bincount(ledger.rows.request[ledger.friend & ledger.retrieved], minlength=60)
    expected = np.select([bubbled < 5, bubbled < 15], [10, 30], 60)
    assert ledger.rows.take(ledger.early).counts.tolist() == expected.tolist() and len(set(expected)) == 3


def test_a_greater_budget_of_a_source_brings_more_of_it_and_leaves_the_rest(exam):
    more, plain = (exam.ledger(exam.labs[name]) for name in ("expansion", "late_only"))
    bit = exam.labs["expansion"].arm.retrieval.bits["friends"]
    pools = [
        dict(zip(ledger.rows.take(ledger.retrieved).keys(800).tolist(), source, strict=True))
        for ledger in (more, plain)
        for source in [ledger.rows.source[ledger.retrieved].tolist()]
    ]
    assert pools[0].keys() > pools[1].keys()
    added = pools[0].keys() - pools[1].keys()
    assert all(pools[0][key] == bit for key in added)
    assert more.rows.take(more.early).counts.tolist() == [30] * 60


def test_another_budget_can_be_asked_for_without_an_arm(exam):
    twice = exam.selection(exam.labs["late_only"], keep=60)
    arm = exam.selection(exam.labs["late_only_2k"])
    assert np.array_equal(twice.early, arm.early) and np.array_equal(twice.slate, arm.slate)
    assert exam.selection(exam.labs["quota"], keep=15).early.sum() == 15 * 60


def test_a_stage_that_misses_all_bubble_features_sees_no_bubbles(exam):
    lab = exam.labs["no_bubbles"]
    blind, seeing = lab.arm_rank("late"), exam.labs["late_only"].arm_rank("late")
    assert seeing.looks_at_bubbles and not blind.looks_at_bubbles
    requests = lab.requests.slice(0, 20)
    bubbles = join(lab.world.observed, requests.user)
    pool = lab.retrieve(requests, bubbles)
    assert (bubbles.at(pool) >= 0).any()
    score = blind.score(requests, pool, bubbles)
    assert np.array_equal(score, blind.score(requests, pool, none(len(requests), lab.world.items)))
    assert not np.array_equal(score, seeing.score(requests, pool, bubbles))


@pytest.mark.parametrize(("behind", "current"), [("user", "item"), ("item", "user")])
def test_one_tower_serves_a_version_behind(exam, behind, current):
    name = f"stale_{behind}"
    lab, plain = exam.labs[name], exam.labs["late_only"]
    older = lab.towers_piece(lab.arm.towers, (lab.first_log,), lab.arm.replica)
    before = lab.scenery.vectors(older, lab.world_piece)
    served, trained = lab.retrieve.towers, plain.retrieve.towers
    assert np.array_equal(getattr(served, behind), getattr(before, behind))
    assert np.array_equal(getattr(served, current), getattr(trained, current))
    assert not np.array_equal(getattr(served, behind), getattr(trained, behind))
    read = lab.arm_rank("early").server.towers
    assert np.array_equal(read.user, served.user) and np.array_equal(read.item, served.item)
    assert exam.rows_piece(name).recipe["sheet"] != exam.rows_piece("late_only").recipe["sheet"]


def test_who_may_show_is_a_policy_over_the_same_draws():
    worlds = {
        name: generate(SyntheticSpec.parse({**TINY.table(), "reactions": rule}, ""), 5)
        for name, rule in (("base", {}), ("closer", {"threshold": 0.85}), ("one_face", {"cap": 1}))
    }
    base = worlds.pop("base")
    for name, world in worlds.items():
        assert world.spec.draws_as(base.spec)
        for part in ("truth", "observed"):
            for column, array in vars(getattr(world, part)).items():
                same = np.array_equal(array, getattr(getattr(base, part), column))
                assert same == ((name, column) not in {("closer", "eligible"), ("one_face", "cap")}), (name, column)
    assert (worlds["closer"].observed.eligible <= base.observed.eligible).all()
    users = np.arange(100)
    fewer, all_ = join(worlds["closer"].observed, users), join(base.observed, users)
    assert np.isin(fewer.keys, all_.keys).all() and len(fewer.keys) < len(all_.keys)
    one = join(worlds["one_face"].observed, users)
    assert np.array_equal(one.keys, all_.keys) and one.count.max() == 1
    assert np.array_equal(one.edge[:, 0], all_.edge[:, 0])


def test_an_arm_of_another_policy_meets_the_same_requests(exam):
    for name in ("closer", "one_face"):
        lab, plain = exam.labs[name], exam.labs["late_only"]
        assert np.array_equal(lab.requests.user, plain.requests.user)
        assert np.array_equal(lab.requests.id, plain.requests.id)
        assert lab.arm_ranker("late").name != plain.arm_ranker("late").name


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        (
            "stages.early.fusion=0.2",
            "arms.more.stages: early.fusion: should stand at stage `late`. Found it at `early`, which has no earlier "
            "score to blend with. Take it out.",
        ),
        (
            "stages.late={quota={friends=1}, bypass=['fresh'], segments={by='friends', borders=[1], keep=[5, 5]}}",
            "arms.more.stages: late.segments: should stand at stage `early`. Found it at `late`, whose survivors are "
            "the slate, of one size for all. Take it out. late.quota: should stand at stage `early`. Found it at "
            "`late`, whose survivors are the slate, which no source has a claim on. Take it out. late.bypass: should "
            "stand at stage `early`. Found it at `late`, whose survivors are the slate, which it would exceed. Take it "
            "out.",
        ),
        (
            "stages={early={quota={frends=2}, boost={fesh=2.0}, bypass=['populr']}, late={boost={near=2.0}}}",
            "arms.more: stages.early.quota: `frends` is not a source of the retrieval. Did you mean `friends`? "
            "stages.early.boost: `fesh` is not a source of the retrieval. Did you mean `fresh`? stages.early.bypass: "
            "`populr` is not a source of the retrieval. Did you mean `popular`? stages.late.boost: `near` is not a "
            "source of the retrieval. Did you mean `nearest`?",
        ),
        (
            "stages.early.segments={by='friends', borders=[5], keep=[30, 200]}",
            "arms.more: stage `early` keeps 200 but receives 190 from `retrieval`. Raise the budget of a source or "
            "lower `stages.early.keep`.",
        ),
        (
            "stages.early={keep=80, bypass=['nearest']}",
            "arms.more: stage `early` keeps 80 but receives 70 from `retrieval` beside what bypasses it. Raise the "
            "budget of a source or lower `stages.early.keep`.",
        ),
        (
            "stages.early.segments={by='friends', borders=[5], keep=[4, 30]}",
            "arms.more.stages: stage `late` keeps 5 but receives 4 from `early`. Raise `early.keep` or lower "
            "`late.keep`.",
        ),
        (
            "stages.early.missing=['bubble_count']",
            "arms.more.stages.early: missing: `bubble_count` is not a feature that the stage reads. Did you mean "
            "`friend_count`?",
        ),
        (
            "stages.early.missing=['position']",
            "arms.more.stages.early.missing: should name features that are known at serving. Found `position`, which "
            "never is.",
        ),
        (
            "stages.early.segments.by='frends'",
            "arms.more.stages.early.segments.by: `frends` is not a known choice. Did you mean `friends`?",
        ),
        ("retrieval.stale='users'", "arms.more.retrieval.stale: `users` is not a known choice. Did you mean `user`?"),
        (
            "world={users=501, reactions={cap=1}}",
            "arms.more.world: should be the base's, so that arms are paired. Found a patch. Put it into `[patch]`, or "
            "say `unpaired = true` in the arm.",
        ),
    ],
)
def test_a_repair_that_its_stage_cannot_do_is_told(patch, told):
    with pytest.raises(SpecError) as error:
        small("arms.more.at=['late']", f"arms.more.{patch}")
    assert told in error.value.problems
