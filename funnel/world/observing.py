"""What shows of a truth: its platform's records and counters, the same for every kind of world."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from funnel.rng import stream
from funnel.world.arrays import unit
from funnel.world.closeness import Friends, adjacency
from funnel.world.laws import Assumptions, EngagementSpec
from funnel.world.observed import REACTIONS, Observed
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


def _clicks(spec: EngagementSpec, truth: Truth, views: np.ndarray, seed: int) -> np.ndarray:
    """int64 (I,): clicks among the views before the window, which follow appeal first."""
    click = spec.channels["click"]
    rate = expit(click.base + click.quality * truth.quality + click.appeal * truth.appeal)
    return stream(seed, "world", "clicks").binomial(views, rate)


def read(noise: float, topic: np.ndarray, seed: int, *names: str) -> np.ndarray:
    """float32 (n, D): what a content model makes of topics; `names` are of the stream of its errors."""
    drawn = stream(seed, "world", *names).standard_normal(topic.shape, dtype=np.float32)
    return unit(topic + np.float32(noise / np.sqrt(topic.shape[1])) * drawn)


def _adjacency(edges: Friends, users: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, friends and edges, the closest estimate first inside a user."""
    graph = adjacency(edges.ends, users)
    owner = np.repeat(np.arange(users), np.diff(graph.indptr))
    edge = graph.data - 1
    order = np.lexsort((-edges.estimate[edge], owner))
    return graph.indptr.astype(np.int64), graph.indices[order].astype(np.int32), edge[order].astype(np.int32)


def observe(spec: Assumptions, seed: int, truth: Truth, edges: Friends, records: Records) -> Observed:
    """What can be observed: the records, the counters, the graph, and what a content model sees."""
    users = len(truth.taste)
    friend_offsets, friend, friend_edge = _adjacency(edges, users)
    owner = np.repeat(np.arange(users), np.diff(friend_offsets))
    eligible = np.bincount(owner[edges.estimate[friend_edge] >= spec.reactions.threshold], minlength=users)
    content = read(spec.content_noise, truth.topic, seed, "content")
    return Observed(
        history=records.history,
        interests=unit(sum(content[records.history[:, h]] for h in range(spec.history))),
        activity=records.activity.astype(np.float32),
        friend_count=np.diff(friend_offsets).astype(np.int32),
        content=content,
        creator=records.creator,
        duration=records.duration,
        age=records.age,
        past_views=records.views.astype(np.float32),
        past_likes=records.likes.astype(np.float32),
        past_clicks=_clicks(spec.engagement, truth, records.views, seed).astype(np.float32),
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
        eligible=eligible.astype(np.int32),
        surface=np.zeros(users, np.int8),
        intent=np.empty((users, 0), np.float32),
        cap=spec.reactions.cap,
        surfaces=0,
    )
