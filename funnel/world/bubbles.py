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
        return (self.edge >= 0).sum(1).astype(np.float32)

    @cached_property
    def expressive(self) -> np.ndarray:
        """float32 (n,): friends shown whose reaction was expressive."""
        return self.strong.sum(1).astype(np.float32)

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


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """int64 (sum counts,): starts[0], starts[0] + 1, ... for counts[0] numbers, then starts[1], and so on."""
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return shift + np.arange(len(shift))


def join(observed: Observed, users: np.ndarray) -> Bubbles:
    """The bubbles of R requests.

    Args:
        users: int64 (R,), who asks.
    """
    start = observed.friend_offsets[users]
    # Adjacency is sorted by estimate, so the eligible friends of a user come first.
    eligible = observed.eligible[users]
    row = ranges(start, eligible)
    request = np.repeat(np.arange(len(users)), eligible)
    friend, edge = observed.friend[row], observed.friend_edge[row]

    first = observed.reaction_offsets[friend]
    counts = observed.reaction_offsets[friend + 1] - first
    reaction = ranges(first, counts)
    request, edge = np.repeat(request, counts), np.repeat(edge, counts)
    items = len(observed.creator)
    keys = request * items + observed.reaction_item[reaction]

    # Stable, so inside a pair the friends stay in order of closeness and the first `cap` are the ones shown.
    order = np.argsort(keys, kind="stable")
    keys, edge = keys[order], edge[order]
    strong = observed.reaction_kind[reaction[order]] > 0
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
    pair = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(keys))))
    place = np.arange(len(keys)) - begins[pair] if len(keys) else np.empty(0, np.int64)
    shown = place < observed.cap
    edges = np.full((len(begins), observed.cap), -1, np.int32)
    strongs = np.zeros((len(begins), observed.cap), bool)
    edges[pair[shown], place[shown]] = edge[shown]
    strongs[pair[shown], place[shown]] = strong[shown]
    owner, item = np.divmod(keys[begins], items)
    offsets = np.searchsorted(owner, np.arange(len(users) + 1))
    closeness = observed.closeness[edges[:, 0]] if len(edges) else np.empty(0, np.float32)
    return Bubbles(offsets, item, edges, strongs, closeness, items)
