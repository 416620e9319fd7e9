"""Ledgers made by hand, for tests of measures, intervals and reports: no world, no model, expected answers known."""

import numpy as np

from funnel.candidates import Candidates
from funnel.metrics.edges import Edges
from funnel.metrics.ledger import Ledger
from funnel.select import top

TASKS = ("like", "bubble_engage")


def of_scores(
    value: np.ndarray,
    early_score: np.ndarray,
    late_score: np.ndarray,
    keep: int,
    slate_size: int,
    retrieved: np.ndarray | None = None,
    truth: dict[str, np.ndarray] | None = None,
    predicted: dict[str, dict[str, np.ndarray]] | None = None,
    edges: Edges | None = None,
    **columns: np.ndarray,
) -> Ledger:
    """The ledger of a funnel that sorts by the given scores.

    Args:
        value, early_score, late_score: (R, C) over a corpus of C items a request.
        retrieved: bool (R, C); all if not given.
        truth, predicted: (R, C) a task, and of each stage; made of the values if not given.
        columns: any other field of `Ledger`, (R, C) for row arrays and (R,) for request arrays.
    """
    requests, corpus = value.shape
    everything = _rows(requests, corpus, early_score, columns.get("source", np.ones(value.shape, np.int64)))
    flat = lambda matrix: np.asarray(matrix).reshape(-1)  # noqa: E731 - shorter than a def, used below only
    retrieved = np.ones((requests, corpus), bool) if retrieved is None else retrieved
    friend = flat(columns.get("friend", np.zeros((requests, corpus), bool)))
    blind = flat(columns.get("blind_value", value)).astype(np.float32)
    oracle = top(everything, slate_size, flat(value))
    early = top(everything, keep, flat(early_score), flat(retrieved))
    slate = top(everything, slate_size, flat(late_score), early)
    worth = flat(value).astype(np.float32)
    blind_oracle = top(everything, slate_size, blind)
    known = flat(retrieved) | oracle | blind_oracle
    row = lambda array: flat(array)[known]  # noqa: E731
    probability = 1 / (1 + np.exp(-worth))
    truth = truth or {"like": probability, "bubble_engage": np.where(friend, probability, np.nan)}
    predicted = predicted or {
        "early": {"like": probability * 0.8},
        "late": {"like": probability * 1.1, "bubble_engage": probability * 0.9},
    }
    return Ledger(
        rows=everything.take(known),
        oracle=row(oracle),
        retrieved=row(retrieved),
        early=row(early),
        granted=np.zeros(int(known.sum()), bool),
        slate=row(slate),
        value=row(worth),
        rest_value=row(columns.get("rest_value", worth)),
        friend=row(friend),
        closeness=row(columns.get("closeness", np.where(friend, 0.8, 0.0))),
        fresh=row(columns.get("fresh", np.zeros((requests, corpus), bool))),
        small=row(columns.get("small", np.zeros((requests, corpus), bool))),
        early_score=row(early_score),
        late_score=row(late_score),
        reference_score=row(columns.get("reference_score", late_score)),
        blind_oracle=row(blind_oracle),
        oracle_value=_sums(worth, oracle, requests),
        friends=columns.get("friends", np.arange(requests)),
        truth={task: row(mean).astype(np.float32) for task, mean in truth.items()},
        predicted={
            stage: {task: row(mean).astype(np.float32) for task, mean in means.items()}
            for stage, means in predicted.items()
        },
        labels={task: row(np.where(slate, np.round(flat(mean)), np.nan)) for task, mean in truth.items()},
        keep=keep,
        slate_size=slate_size,
        edges=edges,
    )


def random(
    generator: np.random.Generator,
    requests: int = 20,
    corpus: int = 40,
    keep: int = 10,
    slate_size: int = 4,
    noise: float = 1.0,
) -> Ledger:
    """A funnel of noisy scores over a fifth of friend items, with a retrieval that misses a few items."""
    shape = (requests, corpus)
    friend = generator.random(shape) < 0.2
    base = generator.gamma(2.0, 1.0, shape)
    value = base + friend * generator.gamma(2.0, 0.5, shape)
    return of_scores(
        value,
        early_score=base + noise * generator.normal(size=shape),
        late_score=value + 0.5 * noise * generator.normal(size=shape),
        keep=keep,
        slate_size=slate_size,
        retrieved=generator.random(shape) < 0.8,
        friend=friend,
        closeness=friend * generator.random(shape),
        fresh=generator.random(shape) < 0.1,
        small=generator.random(shape) < 0.5,
        reference_score=value + 0.3 * generator.normal(size=shape),
        blind_value=base,
        friends=generator.poisson(5, requests),
    )


def friendships(generator: np.random.Generator, count: int = 400, noise: float = 0.3) -> Edges:
    """Friendships whose estimate is noisy and whose probability is too great by a half."""
    closeness = generator.random(count).astype(np.float32)
    close = closeness >= 0.8
    rank = np.argsort(np.argsort(closeness + noise * generator.normal(size=count)))
    return Edges(
        estimate=((rank + 0.5) / count).astype(np.float32),
        probability=np.full(count, 1.5 * close.mean(), np.float32),
        closeness=closeness,
        close=close,
        friends=generator.integers(1, 60, count),
    )


def _rows(requests: int, corpus: int, score: np.ndarray, source: np.ndarray) -> Candidates:
    return Candidates(
        offsets=np.arange(requests + 1) * corpus,
        item=np.tile(np.arange(corpus), requests),
        source=source.reshape(-1),
        score=np.asarray(score, np.float32).reshape(-1),
    )


def _sums(value: np.ndarray, chosen: np.ndarray, requests: int) -> np.ndarray:
    return np.where(chosen, value, 0).reshape(requests, -1).sum(1).astype(np.float32)
