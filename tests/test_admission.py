"""Scores to survivors: each way to help a source, against the same thing done request by request, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from funnel.candidates import Candidates, from_pairs
from funnel.select import top
from funnel.stages.admission import Admission, AdmissionSpec
from funnel.stages.segments import Segments
from funnel.stages.sorting import boosted, fused
from funnel.world.generate import generate
from funnel.world.synthetic.spec import SyntheticSpec
from tests.test_candidates import pools

BITS = {"nearest": 1, "friends": 2, "fresh": 4}


@st.composite
def cuts(draw) -> AdmissionSpec:
    """Any mixture that a stage can do, but for segments and fusion."""
    quota = draw(st.dictionaries(st.sampled_from(sorted(BITS)), st.integers(1, 4)))
    bypass = tuple(draw(st.sets(st.sampled_from(sorted(BITS)))) - quota.keys())
    boost = draw(st.dictionaries(st.sampled_from(sorted(BITS)), st.sampled_from([0.5, 1.0, 3.0])))
    boost = {name: factor for name, factor in boost.items() if name not in bypass}
    keep = draw(st.integers(max(1, sum(quota.values())), 14))
    return AdmissionSpec(keep=keep, quota=quota, boost=boost, bypass=bypass)


def survivors(spec: AdmissionSpec, pool: Candidates, among: np.ndarray | None = None) -> np.ndarray:
    """bool (n,): what gets through, the pool's scores being the stage's own."""
    admission = Admission(spec, BITS)
    return admission.kept(pool.scored(admission.score(pool, pool.score, among)), spec.keep, among)


def by_hand(spec: AdmissionSpec, pool: Candidates, rows: list[int]) -> set[int]:
    """The survivors among the rows of one request, in so many words."""
    of = lambda row, name: bool(pool.source[row] & BITS[name])  # noqa: E731 - used below only

    def score(row: int) -> float:
        factor = np.prod([times for name, times in spec.boost.items() if of(row, name)])
        return pool.score[row] / factor if pool.score[row] < 0 else pool.score[row] * factor

    best = lambda some, count: sorted(some, key=lambda row: (-score(row), pool.item[row]))[:count]  # noqa: E731
    through = {row for row in rows if any(of(row, name) for name in spec.bypass)}
    rest = [row for row in rows if row not in through]
    reserved = {
        row for name, places in spec.quota.items() for row in best([row for row in rest if of(row, name)], places)
    }
    others = best([row for row in rest if row not in reserved], spec.keep - len(reserved))
    return through | reserved | set(others)


@given(cuts(), pools(), st.booleans())
def test_a_cut_is_the_same_as_request_by_request(spec, pool, some):
    pool = pool.scored(pool.score - 2)  # of both signs
    among = pool.item % 3 > 0 if some else np.ones(len(pool), bool)
    kept = survivors(spec, pool, among if some else None)
    for request in range(pool.requests):
        rows = np.flatnonzero((pool.request == request) & among).tolist()
        assert set(np.flatnonzero(kept & (pool.request == request))) == by_hand(spec, pool, rows)


@given(cuts(), pools())
def test_a_budget_holds_exactly_and_what_bypasses_stands_beside_it(spec, pool):
    kept = survivors(spec, pool)
    beside = (pool.source & sum(BITS[name] for name in spec.bypass)) > 0
    given_to = np.bincount(pool.request[~beside], minlength=pool.requests)
    assert np.array_equal(
        np.bincount(pool.request[kept & ~beside], minlength=pool.requests), np.minimum(given_to, spec.keep)
    )
    assert kept[beside].all()
    places = Admission(spec, BITS).places(pool, spec.keep)
    assert (np.bincount(pool.request[kept], minlength=pool.requests) <= places).all()


@given(pools(), st.integers(1, 8))
def test_what_changes_nothing_is_the_plain_cut(pool, keep):
    plain = top(pool, keep)
    for neutral in ({}, {"boost": {"friends": 1.0, "fresh": 1.0}}):
        assert np.array_equal(survivors(AdmissionSpec(keep=keep, **neutral), pool), plain)
    unfused = Admission(AdmissionSpec(keep=keep, fusion=0.0), BITS).score(pool.scored(-pool.score), pool.score)
    assert unfused is pool.score
    alike = np.full(pool.requests, keep)
    assert np.array_equal(top(pool, alike), plain)


@given(pools(), st.integers(1, 8))
def test_a_bypass_lets_through_all_that_the_plain_cut_does(pool, keep):
    assert (survivors(AdmissionSpec(keep=keep, bypass=("friends",)), pool) >= top(pool, keep)).all()


@given(pools(), st.integers(2, 8), st.data())
def test_a_greater_quota_lets_through_no_less_of_its_source(pool, keep, data):
    less = data.draw(st.integers(1, keep - 1))
    few, many = (survivors(AdmissionSpec(keep=keep, quota={"friends": q}), pool) for q in (less, less + 1))
    friends = pool.source & 2 > 0
    counts = [np.bincount(pool.request[kept & friends], minlength=pool.requests) for kept in (few, many)]
    assert (counts[1] >= counts[0]).all()


@given(pools(), st.lists(st.integers(1, 9), min_size=5, max_size=5))
def test_a_budget_a_request_is_that_budget_for_each_alone(pool, budgets):
    kept = top(pool, np.array(budgets))
    for request, budget in enumerate(budgets):
        mine = pool.request == request
        assert np.array_equal(kept[mine], top(pool, budget)[mine])


@given(pools(), st.integers(1, 8))
def test_what_is_granted_in_a_pool_is_granted_in_a_greater_one_of_no_source(pool, keep):
    """So that a measure may ask what a stage would do with the oracle's items too."""
    admission = Admission(AdmissionSpec(keep=keep, quota={"friends": 1}, bypass=("fresh",)), BITS)
    fetched = pool.item % 2 == 0
    pool = Candidates(pool.offsets, pool.item, np.where(fetched, pool.source, 0), pool.score)
    granted = admission.granted(pool, fetched)
    assert np.array_equal(granted, admission.granted(pool))
    order = np.where(granted, np.float32(np.inf), pool.score)
    for among in (fetched, np.ones(len(pool), bool)):
        places = admission.places(pool, keep, among)
        assert np.array_equal(top(pool, places, order, among), admission.kept(pool, keep, among))


def test_a_boost_helps_whatever_the_sign():
    source, score = np.array([2, 2, 1, 6]), np.array([1.5, -1.5, -1.5, 2.0], np.float32)
    assert boosted(score, source, {2: 2.0, 4: 3.0}).tolist() == [3.0, -0.75, -1.5, 12.0]


def _one(scores: list[float], source: int = 1) -> Candidates:
    count = len(scores)
    pairs = (np.zeros(count, np.int64), np.arange(count), np.full(count, source))
    return from_pairs(*pairs, 1, 30).scored(np.array(scores))


def test_fusion_standardises_within_what_the_stage_is_given():
    """Own scores 1, 3 and earlier ones 40, 20 are -1, 1 and 1, -1; the row outside is put on that scale."""
    rows, own = _one([40.0, 20.0, 50.0]), np.array([1.0, 3.0, 5.0], np.float32)
    among = np.array([True, True, False])
    assert fused(own, rows, 0.25, among).tolist() == [-0.5, 0.5, 0.75 * 3 + 0.25 * 2]
    assert fused(own, rows, 1.0, among).tolist() == [1.0, -1.0, 2.0]


def test_equal_scores_tell_fusion_nothing():
    rows, own = _one([7.0, 7.0, 7.0]), np.array([1.0, 2.0, 3.0], np.float32)
    alone = fused(own, rows, 0.0, np.ones(3, bool))
    assert np.allclose(fused(own, rows, 0.5, np.ones(3, bool)), 0.5 * alone)


@given(pools(), st.floats(0.05, 0.95))
def test_fusion_knows_no_scale_and_no_other_request(pool, weight):
    own = np.cos(np.arange(len(pool))).astype(np.float32)
    everything = np.ones(len(pool), bool)
    score = fused(own, pool, weight, everything)
    assert np.allclose(fused(own * 4 + 1, pool.scored(pool.score * 2 - 8), weight, everything), score, atol=1e-4)
    parts = [
        fused(own[pool.offsets[start] : pool.offsets[start + 1]], part, weight, np.ones(len(part), bool))
        for start in range(pool.requests)
        for part in [pool.slice(start, start + 1)]
    ]
    assert np.array_equal(np.concatenate(parts), score)


@pytest.mark.parametrize(("by", "expected"), [("friends", "friend_count"), ("activity", "activity"), ("bubbles", None)])
def test_segments_are_told_by_what_is_known_before(by, expected):
    observed = generate(SyntheticSpec(users=60, items=80, creators=9, dims=4, communities=3), 1).observed
    users, bubbled = np.array([5, 5, 40, 3]), np.array([0, 4, 5, 9])
    known = getattr(observed, expected)[users] if expected else bubbled
    middle = float(np.sort(known)[2])
    spec = AdmissionSpec(keep=20, segments=Segments(by=by, borders=(middle,), keep=(10, 30)))
    budget = Admission(spec, BITS, observed).budget(users, bubbled)
    assert budget.tolist() == [30 if value >= middle else 10 for value in known]
    assert budget.min() == 10 and budget.max() == 30


def test_another_budget_scales_what_hangs_on_it():
    segments = Segments(by="friends", borders=(3, 9), keep=(1, 10, 40))
    spec = AdmissionSpec(keep=20, segments=segments, boost={"fresh": 2.0})
    half = spec.at(10)
    assert half.segments is not None and half.segments.keep == (1, 5, 20) and half.boost == spec.boost
    quota = AdmissionSpec(keep=20, quota={"friends": 5, "fresh": 1}).at(10)
    assert quota == AdmissionSpec(keep=10, quota={"friends": 2})
    assert spec.at(20) == spec


@given(cuts(), st.integers(1, 30))
def test_a_cut_at_another_budget_is_one_that_could_have_been_written(spec, keep):
    other = spec.at(keep)
    assert AdmissionSpec.parse(other.table(), "") == other and other.keep == keep


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"quota": {"friends": 8, "fresh": 4}},
            "quota: should reserve no more places than the stage has. Found 12 of 10. Lower the quotas or raise "
            "`keep`.",
        ),
        (
            {"quota": {"friends": 8}, "segments": {"by": "friends", "borders": [5], "keep": [5, 20]}},
            "quota: should reserve no more places than the stage has. Found 8 of 5. Lower the quotas or raise `keep`.",
        ),
        ({"bypass": ("fresh", "fresh")}, "bypass: should name each source once. Found `fresh` twice."),
        (
            {"bypass": ("fresh",), "quota": {"fresh": 1}},
            "quota: should leave alone what bypasses the stage. Found `fresh`. Take it out of one of the two.",
        ),
        (
            {"bypass": ("fresh",), "boost": {"fresh": 2.0}},
            "boost: should leave alone what bypasses the stage. Found `fresh`. Take it out of one of the two.",
        ),
    ],
)
def test_a_cut_that_cannot_be_is_told(fields, told):
    with pytest.raises(ValidationError) as error:
        AdmissionSpec.model_validate({"keep": 10, **fields})
    assert str(error.value.errors()[0]["ctx"]["error"]) == told


@pytest.mark.parametrize(
    ("borders", "keep", "told"),
    [
        ((5, 5), (1, 2, 3), "borders should rise. Found 5, 5."),
        ((5, 7), (1, 2), "keep should have one number more than there are borders. Found 2 for 2."),
    ],
)
def test_segments_that_cannot_be_are_told(borders, keep, told):
    with pytest.raises(ValidationError) as error:
        Segments(by="friends", borders=borders, keep=keep)
    assert str(error.value.errors()[0]["ctx"]["error"]) == told
