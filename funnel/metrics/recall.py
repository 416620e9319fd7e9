"""How much of what mattered came through: recall against the oracle, and where the rest was lost."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Derived, Ratio, count
from funnel.metrics.slices import (
    Slices,
    closeness,
    friend_deciles,
    friend_or_other,
    guarded_items,
    guarded_users,
    rows_of,
    surfaces,
    survivors,
)
from funnel.select import top


def recall(ledger: Ledger) -> list[Ratio]:
    """Share of the oracle set T(r), the best items of the whole corpus by true value, that is in a stage's output.

    T(r) has as many items as the slate. Counted over items, so a request with more oracle items in the slice weighs
    more; this is Recall@k@m of LCRON (arXiv 2503.09492) with k the slate size and m the stage's budget.
    """
    users = rows_of(ledger, guarded_users(ledger) | surfaces(ledger))
    return _recall(ledger, friend_or_other(ledger) | closeness(ledger) | users | guarded_items(ledger))


def recall_by_friends(ledger: Ledger) -> list[Ratio]:
    """Recall of the oracle set, by tenths of users, from the fewest friends (1) to the most (10)."""
    return _recall(ledger, rows_of(ledger, friend_deciles(ledger)))


def _recall(ledger: Ledger, slices: Slices) -> list[Ratio]:
    return [
        Ratio(count(ledger, ledger.oracle & kept & rows), count(ledger, ledger.oracle & rows), stage, name)
        for name, rows in slices.items()
        for stage, kept in survivors(ledger).items()
    ]


def terminal(ledger: Ledger) -> list[Ratio]:
    """Share of the oracle set that ended at each stage: lost at retrieval, early or late, or shown. Adds up to 1."""
    return [
        Ratio(count(ledger, ledger.oracle & where & rows), count(ledger, ledger.oracle & rows), stage, name)
        for name, rows in friend_or_other(ledger).items()
        for stage, where in ended(ledger).items()
    ]


def ended(ledger: Ledger) -> dict[str, np.ndarray]:
    """bool (n,) each, exactly one of them True on a row: the stage that lost it, or `shown`."""
    return {
        "retrieval": ~ledger.retrieved,
        "early": ledger.retrieved & ~ledger.early,
        "late": ledger.early & ~ledger.slate,
        "shown": ledger.slate,
    }


def lost(ledger: Ledger) -> list[Ratio]:
    """Share of the reference's top slate-size items of the full retrieved pool that the arm's early stage cut.

    The reference is the late stage with the change, the same for every arm. Against an arm's own late ranking the
    number would not be comparable between arms.
    """
    return lost_of(ledger, friend_or_other(ledger) | rows_of(ledger, surfaces(ledger)))


def lost_of(ledger: Ledger, slices: Slices) -> list[Ratio]:
    """The same of any slices of rows."""
    wanted = top(ledger.rows, ledger.slate_size, ledger.reference_score, ledger.retrieved)
    return [
        Ratio(count(ledger, wanted & ~ledger.early & rows), count(ledger, wanted & rows), "early", name)
        for name, rows in slices.items()
    ]


def alone_recall(ledger: Ledger) -> list[Ratio]:
    """Share of the oracle items that a stage would pass if it alone ranked the full retrieved pool.

    For retrieval it is its recall; for the early and the late stage, of the oracle items in the pool, the share in the
    stage's own top of the pool (the per-stage columns of LCRON). The early stage is given that pool as it is, so its
    top is what it let through; the late one's is the slate that it would make of the pool.
    """
    found = ledger.oracle & ledger.retrieved
    late = top(ledger.rows, ledger.slate_size, ledger.late_score, ledger.retrieved)
    return [
        Ratio(count(ledger, found), count(ledger, ledger.oracle), "retrieval"),
        Ratio(count(ledger, found & ledger.early), count(ledger, found), "early"),
        Ratio(count(ledger, found & late), count(ledger, found), "late"),
    ]


def product_recall(ledger: Ledger) -> list[Derived]:
    """Product of the three stage-alone recalls: the recall of the cascade if its stages cut independently.

    Where the stages agree on what is good, the cascade's recall at the late stage is greater than this.
    """
    alone = alone_recall(ledger)
    values = [ratio.value for ratio in alone if ratio.value is not None]
    return [Derived(float(np.prod(values)) if len(values) == len(alone) else None, alone[0].n, "late")]


def survival(ledger: Ledger) -> list[Ratio]:
    """Of the slice's items that entered a stage, the share that it passed; pool items and oracle items apart."""
    stages = survivors(ledger)
    ratios = []
    for name, rows in friend_or_other(ledger).items():
        for before, after in (("retrieval", "early"), ("early", "late")):
            entered, passed = rows & stages[before], rows & stages[after]
            ratios.append(passed_of(ledger, entered, passed, after, name))
            oracle = ledger.oracle
            ratios.append(passed_of(ledger, entered & oracle, passed & oracle, after, f"oracle_{name}"))
    return ratios


def passed_of(ledger: Ledger, entered: np.ndarray, passed: np.ndarray, stage: str, name: str) -> Ratio:
    """Of the rows that entered a stage (bool (n,)), the share that it passed."""
    return Ratio(count(ledger, passed), count(ledger, entered), stage, name)
