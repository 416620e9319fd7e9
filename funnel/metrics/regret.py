"""Who is to blame for lost value, whatever the order in which one asks."""

from itertools import combinations
from math import factorial

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, total
from funnel.metrics.value import best

STAGES = ("retrieval", "early", "late")


def regret(ledger: Ledger) -> list[Ratio]:
    """Share of the oracle's value that each stage forgoes, by Shapley value over replacing stages with their oracles.

    A stage's share is what replacing it by its oracle gains, averaged over all orders of replacement (Shapley 1953).
    Shares add up to the whole regret, 1 minus the realised value, and do not depend on the order of the funnel.
    """
    worth = {frozenset(group): _worth(ledger, group) for size in range(4) for group in combinations(STAGES, size)}
    oracle = ledger.oracle_value.astype(np.float64)
    return [Ratio(_shapley(worth, stage), oracle, stage) for stage in STAGES]


def _shapley(worth: dict[frozenset[str], np.ndarray], stage: str) -> np.ndarray:
    """float64 (R,): mean gain of adding `stage` to the stages already replaced, over all orders of adding."""
    gain = np.zeros_like(worth[frozenset()])
    for group, before in worth.items():
        if stage not in group:
            orders = factorial(len(group)) * factorial(len(STAGES) - 1 - len(group)) / factorial(len(STAGES))
            gain += orders * (worth[group | {stage}] - before)
    return gain


def _worth(ledger: Ledger, replaced: tuple[str, ...]) -> np.ndarray:
    """float64 (R,): true value of the slate with oracles for the stages in `replaced`, scores for the others."""
    pool = ledger.retrieved | ledger.oracle if "retrieval" in replaced else ledger.retrieved
    # Whoever was let through for his source still is: a greater pool brings nobody else of that source.
    sorts_by = np.where(ledger.granted, np.float32(np.inf), ledger.early_score)
    early = best(ledger, pool, ledger.value if "early" in replaced else sorts_by, ledger.keep)
    late = best(ledger, early, ledger.value if "late" in replaced else ledger.late_score, ledger.slate_size)
    return total(ledger, late, ledger.value)
