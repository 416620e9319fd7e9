"""Who stands beside each user: friends, and who takes their place to tell friendship from taste."""

from dataclasses import dataclass

import numpy as np

from funnel.world.closeness import mutual_friends
from funnel.world.fitted.social.strangers import Directed, at_random, both_ways, of_like_taste
from funnel.world.fitted.split import Split
from funnel.world.truth import match


@dataclass(frozen=True)
class Circle:
    """Three kinds of people beside a user."""

    friends: Directed
    """those for whom somebody of like taste can stand in, which is nearly all"""
    mutual: np.ndarray
    """int32 (n,): mutual friends of each of them"""
    alike: Directed
    """the stand-ins of like taste, row by row"""
    strangers: Directed
    """strangers at random"""


def circle(ends: np.ndarray, split: Split, taste: np.ndarray, seed: int) -> Circle:
    """Finds the stand-ins of the friendships int32 (E, 2)."""
    friends = both_ways(ends, split.users)
    mutual = mutual_friends(np.stack([friends.user, friends.other], 1), split.users)
    alike, strangers = of_like_taste(friends, taste, split.activity, seed), at_random(friends, seed)
    found, drawn = alike >= 0, strangers >= 0
    return Circle(
        friends.where(found),
        mutual[found],
        Directed(friends.user[found], alike[found], split.users),
        Directed(friends.user[drawn], strangers[drawn], split.users),
    )


def balance(beside: Circle, split: Split, taste: np.ndarray) -> dict[str, dict[str, float]]:
    """How near in taste and how active they are, on average, and what they have in common with the user (Jaccard)."""
    sides = {"friend": beside.friends, "alike": beside.alike, "stranger": beside.strangers}
    return {
        name: {
            "match": float(match(taste[side.user], taste[side.other]).mean()),
            "activity": float(np.log(split.activity)[side.other].mean()),
            "overlap": float(overlap(side, split).mean()),
        }
        for name, side in sides.items()
    }


CHUNK = 50_000
"""pairs of users whose items are compared at a time"""


def overlap(pairs: Directed, split: Split) -> np.ndarray:
    """float64 (n,): items that both have over items that either has (Jaccard), among the known interactions."""
    did, sizes = split.did, np.diff(split.did.indptr)
    found = [np.zeros(0)]
    for start in range(0, len(pairs.user), CHUNK):
        part = pairs.where(slice(start, start + CHUNK))
        common = did[part.user].multiply(did[part.other]).sum(axis=1)
        found.append(common / np.maximum(sizes[part.user] + sizes[part.other] - common, 1))
    return np.concatenate(found)
