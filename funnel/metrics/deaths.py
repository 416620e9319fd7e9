"""Death certificates: for every oracle item of the first requests, where it ended and by how much it missed."""

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Requests
from funnel.metrics.ledger import Ledger
from funnel.metrics.recall import ended
from funnel.metrics.standing import ranks

REQUESTS = 50
"""requests that get certificates; enough to read, few enough to keep"""


def deaths(ledger: Ledger, seed: int, arm: str, requests: Requests) -> pl.DataFrame:
    """The certificates of one arm under one seed, as `schema.DEATHS`: by request, the most valuable item first."""
    rows = np.flatnonzero(ledger.oracle & (ledger.rows.request < REQUESTS))
    rows = rows[np.lexsort([-ledger.value[rows], ledger.rows.request[rows]])]
    stages = ended(ledger)
    request = ledger.rows.request[rows]
    first = ledger.rows.request < REQUESTS
    retrieved, survived = ledger.retrieved & first, ledger.early & first
    table = pl.DataFrame(
        {
            "request": requests.id[request],
            "user": requests.user[request],
            "item": ledger.rows.item[rows],
            "value": ledger.value[rows].astype(np.float32),
            "friend": ledger.friend[rows],
            "source": ledger.rows.source[rows],
            "ended": np.select([where[rows] for where in stages.values()], list(stages), ""),
            "early_rank": ranks(ledger, ledger.early_score, retrieved)[rows],
            "early_gap": _gaps(ledger, ledger.early_score, retrieved, ledger.early & ~ledger.granted)[rows],
            "late_rank": ranks(ledger, ledger.late_score, survived)[rows],
            "late_gap": _gaps(ledger, ledger.late_score, survived, ledger.slate)[rows],
        }
    )
    table = table.with_columns(
        pl.lit(seed, pl.Int64).alias("seed"),
        pl.lit(arm, pl.String).alias("arm"),
        pl.col("early_rank", "late_rank").replace(0, None),
        pl.col("early_gap", "late_gap").fill_nan(None),
    )
    return schema.check(table.select(list(schema.DEATHS)), schema.DEATHS, "deaths")


def _gaps(ledger: Ledger, score: np.ndarray, among: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """float32 (n,): score minus the least score kept in the request; nan off `among` or where nothing was kept.

    Args:
        kept: bool (n,), the rows that were let through for their score.
    """
    request = ledger.rows.request
    least = np.full(ledger.rows.requests, np.nan, np.float32)
    np.fmin.at(least, request[kept], score[kept].astype(np.float32))
    gap = np.full(len(score), np.nan, np.float32)
    gap[among] = score[among] - least[request[among]]
    return gap
