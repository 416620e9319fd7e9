"""What shows of a truth: its platform's records and counters, the same for every kind of world."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from funnel.rng import stream
from funnel.world.arrays import unit
from funnel.world.closeness import Friends, adjacency
from funnel.world.laws import Assumptions, EngagementSpec
from funnel.world.observed import REACTIONS, Observed, closest_first
from funnel.world.truth import Truth


@dataclass(frozen=True)
class Records:
    """What the platform wrote down of U users and I items."""

    history: np.ndarray
    """int32 (U, H): items watched before the window"""
    activity: np.ndarray
    """float32 (U,): requests in a past period"""
    creator: np.ndarray
    """int32 (I,)"""
    duration: np.ndarray
    """float32 (I,): seconds"""
    age: np.ndarray
    """float32 (I,): days"""
    views: np.ndarray
    """int64 (I,): before the window"""
    likes: np.ndarray
    """int64 (I,): among the views"""
    reaction_offsets: np.ndarray
    """int64 (U + 1,): reactions of user u in the recent window"""
    reaction_item: np.ndarray
    """int32 (m,)"""
    reaction_kind: np.ndarray
    """int8 (m,): index into REACTIONS"""


def kinds(expressive: float, count: int, generator: np.random.Generator) -> np.ndarray:
    """int8 (count,): kinds of reactions, of which the share `expressive` is stronger than a plain like."""
    strong = generator.random(count) < expressive
    return np.where(strong, generator.integers(1, len(REACTIONS), count), 0).astype(np.int8)


def likes(spec: EngagementSpec, quality: np.ndarray, views: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """int64 (I,): likes among the views before the window, which follow quality."""
    like = spec.channels["like"]
    return generator.binomial(views, expit(like.base + like.quality * quality))


def clicks(spec: EngagementSpec, truth: Truth, views: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """int64 (I,): clicks among views, which follow appeal first."""
    click = spec.channels["click"]
    rate = expit(click.base + click.quality * truth.quality + click.appeal * truth.appeal)
    return generator.binomial(views, rate)


def read(noise: float, topic: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """float32 (n, D): what a content model makes of topics."""
    drawn = generator.standard_normal(topic.shape, dtype=np.float32)
    return unit(topic + np.float32(noise / np.sqrt(topic.shape[1])) * drawn)


def interests(content: np.ndarray, history: np.ndarray) -> np.ndarray:
    """float32 (U, D): mean content of the watched items, unit length."""
    return unit(sum(content[history[:, place]] for place in range(history.shape[1])))


def observe(spec: Assumptions, seed: int, truth: Truth, edges: Friends, records: Records) -> Observed:
    """What can be observed: the records, the counters, the graph, and what a content model sees."""
    users = len(truth.taste)
    graph = adjacency(edges.ends, users)
    friend_offsets = graph.indptr.astype(np.int64)
    friend, friend_edge, eligible = closest_first(
        friend_offsets, graph.indices, graph.data - 1, edges.estimate, spec.reactions.threshold
    )
    content = read(spec.content_noise, truth.topic, stream(seed, "world", "content"))
    clicked = clicks(spec.engagement, truth, records.views, stream(seed, "world", "clicks"))
    return Observed(
        history=records.history,
        interests=interests(content, records.history),
        activity=records.activity.astype(np.float32),
        friend_count=np.diff(friend_offsets).astype(np.int32),
        content=content,
        creator=records.creator,
        duration=records.duration,
        age=records.age,
        arrived=np.zeros(len(records.age), np.int16),
        past_views=records.views.astype(np.float32),
        past_likes=records.likes.astype(np.float32),
        past_clicks=clicked.astype(np.float32),
        friend_offsets=friend_offsets,
        friend=friend,
        friend_edge=friend_edge,
        mutual=edges.mutual,
        messages=edges.messages,
        contact_days=edges.contact_days,
        closeness=edges.estimate,
        reaction_offsets=records.reaction_offsets,
        reaction_item=records.reaction_item,
        reaction_kind=records.reaction_kind,
        eligible=eligible,
        surface=np.zeros(users, np.int8),
        intent=np.empty((users, 0), np.float32),
        cap=spec.reactions.cap,
        surfaces=0,
    )
