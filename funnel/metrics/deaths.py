"""Death certificates: for every oracle item of the first requests, where it ended and by how much it missed."""

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Requests
from funnel.metrics.ledger import Ledger
from funnel.metrics.recall import ended

REQUESTS = 50
"""requests that get certificates; enough to read, few enough to keep"""


def deaths(ledger: Ledger, seed: int, arm: str, requests: Requests) -> pl.DataFrame:
    """The certificates of one arm under one seed, as `schema.DEATHS`: by request, the most valuable item first."""
    rows = np.flatnonzero(ledger.oracle & (ledger.rows.request < REQUESTS))
    rows = rows[np.lexsort([-ledger.value[rows], ledger.rows.request[rows]])]
    stages = ended(ledger)
    request = ledger.rows.request[rows]
    early_rank, early_gap = _standing(ledger, ledger.early_score, ledger.retrieved, ledger.early & ~ledger.granted)
    late_rank, late_gap = _standing(ledger, ledger.late_score, ledger.early, ledger.slate)
    table = pl.DataFrame(
        {
            "request": requests.id[request],
            "user": requests.user[request],
            "item": ledger.rows.item[rows],
            "value": ledger.value[rows].astype(np.float32),
            "friend": ledger.friend[rows],
            "source": ledger.rows.source[rows],
            "ended": np.select([where[rows] for where in stages.values()], list(stages), ""),
            "early_rank": early_rank[rows],
            "early_gap": early_gap[rows],
            "late_rank": late_rank[rows],
            "late_gap": late_gap[rows],
        }
    )
    table = table.with_columns(
        pl.lit(seed, pl.Int64).alias("seed"),
        pl.lit(arm, pl.String).alias("arm"),
        pl.col("early_rank", "late_rank").replace(0, None),
        pl.col("early_gap", "late_gap").fill_nan(None),
    )
    return schema.check(table.select(list(schema.DEATHS)), schema.DEATHS, "deaths")


def _standing(ledger: Ledger, score: np.ndarray, among: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank of every row among the rows of `among` of its request, and its score minus the least score kept.

    Args:
        kept: bool (n,), the rows that were let through for their score.

    Returns:
        int64 (n,), 1 is best, 0 off `among`; float32 (n,), nan off `among` or where nothing was kept.
    """
    request = ledger.rows.request
    inside = np.flatnonzero(among & (request < REQUESTS))
    order = inside[np.lexsort([-score[inside], request[inside]])]  # stable: the lower item id wins a tie
    owner = request[order]
    rank = np.zeros(len(score), np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(owner, owner) + 1
    least = np.full(ledger.rows.requests, np.nan, np.float32)
    np.fmin.at(least, request[kept], score[kept].astype(np.float32))
    gap = np.full(len(score), np.nan, np.float32)
    gap[inside] = score[inside] - least[request[inside]]
    return rank, gap
