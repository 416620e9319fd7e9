"""Closeness, which nobody observes, and what shows of it, for the friendships of any graph.

Every edge has a latent closeness. Mutual friends follow from the graph; messages and the time since last contact are
drawn from closeness. The closeness *estimate* that a world comes with is made of these three alone; closeness models
(`funnel/closeness`) make others.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from funnel.rng import stream
from funnel.world.arrays import percentile
from funnel.world.laws import ClosenessSpec

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


def adjacency(ends: np.ndarray, people: int) -> csr_array:
    """Symmetric (U, U) matrix whose entry is the edge number plus one."""
    edge = np.arange(1, len(ends) + 1, dtype=np.int32)
    rows, columns = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
    return csr_array((np.concatenate([edge, edge]), (rows, columns)), shape=(people, people))


def mutual_friends(ends: np.ndarray, people: int) -> np.ndarray:
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


def proxies(mutual: np.ndarray, messages: np.ndarray, contact_days: np.ndarray) -> np.ndarray:
    """float32 (E,) in (0, 1): the rule of thumb, a percentile over edges of three standardised proxies' sum."""
    if not len(mutual):
        return np.zeros(0, np.float32)
    shown = (np.log1p(mutual), np.log1p(messages), -np.log1p(contact_days))
    return percentile(np.sum([_standard(proxy) for proxy in shown], axis=0))


def _in_step(noise: np.ndarray, drawn: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """float (E,): the same noise, dealt out so that it goes with what is known as it went with what was drawn.

    What is known has a scale of its own, so places count: the edge with most gets the noise of the draw with most.
    """
    lots = stream(seed, "world", "ties").random((2, len(noise)))
    dealt = np.empty_like(noise)
    dealt[np.lexsort((lots[0], known))] = noise[np.lexsort((lots[1], drawn))]
    return dealt


def _common(spec: ClosenessSpec, mutual: np.ndarray) -> np.ndarray:
    """float64 (E,): the part of the logit of closeness that mutual friends explain."""
    return spec.close + spec.close_mutual * np.log1p(mutual)


def _messages(spec: ClosenessSpec, closeness: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """int32 (E,)"""
    return generator.poisson(np.exp(spec.messages_close * closeness)).astype(np.int32)


def _contact_days(spec: ClosenessSpec, closeness: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """float32 (E,)"""
    mean = np.exp(spec.contact_far - spec.contact_close * closeness)
    return (generator.standard_exponential(len(closeness)) * mean).astype(np.float32)


def drawn_anew(
    spec: ClosenessSpec, mutual: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Closeness of E friendships whose mutual friends are known, and the messages and days since contact that show."""
    noise = spec.close_sigma * generator.standard_normal(len(mutual))
    closeness = expit(_common(spec, mutual) + noise).astype(np.float32)
    return closeness, _messages(spec, closeness, generator), _contact_days(spec, closeness, generator)


def friendships(
    spec: ClosenessSpec, ends: np.ndarray, people: int, seed: int, messages: np.ndarray | None = None
) -> Friends:
    """The friendships of a graph: closeness drawn for every edge, and what shows of it.

    Args:
        ends: int32 (E, 2), distinct, lower id first. people: how many there are.
        messages: (E,), where something of the kind is known; drawn from closeness if not given.
    """
    generator = stream(seed, "world", "closeness")
    mutual = mutual_friends(ends, people)
    common, noise = _common(spec, mutual), spec.close_sigma * generator.standard_normal(len(ends))
    closeness = expit(common + noise).astype(np.float32)
    drawn = _messages(spec, closeness, generator)
    if messages is None:
        messages = drawn
    else:
        closeness = expit(common + _in_step(noise, drawn, messages, seed)).astype(np.float32)
    contact_days = _contact_days(spec, closeness, generator)
    return Friends(ends, closeness, mutual, messages, contact_days, proxies(mutual, messages, contact_days))
