"""The value that travels down the funnel, and the one selection that everything shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.candidates import Candidates, Requests, from_pairs, position_in, stacked
from funnel.errors import DataError
from funnel.select import top

ITEMS = 30


@st.composite
def pools(draw) -> Candidates:
    """Random candidates with many ties, and requests that have none."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, ITEMS - 1), st.integers(0, 2)), max_size=60))
    table = np.array(pairs, np.int64).reshape(-1, 3)
    pool = from_pairs(table[:, 0], table[:, 1], 1 << table[:, 2], 5, ITEMS)
    scores = draw(st.lists(st.integers(0, 4), min_size=len(pool), max_size=len(pool)))
    return pool.scored(np.array(scores, np.float32))


@given(pools(), st.integers(1, 8))
def test_top_is_the_sorted_prefix_with_ties_to_the_lower_item(pool, keep):
    kept = top(pool, keep)
    for request in range(pool.requests):
        mine = np.flatnonzero(pool.request == request)
        best = sorted(mine, key=lambda row: (-pool.score[row], pool.item[row]))[:keep]
        assert set(np.flatnonzero(kept & (pool.request == request))) == set(best)


@given(pools(), st.integers(1, 8))
def test_top_among_some_is_top_of_those_alone(pool, keep):
    among = pool.item % 2 == 0
    alone = pool.take(among)
    assert np.array_equal(pool.take(top(pool, keep, among=among)).keys(ITEMS), alone.take(top(alone, keep)).keys(ITEMS))


@given(pools())
def test_pools_hold_their_contract_and_take_apart(pool):
    pool.checked(ITEMS)
    parts = [pool.slice(start, start + 2) for start in range(0, 5, 2)]
    again = stacked(parts)
    assert all(
        np.array_equal(getattr(again, name), getattr(pool, name)) for name in ("offsets", "item", "source", "score")
    )


def test_a_pair_given_twice_has_both_sources():
    pool = from_pairs(np.array([1, 0, 1]), np.array([5, 2, 5]), np.array([1, 2, 4]), 3, ITEMS)
    assert pool.item.tolist() == [2, 5] and pool.source.tolist() == [2, 5] and pool.counts.tolist() == [1, 1, 0]


def test_positions():
    assert position_in(np.array([3, 4, 9]), np.array([1, 3, 9])).tolist() == [1, -1, 2]
    assert position_in(np.array([3]), np.array([], np.int64)).tolist() == [-1]


def test_chunks_cover_all_requests():
    requests = Requests(np.arange(7), np.arange(7) * 2)
    assert np.concatenate([chunk.user for chunk in requests.chunks(3)]).tolist() == requests.user.tolist()


def _candidates(item, score=(0.0, 0.0)) -> Candidates:
    return Candidates(np.array([0, 2]), np.array(item), np.array([1, 1]), np.array(score, np.float32))


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        (_candidates([1, 40]), "Candidates: items should be in [0, 30). Found 1 to 40."),
        (
            _candidates([4, 4]),
            "Candidates: items should ascend inside a request. Found 4 after 4 in request row 0. Merge sources without "
            "duplicates.",
        ),
        (
            _candidates([1, 2], (0.0, np.nan)),
            "Candidates: scores should be finite. Found nan for item 2 in request row 0.",
        ),
    ],
)
def test_a_broken_contract_is_told(candidates, message):
    with pytest.raises(DataError) as error:
        candidates.checked(ITEMS)
    assert str(error.value) == message
