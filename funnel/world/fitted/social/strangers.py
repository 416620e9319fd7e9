"""Stand-ins: for each friend somebody who is no friend, so that what friendship tells beyond taste can be seen.

A stand-in *of like taste* is, among the users whose fitted taste is nearest to the friend's, the one who is about as
near to the user as the friend is and about as active (matching, as Aral, Muchnik and Sundararajan 2009 tell homophily
from contagion). A stand-in *at random* keeps the user's number of friends and is drawn as often as it is a friend.
"""

from dataclasses import dataclass
from itertools import pairwise

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
CHUNK = 10_000
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

    def where(self, rows: np.ndarray | slice) -> "Directed":
        return Directed(self.user[rows], self.other[rows], self.users)


def both_ways(ends: np.ndarray, users: int) -> Directed:
    """Every friendship of int32 (E, 2) from both ends, ascending."""
    one, two = ends.astype(np.int64).T
    user, other = np.divmod(np.sort(np.concatenate([one * users + two, two * users + one])), users)
    return Directed(user.astype(np.int32), other.astype(np.int32), users)


def of_like_taste(friends: Directed, taste: np.ndarray, activity: np.ndarray, seed: int) -> np.ndarray:
    """int32 (n,): who stands in for each friend, or -1 where nobody is left; no stand-in twice for one user.

    Args:
        taste: float32 (U, D), unit length. activity: float (U,), above zero.
    """
    pool = np.sort(stream(seed, "social", "pool").permutation(friends.users)[:POOL]).astype(np.int32)
    index = faiss.IndexFlatIP(taste.shape[1])
    index.add(taste[pool])
    sought = np.unique(friends.other)
    near = pool[index.search(taste[sought], min(NEAREST, len(pool)))[1]]
    found, effort = np.full(len(friends.user), -1, np.int32), np.log(activity)
    borders = [*_whole_users(friends.user), len(friends.user)]
    for rows in (slice(*ends) for ends in pairwise(borders)):
        part = friends.where(rows)
        candidates = near[np.searchsorted(sought, part.other)]
        found[rows] = _assigned(part, candidates, friends, _unlikeness(part, candidates, taste, effort))
    return found


def _whole_users(user: np.ndarray) -> list[int]:
    """Where chunks of rows begin, such that no user stands in two."""
    firsts = np.flatnonzero(np.diff(user, prepend=-1))
    return list(np.unique(firsts[np.searchsorted(firsts, np.arange(0, len(user), CHUNK), side="right") - 1]))


def _assigned(part: Directed, candidates: np.ndarray, friends: Directed, cost: np.ndarray) -> np.ndarray:
    """int32 (n,): of the candidates (n, N) the one of least cost, float (n, N), each at most once a user."""
    keys = part.user[:, None].astype(np.int64) * part.users + candidates
    cost[(candidates == part.user[:, None]) | (position_in(keys, friends.keys) >= 0)] = TAKEN
    found = np.full(len(part.user), -1, np.int32)
    for _ in range(ROUNDS):
        open_ = np.flatnonzero((found < 0) & (cost.min(1) < TAKEN))
        best = cost[open_].argmin(1)
        wanted, price = keys[open_, best], cost[open_, best]
        order = np.lexsort((price, wanted))
        first = order[np.diff(wanted[order], prepend=-1) > 0]
        found[open_[first]] = candidates[open_[first], best[first]]
        cost[np.isin(keys, wanted)] = TAKEN
    return found


def _unlikeness(part: Directed, candidates: np.ndarray, taste: np.ndarray, effort: np.ndarray) -> np.ndarray:
    """float (n, N): squared differences to the friend in nearness to the user and in log activity, each in sds."""
    own = taste[part.user]
    friend = match(own, taste[part.other])[:, None]
    nearness = match(own[:, None], taste[candidates]) - friend  # over random pairs its sd is one
    spread = (effort[candidates] - effort[part.other][:, None]) / (effort.std() + 1e-9)
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
