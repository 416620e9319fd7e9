"""Who is friends with whom: a degree-corrected block model (Karrer and Newman 2011)."""

import numpy as np

from funnel.rng import stream
from funnel.world.arrays import distinct
from funnel.world.synthetic.spec import FriendsSpec

ROUNDS = 4
"""rounds of drawing edges; the last misses well under a percent"""


def graph(spec: FriendsSpec, community: np.ndarray, seed: int) -> np.ndarray:
    """int32 (E, 2): distinct friendships; the share `homophily` of the draws stays inside a community.

    A pair drawn twice counts once, so what is missing is drawn again; a world too small for the stated mean gets fewer.
    """
    generator = stream(seed, "world", "friends")
    people = len(community)
    weight = np.exp(spec.sigma * generator.standard_normal(people))
    order = np.argsort(community, kind="stable")
    cumulative = np.cumsum(weight[order])
    last = np.searchsorted(community[order], np.arange(community.max() + 1), side="right") - 1
    upper = cumulative[last]
    lower = np.concatenate([[0.0], upper[:-1]])

    wanted = round(people * spec.mean / 2)
    pairs = np.empty(0, np.int64)
    for _ in range(ROUNDS):
        draws = wanted - len(pairs)
        one = order[np.searchsorted(cumulative, generator.random(draws) * cumulative[-1])]
        inside = generator.random(draws) < spec.homophily
        low = np.where(inside, lower[community[one]], 0.0)
        high = np.where(inside, upper[community[one]], cumulative[-1])
        at = np.searchsorted(cumulative, low + generator.random(draws) * (high - low))
        other = order[np.minimum(at, people - 1)]
        drawn = np.minimum(one, other).astype(np.int64) * people + np.maximum(one, other)
        pairs = distinct(np.concatenate([pairs, drawn[one != other]]))
    return np.stack(np.divmod(pairs, people), 1).astype(np.int32)
