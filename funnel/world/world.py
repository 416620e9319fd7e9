"""A world: truth, and what can be observed of it. A pure function of its spec and seed."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.special import expit

from funnel.rng import stream
from funnel.world import population
from funnel.world.choice import choose
from funnel.world.friends import Friends, adjacency, distinct, friends
from funnel.world.observed import REACTIONS, Observed
from funnel.world.spec import WorldSpec
from funnel.world.truth import Truth


@dataclass(frozen=True)
class World:
    """Truth and observables under one spec and seed."""

    spec: WorldSpec
    seed: int
    truth: Truth
    observed: Observed

    @property
    def users(self) -> int:
        return len(self.truth.taste)

    @property
    def items(self) -> int:
        return len(self.truth.topic)

    def save(self, folder: Path) -> None:
        """One `.npy` an array, so that processes share them by memory map."""
        for part in (self.truth, self.observed):
            for name, array in _arrays(part):
                np.save(folder / f"{type(part).__name__.lower()}.{name}.npy", array)
        meta = {"spec": self.spec.table(), "seed": self.seed}
        (folder / "world.json").write_text(json.dumps(meta))

    @classmethod
    def load(cls, folder: Path) -> "World":
        meta = json.loads((folder / "world.json").read_text())
        spec = WorldSpec.parse(meta["spec"], "world")

        def read(kind: str, name: str) -> np.ndarray:
            # As a plain array over the map: slicing a memmap object costs more than the work on small slices.
            return np.asarray(np.load(folder / f"{kind}.{name}.npy", mmap_mode="r"))

        truth = Truth(**{field.name: read("truth", field.name) for field in fields(Truth)})
        arrays = {field.name: read("observed", field.name) for field in fields(Observed) if field.name != "cap"}
        return cls(spec, meta["seed"], truth, Observed(**arrays, cap=spec.reactions.cap))


def _arrays(part: Truth | Observed) -> list[tuple[str, np.ndarray]]:
    named = ((field.name, getattr(part, field.name)) for field in fields(part))
    return [(name, array) for name, array in named if isinstance(array, np.ndarray)]


def _offsets(owner: np.ndarray, owners: int) -> np.ndarray:
    """int64 (owners + 1,): where each owner's rows begin in arrays sorted by owner."""
    return np.searchsorted(owner, np.arange(owners + 1))


def _reactions(
    spec: WorldSpec, people: population.Users, items: population.Items, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, items and kinds of the public reactions in the window; a user reacts to an item at most once."""
    generator = stream(seed, "world", "reactions")
    users = len(people.activity)
    counts = generator.poisson(spec.reactions.mean * users * people.activity)
    user = np.repeat(np.arange(users), counts)
    recent = items.popularity * np.exp(-items.age / items.age.mean())
    item = choose(user, people, items, recent, spec.offers, seed, "reactions")
    pairs = distinct(user * len(items.topic) + item)
    user, item = np.divmod(pairs, len(items.topic))
    strong = generator.random(len(pairs)) < spec.reactions.expressive
    kind = np.where(strong, generator.integers(1, len(REACTIONS), len(pairs)), 0)
    return _offsets(user, users), item.astype(np.int32), kind.astype(np.int8)


def _adjacency(edges: Friends, users: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, friends and edges, the closest estimate first inside a user."""
    graph = adjacency(edges.ends, users)
    owner = np.repeat(np.arange(users), np.diff(graph.indptr))
    edge = graph.data - 1
    order = np.lexsort((-edges.estimate[edge], owner))
    return graph.indptr.astype(np.int64), graph.indices[order].astype(np.int32), edge[order].astype(np.int32)


def _content(spec: WorldSpec, topic: np.ndarray, seed: int) -> np.ndarray:
    """float32 (I, D): what a content model makes of the topic."""
    noise = stream(seed, "world", "content").standard_normal(topic.shape, dtype=np.float32)
    return population.unit(topic + np.float32(spec.content_noise / np.sqrt(topic.shape[1])) * noise)


def _past(spec: WorldSpec, items: population.Items, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Public counters before the window: views follow popularity, likes follow quality."""
    generator = stream(seed, "world", "counters")
    views = generator.poisson(spec.past_views * spec.items * items.popularity)
    like = spec.engagement.channels["like"]
    likes = generator.binomial(views, expit(like.base + like.quality * items.quality))
    return views.astype(np.float32), likes.astype(np.float32)


def _past_clicks(spec: WorldSpec, quality: np.ndarray, appeal: np.ndarray, views: np.ndarray, seed: int) -> np.ndarray:
    """float32 (I,): clicks among the views before the window, which follow appeal first."""
    click = spec.engagement.channels["click"]
    rate = expit(click.base + click.quality * quality + click.appeal * appeal)
    return stream(seed, "world", "clicks").binomial(views.astype(np.int64), rate).astype(np.float32)


def generate(spec: WorldSpec, seed: int) -> World:
    """Draws a world; cost and memory grow linearly with users, items and friendships."""
    centres = population.communities(spec, seed)
    people, items = population.users(spec, seed, centres), population.items(spec, seed, centres)
    edges = friends(spec.friends, people.community, seed)
    friend_offsets, friend, friend_edge = _adjacency(edges, spec.users)
    owner = np.repeat(np.arange(spec.users), np.diff(friend_offsets))
    eligible = np.bincount(owner[edges.estimate[friend_edge] >= spec.reactions.threshold], minlength=spec.users)
    reaction_offsets, reaction_item, reaction_kind = _reactions(spec, people, items, seed)
    watcher = np.repeat(np.arange(spec.users), spec.history)
    history = choose(watcher, people, items, items.popularity, spec.offers, seed, "history")
    history = history.reshape(spec.users, spec.history)
    content = _content(spec, items.topic, seed)
    interests = population.unit(sum(content[history[:, h]] for h in range(spec.history)))
    past_views, past_likes = _past(spec, items, seed)
    # Drawn apart from the other latents of items, so that whatever was drawn before it came in stays as it was.
    appeal = stream(seed, "world", "appeal").standard_normal(spec.items, dtype=np.float32)
    # Activity is seen as a count.
    counted = stream(seed, "world", "activity").poisson(spec.past_requests * spec.users * people.activity)
    truth = Truth(
        taste=people.taste,
        topic=items.topic,
        community=people.community,
        tendency=people.tendency,
        quality=items.quality,
        appeal=appeal,
        popularity=items.popularity,
        activity=people.activity,
        closeness=edges.closeness,
    )
    observed = Observed(
        history=history,
        interests=interests,
        activity=counted.astype(np.float32),
        friend_count=np.diff(friend_offsets).astype(np.int32),
        content=content,
        creator=items.creator,
        duration=items.duration,
        age=items.age,
        past_views=past_views,
        past_likes=past_likes,
        past_clicks=_past_clicks(spec, items.quality, appeal, past_views, seed),
        friend_offsets=friend_offsets,
        friend=friend,
        friend_edge=friend_edge,
        mutual=edges.mutual,
        messages=edges.messages,
        contact_days=edges.contact_days,
        closeness=edges.estimate,
        reaction_offsets=reaction_offsets,
        reaction_item=reaction_item,
        reaction_kind=reaction_kind,
        eligible=eligible.astype(np.int32),
        cap=spec.reactions.cap,
    )
    return World(spec, seed, truth, observed)
