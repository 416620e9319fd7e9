"""What can be observed of a world: the only thing that features, retrieval and rankers are given."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Observed:
    """Observables of U users, I items and E friendships, drawn from the truth once and from then on all there is."""

    history: np.ndarray
    """int32 (U, H): items watched before the window"""
    interests: np.ndarray
    """float32 (U, D): mean content of the watched items, unit length"""
    activity: np.ndarray
    """float32 (U,): requests in a past period, counted"""
    friend_count: np.ndarray
    """int32 (U,)"""
    content: np.ndarray
    """float32 (I, D): content embedding, a noisy reading of the topic, unit length"""
    creator: np.ndarray
    """int32 (I,)"""
    duration: np.ndarray
    """float32 (I,): seconds"""
    age: np.ndarray
    """float32 (I,): days"""
    arrived: np.ndarray
    """int16 (I,): the round after which the item came, 0 if it was there from the start; a new item takes the number of
    one that left, so number and round together name it"""
    past_views: np.ndarray
    """float32 (I,): public view counter before the window"""
    past_likes: np.ndarray
    """float32 (I,): public like counter before the window"""
    past_clicks: np.ndarray
    """float32 (I,): clicks counted before the window"""
    friend_offsets: np.ndarray
    """int64 (U + 1,): user u has adjacency rows friend_offsets[u] to friend_offsets[u + 1], closest estimate first"""
    friend: np.ndarray
    """int32 (2E,): the friend of each adjacency row"""
    friend_edge: np.ndarray
    """int32 (2E,): the edge of each adjacency row"""
    mutual: np.ndarray
    """int32 (E,): mutual friends"""
    messages: np.ndarray
    """int32 (E,): messages exchanged in a past period; float32, the weight of the friendship, where data has one"""
    contact_days: np.ndarray
    """float32 (E,): days since last contact"""
    closeness: np.ndarray
    """float32 (E,): closeness estimate, a percentile over edges; from the three proxies where no model made another"""
    reaction_offsets: np.ndarray
    """int64 (U + 1,): reactions of user u in the recent window"""
    reaction_item: np.ndarray
    """int32 (m,)"""
    reaction_kind: np.ndarray
    """int8 (m,): index into REACTIONS"""
    eligible: np.ndarray
    """int32 (U,): friends whose closeness estimate reaches the threshold, so that they may show as a bubble"""
    surface: np.ndarray
    """int8 (U,): the surface that the user asks on; 0 in a world without surfaces"""
    intent: np.ndarray
    """float32 (U, D): what the user asks for there, as a noisy reading of content (a query embedding), unit length; 0
    where the surface has no intent, and of no width in a world without surfaces"""
    cap: int
    """friends shown on one item at most"""
    surfaces: int
    """surfaces of the world; 0 if it does not tell any apart"""

    @cached_property
    def asked(self) -> np.ndarray:
        """float32 (U, D): what a search by content looks for: the intent, or the interests where there is none."""
        if not self.surfaces:
            return self.interests
        return np.where(self.intent.any(1, keepdims=True), self.intent, self.interests)

    def with_closeness(self, estimate: np.ndarray, threshold: float) -> "Observed":
        """The same under another closeness estimate: whose friends come first, and who may show as a bubble.

        Args:
            estimate: float32 (E,), a percentile over edges. threshold: from which a friend may show.
        """
        friend, edge, eligible = closest_first(self.friend_offsets, self.friend, self.friend_edge, estimate, threshold)
        return replace(self, friend=friend, friend_edge=edge, closeness=estimate, eligible=eligible)

    @cached_property
    def creator_content(self) -> np.ndarray:
        """float32 (I, D): mean content of all items by the item's creator, unit length; computed at first use."""
        sums = np.stack([np.bincount(self.creator, column) for column in self.content.T], 1)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.maximum(lengths, 1e-12)).astype(np.float32)[self.creator]

    @cached_property
    def fresh(self) -> np.ndarray:
        """bool (I,): the item is among the newest tenth of the corpus."""
        return self.age <= np.quantile(self.age, 0.1)

    @cached_property
    def small(self) -> np.ndarray:
        """bool (I,): its creator is among the smaller half of creators by past views."""
        by_creator = np.bincount(self.creator, self.past_views)
        return (by_creator <= np.median(by_creator))[self.creator]


def closest_first(
    offsets: np.ndarray, friend: np.ndarray, edge: np.ndarray, estimate: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The adjacency with the closest estimate first inside a user, of equal ones the lower friend id.

    Args:
        offsets: int64 (U + 1,). friend, edge: int (2E,), in any order inside a user. estimate: float32 (E,).
        threshold: the estimate from which a friend may show as a bubble.

    Returns:
        int32 (2E,) friends and edges, and int32 (U,) how many friends may show.
    """
    users = len(offsets) - 1
    owner = np.repeat(np.arange(users), np.diff(offsets))
    order = np.lexsort((friend, -estimate[edge], owner))
    eligible = np.bincount(owner[estimate[edge] >= threshold], minlength=users)
    return friend[order].astype(np.int32), edge[order].astype(np.int32), eligible.astype(np.int32)


REACTIONS = ("like", "love", "laughter", "comment", "share")
"""kinds of public reaction; all but the first count as expressive"""
