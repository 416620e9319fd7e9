"""The bubble join: which items carry which friends for a batch of requests, computed from graph and reactions.

A bubble for (user, item) exists when eligible friends (closeness estimate above the threshold) reacted to the item; the
closest `cap` of them are shown. The join is made per batch; no table of all pairs exists.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from funnel.candidates import Candidates, position_in
from funnel.world.observed import Observed


@dataclass(frozen=True)
class Bubbles:
    """All n bubbles of R requests, request-major, items ascending inside a request."""

    offsets: np.ndarray
    """int64 (R + 1,)"""
    item: np.ndarray
    """int64 (n,)"""
    edge: np.ndarray
    """int32 (n, cap): the friendships shown, closest estimate first; -1 where fewer are"""
    strong: np.ndarray
    """bool (n, cap): the friend's reaction was expressive"""
    closeness: np.ndarray
    """float32 (n,): the greatest closeness estimate among the shown"""
    items: int
    """size of the corpus"""

    @cached_property
    def count(self) -> np.ndarray:
        """float32 (n,): friends shown."""
        return _row_sums(self.edge >= 0)

    @cached_property
    def expressive(self) -> np.ndarray:
        """float32 (n,): friends shown whose reaction was expressive."""
        return _row_sums(self.strong)

    @cached_property
    def request(self) -> np.ndarray:
        """int64 (n,): request row of each bubble."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @cached_property
    def keys(self) -> np.ndarray:
        """int64 (n,): request * items + item, ascending."""
        return self.request * self.items + self.item

    def find(self, request: np.ndarray, item: np.ndarray) -> np.ndarray:
        """int64 (m,): the bubble of each (request row, item), or -1. Any order."""
        return position_in(request * self.items + item, self.keys)

    def at(self, candidates: Candidates) -> np.ndarray:
        """int64 (m,): the bubble of each candidate, or -1. There are fewer bubbles than candidates, so they are sought
        among the candidates and not the other way round."""
        rows = np.full(len(candidates), -1)
        place = position_in(self.keys, candidates.keys(self.items))
        rows[place[place >= 0]] = np.flatnonzero(place >= 0)
        return rows


def none(requests: int, items: int) -> Bubbles:
    """No bubble on any item: for funnels whose scores come from elsewhere."""
    edge, strong = np.empty((0, 1), np.int32), np.empty((0, 1), bool)
    return Bubbles(
        np.zeros(requests + 1, np.int64), np.empty(0, np.int64), edge, strong, np.empty(0, np.float32), items
    )


def _row_sums(flags: np.ndarray) -> np.ndarray:
    """float32 (n,): how many of bool (n, cap) hold a row; as a product, since a sum over short rows is slow."""
    return flags.astype(np.float32) @ np.ones(flags.shape[1], np.float32)


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """int64 (sum counts,): starts[0], starts[0] + 1, ... for counts[0] numbers, then starts[1], and so on."""
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return shift + np.arange(len(shift))


def join(observed: Observed, users: np.ndarray) -> Bubbles:
    """The bubbles of R requests.

    Args:
        users: int64 (R,), who asks.
    """
    # Adjacency is sorted by estimate, so the eligible friends of a user come first.
    eligible = observed.eligible[users]
    row = ranges(observed.friend_offsets[users], eligible)
    friend, items = observed.friend[row], len(observed.creator)

    first = observed.reaction_offsets[friend]
    counts = observed.reaction_offsets[friend + 1] - first
    reaction = ranges(first, counts)
    begin = np.repeat(np.repeat(np.arange(len(users)), eligible) * items, counts)
    keys, order = _sorted(begin + observed.reaction_item[reaction])
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    owner, item = np.divmod(keys[begins], items)

    # Inside a pair the friends stay in order of closeness, so the first `cap` are the ones shown.
    friends, via = np.diff(begins, append=len(keys)), np.repeat(row, counts)
    edge, strong = np.full((len(item), observed.cap), -1, np.int32), np.zeros((len(item), observed.cap), bool)
    for place in range(observed.cap):
        shown = np.flatnonzero(friends > place)
        at = order[begins[shown] + place]
        edge[shown, place] = observed.friend_edge[via[at]]
        strong[shown, place] = observed.reaction_kind[reaction[at]] > 0
    offsets = np.searchsorted(owner, np.arange(len(users) + 1))
    closeness = observed.closeness[edge[:, 0]] if len(edge) else np.empty(0, np.float32)
    return Bubbles(offsets, item, edge, strong, closeness, items)


def _sorted(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys in rising order and the places they came from, equal ones in the order they had.

    Key and place are packed into one integer: sorting plain integers is many times faster than a stable argsort.
    """
    bits = len(keys).bit_length()
    packed = np.sort(keys << bits | np.arange(len(keys)))
    return packed >> bits, packed & (1 << bits) - 1
