"""The sheet: requests with their pool and the oracle's items, and the truth about both.

It does not know any ranker, so arms of one retrieval share it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from funnel.candidates import Candidates, Requests, from_pairs, position_in, stacked
from funnel.formula import evaluate
from funnel.retrieval.retrieve import Retrieve
from funnel.stages.rank import Rank
from funnel.stages.runner import CHUNK
from funnel.stages.spec import ValueFormula
from funnel.world.bubbles import Bubbles, join
from funnel.world.engagement import Engagement
from funnel.world.world import World


@dataclass(frozen=True)
class Sheet:
    """R requests and n rows; row columns as in `Ledger`."""

    requests: Requests
    rows: Candidates
    oracle: np.ndarray
    retrieved: np.ndarray
    value: np.ndarray
    blind_value: np.ndarray
    friend: np.ndarray
    closeness: np.ndarray
    truth: dict[str, np.ndarray]

    @cached_property
    def pool(self) -> Candidates:
        """The retrieved rows alone."""
        return self.rows.take(self.retrieved)

    def predict(self, rank: Rank, world: World) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """A stage's predictions (float32 (n,) a task) and score (float32 (n,)) on every row."""
        parts = []
        for start, requests in zip(range(0, len(self.requests), CHUNK), self.requests.chunks(CHUNK), strict=True):
            rows, bubbles = self.rows.slice(start, start + CHUNK), join(world.observed, requests.user)
            predicted = rank.predict(requests, rows, bubbles)
            parts.append(predicted | {"": rank.formula(predicted, rows, bubbles)})
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return columns, columns.pop("")


@dataclass(frozen=True)
class Judge:
    """What an item is worth, with and without what the change under review is about."""

    value: ValueFormula
    engagement: Engagement
    blind_value: ValueFormula
    blind_engagement: Engagement


def sheet(judge: Judge, retrieve: Retrieve, requests: Requests, best: np.ndarray) -> Sheet:
    """The sheet of one retrieval.

    Args:
        best: int64 (R, n), the oracle's items.
    """
    parts = [
        _chunk(judge, retrieve, chunk, best[start : start + CHUNK])
        for start, chunk in zip(range(0, len(requests), CHUNK), requests.chunks(CHUNK), strict=True)
    ]
    rows, columns, truths = zip(*parts, strict=True)
    return Sheet(
        requests=requests,
        rows=stacked(list(rows)),
        **{name: np.concatenate([column[name] for column in columns]) for name in columns[0]},
        truth={task: np.concatenate([truth[task] for truth in truths]) for task in truths[0]},
    )


def _chunk(judge: Judge, retrieve: Retrieve, requests: Requests, best: np.ndarray) -> tuple:
    items = len(retrieve.observed.creator)
    bubbles = join(retrieve.observed, requests.user)
    pool = retrieve(requests, bubbles)
    rows, oracle, retrieved = with_oracle(pool, best, items)
    bubble = bubbles.at(rows)
    user, shown, duration = requests.user[rows.request], bubble >= 0, retrieve.observed.duration[rows.item]
    means = judge.engagement.means(_logits(judge.engagement, user, rows, bubbles, bubble), duration)
    blind = _logits(judge.blind_engagement, user, rows, bubbles, bubble)
    closeness = np.where(shown, bubbles.closeness[bubble] if len(bubbles.item) else 0, 0).astype(np.float32)
    columns = {
        "oracle": oracle,
        "retrieved": retrieved,
        "value": evaluate(judge.value, means, shown),
        "blind_value": judge.blind_engagement.value(judge.blind_value, blind, duration, shown),
        "friend": shown,
        "closeness": closeness,
    }
    return rows, columns, judge.engagement.held(means, shown)


def with_oracle(pool: Candidates, best: np.ndarray, items: int) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """The union of a pool and the oracle's items (int64 (R, n)), and bool rows: is the oracle's, was retrieved."""
    request = np.repeat(np.arange(len(best)), best.shape[1])
    everything = (pool.request, pool.item, pool.source), (request, best.ravel(), np.zeros(best.size, np.int64))
    rows = from_pairs(*(np.concatenate(part) for part in zip(*everything, strict=True)), len(best), items)
    keys = rows.keys(items)
    oracle = position_in(keys, np.sort(request * items + best.ravel())) >= 0
    return rows, oracle, position_in(keys, pool.keys(items)) >= 0


def _logits(
    engagement: Engagement, user: np.ndarray, rows: Candidates, bubbles: Bubbles, bubble: np.ndarray
) -> np.ndarray:
    return engagement.logits(user, rows.item, engagement.friend_term(bubbles, bubble))
