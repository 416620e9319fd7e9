"""The surfaces of a product: one person asks in several places, and wants other things there.

A user on a surface is a *viewer*: viewer u * S + s is user u on surface s. All that is indexed by a user (features,
bubbles, oracle, stages, logs) is then indexed by a viewer, and nothing else has to know that there are surfaces. What a
viewer wants is drawn from the user's lasting taste towards an intent (a query, the pin that was just looked at), which
is the same whenever this user asks on this surface.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from funnel.rng import stream
from funnel.world.arrays import unit
from funnel.world.bubbles import ranges
from funnel.world.choice import Pleasure, choose
from funnel.world.observed import Observed
from funnel.world.observing import read
from funnel.world.truth import Truth
from funnel.world.world import World


def with_surfaces(world: World, offers: int) -> World:
    """The world of the U * S viewers of the S surfaces that its spec tells of; itself if that tells of none.

    People, items and friendships stay those of the world without surfaces, draw by draw.

    Args:
        offers: items met by popularity for each that is chosen as an intent.
    """
    surfaces = world.spec.surfaces
    if not surfaces:
        return world
    asked = np.stack([_asked(world, name, offers) for name in surfaces], 1)
    return replace(world, truth=_truth(world, asked), observed=_observed(world, asked))


def _asked(world: World, surface: str, offers: int) -> np.ndarray:
    """float32 (U, D): the topic of what each user asks for on a surface; 0 where it has no intent.

    It is that of an item which the user comes by as by those of the history: one asks for what has to do with oneself.
    """
    truth, users = world.truth, np.arange(world.users)
    if not world.spec.surfaces[surface].intent:
        return np.zeros_like(truth.taste)
    pleasure = Pleasure(truth.taste, truth.topic, truth.quality)
    return truth.topic[choose(users, pleasure, truth.popularity, offers, world.seed, f"intent {surface}")]


def _truth(world: World, asked: np.ndarray) -> Truth:
    truth, surfaces = world.truth, world.spec.surfaces.values()
    shares = np.array([surface.share for surface in surfaces])
    wanted = [
        unit((1 - surface.intent) * truth.taste + surface.intent * asked[:, place]) if surface.intent else truth.taste
        for place, surface in enumerate(surfaces)
    ]
    return replace(
        truth,
        taste=by_viewer(wanted),
        tendency=np.repeat(truth.tendency, len(surfaces)),
        activity=(truth.activity[:, None] * (shares / shares.sum())).ravel().astype(np.float32),
    )


def _observed(world: World, asked: np.ndarray) -> Observed:
    observed, names, noise = world.observed, world.spec.surfaces, world.spec.content_noise
    intents = [
        read(noise, asked[:, place], stream(world.seed, "world", "queries", name))
        * asked[:, place].any(1, keepdims=True)
        for place, name in enumerate(names)
    ]
    count = len(names)
    friend_offsets, friend, friend_edge = _friends(observed, count)
    return replace(
        observed,
        history=np.repeat(observed.history, count, 0),
        interests=np.repeat(observed.interests, count, 0),
        activity=np.repeat(observed.activity, count),
        friend_count=np.repeat(observed.friend_count, count),
        eligible=np.repeat(observed.eligible, count),
        friend_offsets=friend_offsets,
        friend=friend,
        friend_edge=friend_edge,
        reaction_offsets=_reactions(observed, count),
        surface=np.tile(np.arange(count, dtype=np.int8), world.users),
        intent=by_viewer(intents),
        surfaces=count,
    )


def by_viewer(by_surface: Sequence[np.ndarray]) -> np.ndarray:
    """(U * S, D): the rows of viewers, of the rows (U, D) of users on each surface."""
    return np.stack(by_surface, 1).reshape(-1, by_surface[0].shape[1])


def _friends(observed: Observed, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, friends and edges of viewers: each has the user's friends, as the viewers who hold their reactions."""
    degrees = np.repeat(np.diff(observed.friend_offsets), count)
    row = ranges(np.repeat(observed.friend_offsets[:-1], count), degrees)
    return np.append(0, np.cumsum(degrees)), observed.friend[row] * np.int32(count), observed.friend_edge[row]


def _reactions(observed: Observed, count: int) -> np.ndarray:
    """int64 (U * S + 1,): a user's reactions are held by the viewer on the first surface, and by no other."""
    begins, ends = observed.reaction_offsets[:-1], observed.reaction_offsets[1:]
    first = np.arange(count) == 0
    return np.append(np.where(first, begins[:, None], ends[:, None]).ravel(), observed.reaction_offsets[-1:])
