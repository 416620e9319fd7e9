"""What the platform of a fitted world has on record: the users' own items, as history and as reactions."""

from dataclasses import dataclass

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.rng import stream
from funnel.world.arrays import offsets, shares
from funnel.world.fitted.gains import gains
from funnel.world.fitted.spec import FittedSpec
from funnel.world.observing import Records, kinds, likes

DAY = 86_400.0
"""seconds"""


@dataclass(frozen=True)
class Pairs:
    """The p distinct pairs of user and item in the data, by user and then item."""

    user: np.ndarray
    """int64 (p,)"""
    item: np.ndarray
    """int64 (p,)"""
    weight: np.ndarray
    """float64 (p,): sum over the pair's interactions"""
    gain: np.ndarray
    """float64 (p,): sum of gains"""
    last: np.ndarray | None
    """float64 (p,): time of the last interaction, seconds; None if the data is not timed"""


def pairs_of(data: Dataset) -> Pairs:
    keys, row = np.unique(data.user.astype(np.int64) * data.items + data.item, return_inverse=True)
    last = None
    if data.time is not None:
        last = np.full(len(keys), -np.inf)
        np.maximum.at(last, row, data.time)
    user, item = np.divmod(keys, data.items)
    return Pairs(user, item, np.bincount(row, data.weight), np.bincount(row, gains(data)), last)


def records(spec: FittedSpec, data: Dataset, pairs: Pairs, quality: np.ndarray, seed: int) -> Records:
    """The records: history, reactions, activity, views, and the catalogue as far as the data has them.

    A user's own items stay in the corpus and may be shown again, as in a synthetic world.
    """
    counters = stream(seed, "world", "counters")
    views = np.bincount(data.item, minlength=data.items)
    user, item = _reacted(spec, data, pairs, seed)
    kind = kinds(spec.reactions.expressive, len(item), stream(seed, "world", "kinds"))
    return Records(
        history=_history(spec.history, data.users, pairs, seed),
        activity=activity(data),
        creator=np.arange(data.items, dtype=np.int32) if data.creator is None else data.creator,
        duration=_duration(spec, data, seed),
        age=_age(spec, data, seed),
        views=views,
        likes=likes(spec.engagement, quality, views, counters),
        reaction_offsets=offsets(user, data.users),
        reaction_item=item.astype(np.int32),
        reaction_kind=kind,
    )


def activity(data: Dataset) -> np.ndarray:
    """float64 (U,): of counts their sum, since a list of favourites may be cut at a length; else interactions."""
    return np.bincount(data.user, data.weight if data.measure == "count" else None, data.users)


def _order(pairs: Pairs, seed: int, name: str) -> np.ndarray:
    """int64 (p,): pairs by user; inside a user the latest first, those of one time, or all without times, by lot.

    The lot is by weight: draws without replacement are the order of log weight plus Gumbel noise (Efraimidis and
    Spirakis 2006).
    """
    lot = np.log(pairs.weight) + stream(seed, "world", name).gumbel(size=len(pairs.user))
    return np.lexsort((-lot, *([] if pairs.last is None else [-pairs.last]), pairs.user))


def _history(length: int, users: int, pairs: Pairs, seed: int) -> np.ndarray:
    """int32 (U, H): the latest items of each user, or a sample by weight; who has fewer than H has them repeated."""
    order = _order(pairs, seed, "history")
    counts = np.bincount(pairs.user, minlength=users)
    first = np.cumsum(counts) - counts
    return pairs.item[order[first[:, None] + np.arange(length) % counts[:, None]]].astype(np.int32)


def _reacted(spec: FittedSpec, data: Dataset, pairs: Pairs, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """User and item of the public reactions, by user and then item.

    They are to items that the user's own interactions speak for: the latest, or a sample by weight. They are as many as
    a Poisson draw of mean `reactions.mean` times relative activity says, and at most those there are.
    """
    order = _order(pairs, seed, "reactions")
    order = order[pairs.gain[order] > 0]
    wanted = stream(seed, "world", "reacting").poisson(spec.reactions.mean * data.users * shares(activity(data)))
    counts = np.bincount(pairs.user[order], minlength=data.users)
    owner = pairs.user[order]
    place = np.arange(len(order)) - (np.cumsum(counts) - counts)[owner]
    chosen = np.sort(order[place < wanted[owner]])
    return pairs.user[chosen], pairs.item[chosen]


def _duration(spec: FittedSpec, data: Dataset, seed: int) -> np.ndarray:
    """float32 (I,): seconds."""
    if data.duration is not None:
        return data.duration
    drawn = stream(seed, "world", "durations").standard_normal(data.items)
    return (spec.duration_median * np.exp(spec.duration_sigma * drawn)).astype(np.float32)


def _age(spec: FittedSpec, data: Dataset, seed: int) -> np.ndarray:
    """float32 (I,): days before the last interaction or, without times, before the newest item."""
    if data.published is None:
        return (spec.age_mean * stream(seed, "world", "ages").standard_exponential(data.items)).astype(np.float32)
    now = data.published.max() if data.time is None else data.time.max()
    return (np.maximum(now - data.published, 0) / DAY).astype(np.float32)
