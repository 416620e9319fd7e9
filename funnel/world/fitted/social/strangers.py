"""Stand-ins: for each friend somebody who is no friend, so that what friendship tells beyond taste can be seen.

A stand-in *of like taste* is, among the users whose fitted taste is nearest to the friend's, the one who is about as
near to the user as the friend is and about as active (matching, as Aral, Muchnik and Sundararajan 2009 tell homophily
from contagion). A stand-in *at random* keeps the user's number of friends and is drawn as often as it is a friend.
"""

from dataclasses import dataclass

import faiss
import numpy as np

from funnel.candidates import position_in
from funnel.rng import stream
from funnel.world.truth import match

NEAREST = 64
"""users nearest to the friend's taste among whom a stand-in is sought"""
POOL = 50_000
"""most users among whom stand-ins are sought; of so many there is always one of like taste"""
ROUNDS = 8
"""rounds in which friendships that want the same stand-in for the same user get another"""
CHUNK = 100_000
"""friendships for which a stand-in is sought at a time"""
TAKEN = np.inf


@dataclass(frozen=True)
class Directed:
    """n friendships seen from one end, each user's together."""

    user: np.ndarray
    """int32 (n,)"""
    other: np.ndarray
    """int32 (n,): the friend, or who stands in"""
    users: int

    @property
    def keys(self) -> np.ndarray:
        """int64 (n,): user * users + other."""
        return self.user.astype(np.int64) * self.users + self.other

    def where(self, rows: np.ndarray) -> "Directed":
        return Directed(self.user[rows], self.other[rows], self.users)


def both_ways(ends: np.ndarray, users: int) -> Directed:
    """Every friendship of int32 (E, 2) from both ends, ascending."""
    keys = np.sort(np.concatenate([ends[:, 0].astype(np.int64) * users + ends[:, 1], ends[:, 1].astype(np.int64) * users + ends[:, 0]]))
    user, other = np.divmod(keys, users)
    return Directed(user.astype(np.int32), other.astype(np.int32), users)


def of_like_taste(friends: Directed, taste: np.ndarray, activity: np.ndarray, seed: int) -> np.ndarray:
    """int32 (n,): who stands in for each friend, or -1 where nobody is left; no stand-in twice for one user.

    Args:
        taste: float32 (U, D), unit length. activity: float (U,), above zero.
    """
    pool = np.sort(stream(seed, "social", "pool").permutation(friends.users)[:POOL])
    index = faiss.IndexFlatIP(taste.shape[1])
    index.add(np.ascontiguousarray(taste[pool]))
    wanted = np.unique(friends.other)
    _, near = index.search(np.ascontiguousarray(taste[wanted]), min(NEAREST, len(pool)))
    near = pool[near].astype(np.int32)
    starts = _whole_users(friends.user)
    parts = zip(starts, [*starts[1:], len(friends.user)], strict=True)
    found = [
        _assigned(friends.where(slice(*part)), near[np.searchsorted(wanted, friends.other[slice(*part)])], friends, taste, activity)
        for part in parts
    ]
    return np.concatenate([np.zeros(0, np.int32), *found])


def _whole_users(user: np.ndarray) -> list[int]:
    """Where chunks of rows begin, such that no user stands in two."""
    firsts = np.flatnonzero(np.diff(user, prepend=-1))
    return list(np.unique(firsts[np.searchsorted(firsts, np.arange(0, len(user), CHUNK), side="right") - 1]))


def _assigned(
    part: Directed, near: np.ndarray, friends: Directed, taste: np.ndarray, activity: np.ndarray
) -> np.ndarray:
    """int32 (n,): of the candidates (n, NEAREST) the one of least cost, each at most once a user."""
    keys = part.user[:, None].astype(np.int64) * part.users + near
    cost = _unlikeness(part, near, taste, activity)
    cost[(near == part.user[:, None]) | (position_in(keys, friends.keys) >= 0)] = TAKEN
    found = np.full(len(part.user), -1, np.int32)
    for _ in range(ROUNDS):
        open_ = np.flatnonzero((found < 0) & np.isfinite(cost.min(1)))
        best = cost[open_].argmin(1)
        wanted, price = keys[open_, best], cost[open_, best]
        order = np.lexsort((price, wanted))
        first = order[np.diff(wanted[order], prepend=-1) > 0]
        found[open_[first]] = near[open_[first], best[first]]
        cost[np.isin(keys, wanted)] = TAKEN
    return found


def _unlikeness(part: Directed, near: np.ndarray, taste: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """float (n, NEAREST): squared differences to the friend in nearness to the user and in activity, each in sds."""
    friend = match(taste[part.user], taste[part.other])[:, None]
    nearness = match(taste[part.user][:, None], taste[near]) - friend  # over random pairs its sd is one
    effort = np.log(activity)
    spread = (effort[near] - effort[part.other][:, None]) / (effort.std() + 1e-9)
    return nearness**2 + spread**2


def at_random(friends: Directed, seed: int) -> np.ndarray:
    """int32 (n,): for each friend a user drawn as often as it is a friend; -1 where the draw fell on the user, on a
    friend or on one who stands in already."""
    drawn = stream(seed, "social", "strangers").permutation(friends.other)
    keys = friends.user.astype(np.int64) * friends.users + drawn
    order = np.argsort(keys, kind="stable")
    again = np.zeros(len(keys), bool)
    again[order] = np.diff(keys[order], prepend=-1) == 0
    barred = again | (drawn == friends.user) | (position_in(keys, friends.keys) >= 0)
    return np.where(barred, -1, drawn).astype(np.int32)
