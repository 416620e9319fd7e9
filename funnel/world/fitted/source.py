"""The data that a fitted world is of: what the folder holds, or the part of it that a preset asks for."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.intake.load import load
from funnel.rng import stream
from funnel.world.fitted.spec import FittedSpec


def data_of(spec: FittedSpec) -> Dataset:
    """The dataset of the spec's folder, cut to the sizes that it names.

    Raises:
        InputError: the folder breaks its contract.
    """
    return cut(load(Path(spec.source), spec.lenient), spec.users, spec.items)


def cut(data: Dataset, users: int | None, items: int | None) -> Dataset:
    """At most so many of the most popular items, and at most so many of the users who have one of them.

    The sample of users is the same under every seed: a seed redraws what is assumed and never the data. Users and items
    that are left without an interaction go, too, so that all have one as in any dataset. Friendships stay among the
    users that stay.
    """
    popular = np.argsort(-np.bincount(data.item, minlength=data.items), kind="stable")[:items]
    kept = np.isin(data.item, popular)
    there = np.unique(data.user[kept])
    if users is not None and users < len(there):
        there = np.sort(stream(0, "world", "sample").choice(there, users, replace=False))
    kept &= np.isin(data.user, there)
    return _only(data, kept, there, np.unique(data.item[kept]))


def _only(data: Dataset, kept: np.ndarray, users: np.ndarray, items: np.ndarray) -> Dataset:
    """The rows bool (n,) `kept`, of users and items that are numbered anew in the order that they had."""
    if len(users) == data.users and len(items) == data.items:
        return data
    user_of, item_of = _numbers(users, data.users), _numbers(items, data.items)
    friends, friend_weight = _friendships(data, user_of)
    return replace(
        data,
        users=len(users),
        items=len(items),
        user_ids=data.user_ids[users],
        item_ids=data.item_ids[items],
        user=user_of[data.user[kept]],
        item=item_of[data.item[kept]],
        weight=data.weight[kept],
        time=None if data.time is None else data.time[kept],
        creator=None if data.creator is None else _numbers_of(data.creator[items]),
        duration=None if data.duration is None else data.duration[items],
        published=None if data.published is None else data.published[items],
        friends=friends,
        friend_weight=friend_weight,
        events=_events(data, user_of, item_of),
    )


def _numbers(kept: np.ndarray, count: int) -> np.ndarray:
    """int32 (count,): the new number of each old one, -1 for those that go."""
    numbers = np.full(count, -1, np.int32)
    numbers[kept] = np.arange(len(kept))
    return numbers


def _numbers_of(values: np.ndarray) -> np.ndarray:
    """int32: the values by their place among the distinct ones."""
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _friendships(data: Dataset, user_of: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Ends and weights of the friendships whose two users stay."""
    if data.friends is None:
        return None, None
    ends = user_of[data.friends]
    both = (ends >= 0).all(1)
    return ends[both], None if data.friend_weight is None else data.friend_weight[both]


def _events(
    data: Dataset, user_of: np.ndarray, item_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The events whose user and item stay."""
    if data.events is None:
        return None
    user, item, time = user_of[data.events[0]], item_of[data.events[1]], data.events[2]
    both = (user >= 0) & (item >= 0)
    return user[both], item[both], time[both]
