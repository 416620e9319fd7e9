"""The sheet: requests with their pool and the oracles' items, and the truth about all of them.

It does not know any ranker, so arms of one retrieval share it.
"""

from dataclasses import dataclass

import numpy as np

from funnel.candidates import Candidates, Requests, from_pairs, position_in, stacked
from funnel.formula import evaluate
from funnel.retrieval.retrieve import Retrieve
from funnel.stages.rank import Rank
from funnel.stages.runner import CHUNK
from funnel.stages.spec import ValueFormula
from funnel.training.ranker import SCORE
from funnel.world.bubbles import Bubbles, join
from funnel.world.engagement import Engagement
from funnel.world.world import World


@dataclass(frozen=True)
class Asked:
    """R requests and the n rows that stages are asked about; row columns as in `Ledger`."""

    requests: Requests
    rows: Candidates
    retrieved: np.ndarray
    friend: np.ndarray

    def predict(self, rank: Rank, world: World) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """A stage's predictions (float32 (n,) a task) and score (float32 (n,)) on every row."""
        parts = []
        for start, requests in zip(range(0, len(self.requests), CHUNK), self.requests.chunks(CHUNK), strict=True):
            rows, bubbles = self.rows.slice(start, start + CHUNK), join(world.observed, requests.user)
            predicted = rank.predict(requests, rows, bubbles)
            parts.append(predicted | {SCORE: rank.formula(predicted, rows, bubbles)})
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return columns, columns.pop(SCORE)


@dataclass(frozen=True)
class Sheet(Asked):
    """What is asked about, and the truth of it."""

    oracle: np.ndarray
    blind_oracle: np.ndarray
    value: np.ndarray
    rest_value: np.ndarray
    closeness: np.ndarray
    count: np.ndarray
    expressive: np.ndarray
    truth: dict[str, np.ndarray]


@dataclass(frozen=True)
class Oracles:
    """The best n items of the whole corpus for R requests."""

    best: np.ndarray
    """int64 (R, n): by true value"""
    blind: np.ndarray
    """int64 (R, n): by true value without what the change under review is about"""

    def slice(self, start: int, stop: int) -> "Oracles":
        return Oracles(self.best[start:stop], self.blind[start:stop])


@dataclass(frozen=True)
class Judge:
    """What an item is worth, by which truth."""

    engagement: Engagement
    value: ValueFormula
    rest: ValueFormula
    """the value without the tasks that the change under review adds"""


def sheet(judge: Judge, retrieve: Retrieve, requests: Requests, oracles: Oracles) -> Sheet:
    """The sheet of one retrieval."""
    parts = [
        _chunk(judge, retrieve, chunk, oracles.slice(start, start + CHUNK))
        for start, chunk in zip(range(0, len(requests), CHUNK), requests.chunks(CHUNK), strict=True)
    ]
    rows, columns, truths = zip(*parts, strict=True)
    return Sheet(
        requests=requests,
        rows=stacked(list(rows)),
        **{name: np.concatenate([column[name] for column in columns]) for name in columns[0]},
        truth={task: np.concatenate([truth[task] for truth in truths]) for task in truths[0]},
    )


def asked(retrieve: Retrieve, requests: Requests, bubbles: Bubbles, oracles: Oracles) -> Asked:
    """The pool of one chunk of requests and the items of their oracles.

    Args:
        bubbles: `join(observed, requests.user)`.
    """
    items = len(retrieve.observed.creator)
    pool = retrieve(requests, bubbles)
    rows = union(pool, *(_as_candidates(found, items) for found in (oracles.best, oracles.blind)), items=items)
    retrieved = position_in(rows.keys(items), pool.keys(items)) >= 0
    return Asked(requests, rows, retrieved, friend=bubbles.at(rows) >= 0)


def _chunk(
    judge: Judge, retrieve: Retrieve, requests: Requests, oracles: Oracles
) -> tuple[Candidates, dict[str, np.ndarray], dict[str, np.ndarray]]:
    engagement, items = judge.engagement, len(retrieve.observed.creator)
    bubbles = join(retrieve.observed, requests.user)
    page = asked(retrieve, requests, bubbles, oracles)
    rows, shown, bubble = page.rows, page.friend, bubbles.at(page.rows)
    z = engagement.logits(requests.user[rows.request], rows.item, engagement.friend_term(bubbles, bubble))
    means = engagement.means(z, retrieve.observed.duration[rows.item], shown)
    columns = {
        "oracle": _among(oracles.best, rows, items),
        "blind_oracle": _among(oracles.blind, rows, items),
        "retrieved": page.retrieved,
        "value": evaluate(judge.value, means, shown),
        "rest_value": evaluate(judge.rest, means, shown),
        "friend": shown,
        "closeness": _of_bubble(bubbles.closeness, bubble, np.float32),
        "count": _of_bubble(bubbles.count, bubble, np.int8),
        "expressive": _of_bubble(bubbles.expressive > 0, bubble, np.bool_),
    }
    return rows, columns, engagement.held(means, shown)


def _of_bubble(column: np.ndarray, bubble: np.ndarray, dtype: type) -> np.ndarray:
    """`dtype` (n,): a column of the bubbles at rows of them (int64 (n,)), 0 at row -1."""
    return np.append(column, 0)[bubble].astype(dtype)


def _among(chosen: np.ndarray, rows: Candidates, items: int) -> np.ndarray:
    """bool (n,): the rows whose item is one of those chosen (int64 (R, n)) for its request."""
    return position_in(rows.keys(items), _as_candidates(chosen, items).keys(items)) >= 0


def _as_candidates(items_of: np.ndarray, items: int) -> Candidates:
    """Items (int64 (R, n)) as candidates that no source fetched."""
    request = np.repeat(np.arange(len(items_of)), items_of.shape[1])
    return from_pairs(request, items_of.ravel(), np.zeros(items_of.size, np.int64), len(items_of), items)


def union(*parts: Candidates, items: int) -> Candidates:
    """The candidates of the same requests together, each pair once."""
    request, item, source = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("request", "item", "source")
    )
    return from_pairs(request, item, source, parts[0].requests, items)
