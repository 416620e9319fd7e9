"""Users in taste communities and items by creators: the laws of who wants what and what there is."""

from dataclasses import dataclass

import numpy as np

from funnel.rng import stream
from funnel.world.arrays import unit
from funnel.world.synthetic.spec import SyntheticSpec


@dataclass(frozen=True)
class Users:
    """Latents of U users."""

    taste: np.ndarray
    """float32 (U, D), unit length"""
    community: np.ndarray
    """int32 (U,)"""
    activity: np.ndarray
    """float32 (U,): sums to one"""
    tendency: np.ndarray
    """float32 (U,)"""


@dataclass(frozen=True)
class Items:
    """Latents and catalogue data of I items."""

    topic: np.ndarray
    """float32 (I, D), unit length"""
    creator: np.ndarray
    """int32 (I,)"""
    quality: np.ndarray
    """float32 (I,)"""
    popularity: np.ndarray
    """float32 (I,): sums to one over the items made together"""
    duration: np.ndarray
    """float32 (I,): seconds"""
    age: np.ndarray
    """float32 (I,): days"""


def _around(centres: np.ndarray, spread: float, generator: np.random.Generator) -> np.ndarray:
    """Unit vectors around unit centres; `spread` is the length of the deviation relative to the centre's."""
    noise = generator.standard_normal(centres.shape, dtype=np.float32) / np.float32(np.sqrt(centres.shape[1]))
    return unit(centres + np.float32(spread) * noise)


def _heavy_shares(n: int, sigma: float, generator: np.random.Generator) -> np.ndarray:
    """Shares of n groups, log-normal: a few large and many small ones."""
    weight = np.exp(sigma * generator.standard_normal(n))
    return weight / weight.sum()


def communities(spec: SyntheticSpec, seed: int) -> np.ndarray:
    """float32 (communities, D): the centres that tastes and topics gather around."""
    return unit(stream(seed, "world", "communities").standard_normal((spec.communities, spec.dims)))


def users(spec: SyntheticSpec, seed: int, centres: np.ndarray) -> Users:
    generator = stream(seed, "world", "users")
    community = generator.choice(
        spec.communities, spec.users, p=_heavy_shares(spec.communities, spec.community_sigma, generator)
    )
    activity = np.exp(spec.activity_sigma * generator.standard_normal(spec.users))
    return Users(
        taste=_around(centres[community], spec.taste_spread, generator),
        community=community.astype(np.int32),
        activity=(activity / activity.sum()).astype(np.float32),
        tendency=generator.standard_normal(spec.users, dtype=np.float32),
    )


@dataclass(frozen=True)
class Creators:
    """Latents of all creators; they stay while items come and go."""

    topic: np.ndarray
    """float32 (creators, D), unit length"""
    quality: np.ndarray
    """float64 (creators,)"""
    output: np.ndarray
    """float64 (creators,): share of the items, sums to one"""


def creators(spec: SyntheticSpec, centres: np.ndarray, generator: np.random.Generator) -> Creators:
    topics = _heavy_shares(spec.communities, spec.community_sigma, generator)
    home = generator.choice(spec.communities, spec.creators, p=topics)
    return Creators(
        topic=_around(centres[home], spec.topic_spread * np.sqrt(spec.creator_share), generator),
        quality=generator.standard_normal(spec.creators),
        output=_heavy_shares(spec.creators, spec.creator_sigma, generator),
    )


def made(spec: SyntheticSpec, by: Creators, count: int, generator: np.random.Generator) -> Items:
    """Items inherit a share of the variance of topic and quality from their creator, and a creator has a topic."""
    inherited, own = np.sqrt(spec.creator_share), np.sqrt(1 - spec.creator_share)
    creator = generator.choice(spec.creators, count, p=by.output)
    quality = inherited * by.quality[creator] + own * generator.standard_normal(count)
    popularity = np.exp(spec.popularity_quality * quality + spec.popularity_sigma * generator.standard_normal(count))
    duration = spec.duration_median * np.exp(spec.duration_sigma * generator.standard_normal(count))
    return Items(
        topic=_around(by.topic[creator], spec.topic_spread * own, generator),
        creator=creator.astype(np.int32),
        quality=quality.astype(np.float32),
        popularity=(popularity / popularity.sum()).astype(np.float32),
        duration=duration.astype(np.float32),
        age=(spec.age_mean * generator.standard_exponential(count)).astype(np.float32),
    )


def items(spec: SyntheticSpec, seed: int, centres: np.ndarray) -> Items:
    """The items of the first day."""
    generator = stream(seed, "world", "items")
    return made(spec, creators(spec, centres, generator), spec.items, generator)
