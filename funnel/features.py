"""The catalogue of observable features: which side of the pair they describe, what they cost, which stage affords them.

A feature sees `Observed` and what retrieval learnt from logs, never the truth. To add one, add one `Feature(...)`.
User and item features are tables computed once; pair features are computed per candidate; context is the impression's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from funnel.rng import keyed_uniforms
from funnel.world.bubbles import Bubbles
from funnel.world.observed import Observed


@dataclass(frozen=True)
class Towers:
    """The two-tower vectors that retrieval learnt; their inner product is also a feature."""

    user: np.ndarray
    """float32 (U, d)"""
    item: np.ndarray
    """float32 (I, d)"""


@dataclass(frozen=True)
class Pairs:
    """n (user, item) pairs in one context each, as a stage or a training batch sees them."""

    observed: Observed
    towers: Towers
    user: np.ndarray
    """int64 (n,)"""
    item: np.ndarray
    """int64 (n,)"""
    position: np.ndarray
    """float32 (n,): 0 at serving, where the position is not known yet"""
    bubbles: Bubbles
    """the bubbles of the requests behind the pairs"""
    bubble: np.ndarray
    """int64 (n,): row of `bubbles` for the pair, -1 where no friend shows"""

    @cached_property
    def stretches(self) -> list[tuple[int, slice]]:
        """The users and their rows: rows of one user stand together, so what is the user's is read once a stretch."""
        bounds = np.flatnonzero(np.diff(self.user, prepend=-1, append=-1)).tolist()
        return [(int(self.user[start]), slice(start, stop)) for start, stop in pairwise(bounds)]

    def dot(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float32 (n, 1): row-wise inner product of two tables, gathered at the pairs."""
        products = np.empty(len(self.item), np.float32)
        for user, rows in self.stretches:
            np.dot(items.take(self.item[rows], 0), users[user], out=products[rows])
        return products[:, None]

    def of_bubble(self, column: np.ndarray) -> np.ndarray:
        """float32 (n, 1): a column of the bubbles at the pairs, 0 where there is none."""
        values = np.zeros((len(self.bubble), 1), np.float32)
        values[self.shown, 0] = column[self.bubble[self.shown]]
        return values

    @cached_property
    def shown(self) -> np.ndarray:
        """int64: the rows that carry a bubble."""
        return np.flatnonzero(self.bubble >= 0)


@dataclass(frozen=True)
class Feature:
    """One observable."""

    name: str
    side: Literal["user", "item", "pair", "context"]
    width: Callable[[Observed], int] | int
    """columns"""
    compute: Callable
    """(Observed) -> float32 (U or I, width) for the user and item side; (Pairs) -> float32 (n, width) otherwise"""
    macs: int = 0
    """multiply-adds per candidate at serving, at the default dimensions; tables are read, so they cost bytes only"""
    stages: tuple[str, ...] = ("early", "late")
    """the stages that may afford it"""
    signal: str | None = None
    """the term of the engagement oracle that it tells of, beyond taste and quality; names what a change is about"""
    surfaced: bool = False
    """whether it tells of the surface that is asked on; without surfaces it has no column"""

    def columns(self, observed: Observed) -> int:
        return self.width(observed) if callable(self.width) else self.width


def _content_match(pairs: Pairs) -> np.ndarray:
    """Similarity of the item's content to the mean content of what the user watched."""
    return pairs.dot(pairs.observed.interests, pairs.observed.content)


def _history_match(pairs: Pairs) -> np.ndarray:
    """Best and mean similarity of the item to the videos that the user watched last (a cross feature of DIN's kind)."""
    content, history = pairs.observed.content, pairs.observed.history
    similarity = np.empty((history.shape[1], len(pairs.item)), np.float32)
    for user, rows in pairs.stretches:
        similarity[:, rows] = content.take(history[user], 0) @ content.take(pairs.item[rows], 0).T
    return np.stack([similarity.max(0), similarity.mean(0)], 1)


def _creator_seen(pairs: Pairs) -> np.ndarray:
    """How many of the user's remembered videos are by the item's creator."""
    creator, history = pairs.observed.creator, pairs.observed.history
    return (creator[history[pairs.user]] == creator[pairs.item][:, None]).sum(1, keepdims=True).astype(np.float32)


def _creator_affinity(pairs: Pairs) -> np.ndarray:
    """Similarity of what the item's creator makes, on the mean, to the mean content of what the user watched.

    A creator's items lie near each other, so the mean of their content tells of an item's topic beyond its own content,
    which is a noisy reading.
    """
    return pairs.dot(pairs.observed.interests, pairs.observed.creator_content)


def _surface(observed: Observed) -> np.ndarray:
    """Which surface is asked on, one column each."""
    return observed.surface[:, None] == np.arange(observed.surfaces)


def _to_intent(pairs: Pairs, items: np.ndarray) -> np.ndarray:
    """Similarity of a vector of the item, float32 (I, D), to what is asked for."""
    observed = pairs.observed
    return pairs.dot(observed.intent, items) if observed.surfaces else np.empty((len(pairs.item), 0), np.float32)


def _noise(pairs: Pairs) -> np.ndarray:
    """A number of the pair that is drawn once for all and tells of nothing, in training as at serving.

    It needs no seed: worlds differ in who stands behind the numbers.
    """
    return keyed_uniforms(0, "noise feature", pairs.user, pairs.item, 1)


DIMS = lambda observed: observed.content.shape[1]  # noqa: E731 - the width of an embedding is the world's
ASKED = lambda observed: min(observed.surfaces, 1)  # noqa: E731 - nothing is asked for where no surface is told apart

FEATURES: tuple[Feature, ...] = (
    Feature("interests", "user", DIMS, lambda o: o.interests),
    Feature("activity", "user", 1, lambda o: np.log1p(o.activity)[:, None]),
    Feature("friend_count", "user", 1, lambda o: np.log1p(o.friend_count)[:, None]),
    Feature("surface", "user", lambda o: o.surfaces, _surface, surfaced=True),
    Feature("intent", "user", lambda o: o.intent.shape[1], lambda o: o.intent, surfaced=True),
    Feature("content", "item", DIMS, lambda o: o.content),
    Feature("duration", "item", 1, lambda o: np.log(o.duration)[:, None]),
    Feature("age", "item", 1, lambda o: np.log1p(o.age)[:, None]),
    Feature("past_views", "item", 1, lambda o: np.log1p(o.past_views)[:, None]),
    # Smoothed with one like in fifty views: a new item starts at the common rate.
    Feature("past_like_rate", "item", 1, lambda o: np.log((o.past_likes + 1) / (o.past_views + 50))[:, None]),
    # Smoothed likewise with one click in twenty-five views.
    Feature("past_click_rate", "item", 1, lambda o: np.log((o.past_clicks + 1) / (o.past_views + 25))[:, None]),
    Feature("tower_match", "pair", 1, lambda p: p.dot(p.towers.user, p.towers.item), macs=32),
    Feature("content_match", "pair", 1, _content_match, macs=16, stages=("late",)),
    Feature("history_match", "pair", 2, _history_match, macs=256, stages=("late",)),
    Feature("creator_seen", "pair", 1, _creator_seen, macs=16, stages=("late",)),
    Feature("bubble_count", "pair", 1, lambda p: p.of_bubble(p.bubbles.count), macs=1, signal="friend"),
    Feature("bubble_closeness", "pair", 1, lambda p: p.of_bubble(p.bubbles.closeness), macs=1, signal="friend"),
    Feature("bubble_expressive", "pair", 1, lambda p: p.of_bubble(p.bubbles.expressive), macs=1, signal="friend"),
    Feature("creator_affinity", "pair", 1, _creator_affinity, macs=16),
    Feature("intent_match", "pair", ASKED, lambda p: _to_intent(p, p.observed.content), macs=16, surfaced=True),
    Feature(
        "intent_creator", "pair", ASKED, lambda p: _to_intent(p, p.observed.creator_content), macs=16, surfaced=True
    ),
    Feature("noise", "pair", 1, _noise, macs=8),
    Feature("position", "context", 1, lambda p: np.log1p(p.position)[:, None]),
)

FEATURE: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


def select(names: tuple[str, ...], side: str) -> list[Feature]:
    """The named features of one side, in the order of the names."""
    return [FEATURE[name] for name in names if FEATURE[name].side == side]


def tell_of_friends(names: tuple[str, ...]) -> bool:
    """Whether one of the named features tells of friends, so that bubbles have to be joined for it."""
    return any(FEATURE[name].signal == "friend" for name in names)


def table(names: tuple[str, ...], side: Literal["user", "item"], observed: Observed) -> np.ndarray:
    """float32 (U or I, F): the named features of one side for every user or item."""
    rows = len(observed.friend_count) if side == "user" else len(observed.creator)
    parts = [np.asarray(feature.compute(observed), np.float32) for feature in select(names, side)]
    return np.concatenate([np.empty((rows, 0), np.float32), *parts], axis=1)


def per_candidate(names: tuple[str, ...], pairs: Pairs) -> np.ndarray:
    """float32 (n, F): the named pair and context features, pair side first."""
    chosen = select(names, "pair") + select(names, "context")
    parts = [np.asarray(feature.compute(pairs), np.float32) for feature in chosen]
    return np.concatenate([np.empty((len(pairs.item), 0), np.float32), *parts], axis=1)
