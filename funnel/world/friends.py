"""The friend graph: a degree-corrected block model (Karrer and Newman 2011), with closeness and what shows of it.

Every edge has a latent closeness. Mutual friends follow from the graph; messages and the time since last contact are
drawn from closeness. The closeness *estimate* is made of these three alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from funnel.rng import stream
from funnel.world.spec import FriendsSpec

ROUNDS = 4
"""rounds of drawing edges; the last misses well under a percent"""
CHUNK = 100_000
"""edges whose mutual friends are counted at a time"""


@dataclass(frozen=True)
class Friends:
    """E friendships of U users, symmetric."""

    ends: np.ndarray
    """int32 (E, 2): the two users, lower id first"""
    closeness: np.ndarray
    """float32 (E,): latent"""
    mutual: np.ndarray
    """int32 (E,)"""
    messages: np.ndarray
    """int32 (E,)"""
    contact_days: np.ndarray
    """float32 (E,)"""
    estimate: np.ndarray
    """float32 (E,): percentile of the estimated closeness, in (0, 1)"""


def distinct(values: np.ndarray) -> np.ndarray:
    """The values once each, ascending. `np.unique` hashes, which at millions of values takes many times as long."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def _ends(spec: FriendsSpec, community: np.ndarray, seed: int) -> np.ndarray:
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


def adjacency(ends: np.ndarray, people: int) -> csr_array:
    """Symmetric (U, U) matrix whose entry is the edge number plus one."""
    edge = np.arange(1, len(ends) + 1, dtype=np.int32)
    rows, columns = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
    return csr_array((np.concatenate([edge, edge]), (rows, columns)), shape=(people, people))


def _mutual(ends: np.ndarray, people: int) -> np.ndarray:
    """int32 (E,): friends that the two ends share, by sparse row products in chunks."""
    graph = adjacency(ends, people)
    graph.data = np.ones_like(graph.data)
    counts = [
        graph[part[:, 0]].multiply(graph[part[:, 1]]).sum(axis=1)
        for part in (ends[start : start + CHUNK] for start in range(0, len(ends), CHUNK))
    ]
    return np.concatenate([np.zeros(0, np.int32), *counts]).astype(np.int32)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-9)


def _percentile(values: np.ndarray) -> np.ndarray:
    """Share of edges that rank lower, ties broken by edge number."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ((rank + 0.5) / max(len(values), 1)).astype(np.float32)


def friends(spec: FriendsSpec, community: np.ndarray, seed: int) -> Friends:
    ends = _ends(spec, community, seed)
    generator = stream(seed, "world", "closeness")
    mutual = _mutual(ends, len(community))
    noise = spec.close_sigma * generator.standard_normal(len(ends))
    closeness = expit(spec.close + spec.close_mutual * np.log1p(mutual) + noise).astype(np.float32)
    messages = generator.poisson(np.exp(spec.messages_close * closeness)).astype(np.int32)
    contact = np.exp(spec.contact_far - spec.contact_close * closeness)
    contact_days = (generator.standard_exponential(len(ends)) * contact).astype(np.float32)
    proxies = (np.log1p(mutual), np.log1p(messages), -np.log1p(contact_days))
    estimate = _percentile(np.sum([_standard(proxy) for proxy in proxies], axis=0)) if len(ends) else closeness
    return Friends(ends, closeness, mutual, messages, contact_days, estimate)
