"""Draws a synthetic world: a pure function of its spec and seed."""

import numpy as np

from funnel.rng import stream
from funnel.world.arrays import distinct, offsets
from funnel.world.choice import Pleasure, choose
from funnel.world.closeness import friendships
from funnel.world.observing import Records, kinds, likes, observe
from funnel.world.synthetic import population
from funnel.world.synthetic.graph import graph
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.truth import Truth
from funnel.world.world import World


def build(spec: SyntheticSpec, seed: int) -> World:
    """Draws a world; cost and memory grow linearly with users, items and friendships."""
    centres = population.communities(spec, seed)
    people, items = population.users(spec, seed, centres), population.items(spec, seed, centres)
    edges = friendships(spec.friends, graph(spec.friends, people.community, seed), spec.users, seed)
    truth = Truth(
        taste=people.taste,
        topic=items.topic,
        tendency=people.tendency,
        quality=items.quality,
        # Drawn apart from the other latents of items, so that whatever was drawn before it came in stays as it was.
        appeal=stream(seed, "world", "appeal").standard_normal(spec.items, dtype=np.float32),
        popularity=items.popularity,
        activity=people.activity,
        closeness=edges.closeness,
    )
    return World(spec, seed, truth, observe(spec, seed, truth, edges, _records(spec, people, items, seed)))


def _records(spec: SyntheticSpec, people: population.Users, items: population.Items, seed: int) -> Records:
    reaction_offsets, reaction_item, reaction_kind = _reactions(spec, people, items, seed)
    watcher = np.repeat(np.arange(spec.users), spec.history)
    history = choose(watcher, _pleasure(people, items), items.popularity, spec.offers, seed, "history")
    # Views follow popularity, and activity is seen as a count.
    counters = stream(seed, "world", "counters")
    views = counters.poisson(spec.past_views * spec.items * items.popularity)
    return Records(
        history=history.reshape(spec.users, spec.history),
        activity=stream(seed, "world", "activity").poisson(spec.past_requests * spec.users * people.activity),
        creator=items.creator,
        duration=items.duration,
        age=items.age,
        views=views,
        likes=likes(spec.engagement, items.quality, views, counters),
        reaction_offsets=reaction_offsets,
        reaction_item=reaction_item,
        reaction_kind=reaction_kind,
    )


def _pleasure(people: population.Users, items: population.Items) -> Pleasure:
    return Pleasure(people.taste, items.topic, items.quality)


def _reactions(
    spec: SyntheticSpec, people: population.Users, items: population.Items, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, items and kinds of the public reactions in the window; a user reacts to an item at most once."""
    generator = stream(seed, "world", "reactions")
    counts = generator.poisson(spec.reactions.mean * spec.users * people.activity)
    user = np.repeat(np.arange(spec.users), counts)
    recent = items.popularity * np.exp(-items.age / items.age.mean())
    item = choose(user, _pleasure(people, items), recent, spec.offers, seed, "reactions")
    user, item = np.divmod(distinct(user * spec.items + item), spec.items)
    kind = kinds(spec.reactions.expressive, len(item), generator)
    return offsets(user, spec.users), item.astype(np.int32), kind
