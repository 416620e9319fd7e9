"""The first look at the buckets: who asked, how much was shown, and whether the rows of a request fit together.

Measures of a slate need its size before the first of them can be taken, and none is taken of a log that is refused.
"""

from pathlib import Path

import numpy as np
import polars as pl

from funnel.audit import rows
from funnel.audit.buckets import clean, read, tell
from funnel.audit.logs import Logs
from funnel.intake.drops import Gate
from funnel.rng import keyed_uniforms

GROUPS = 1000
"""groups of users that stand for users in the intervals, so that what is held does not grow with the users"""
SCHEMA = {"user": pl.Int64, "shown": pl.Int64}


def groups(user: np.ndarray) -> np.ndarray:
    """int64 (n,): the group of each user (int64 (n,)), by a hash of the id."""
    return (keyed_uniforms(0, "audit groups", user, np.zeros_like(user), 1)[:, 0] * GROUPS).astype(np.int64)


def count(logs: Logs, ends: np.ndarray, folder: Path, bucket: int, into: Path, gate: Gate) -> int:
    """Counts one bucket's requests into a file of its own under `into`, tells the gate of rows that do not fit, and
    returns how many requests there are."""
    spec = logs.spec
    table = read(folder, bucket, [rows.REACH, *([rows.TIME] if spec.columns.time else [])])
    tell(logs, ends, table, gate)
    shown = pl.col(rows.REACH) == len(spec.stages) - 1
    counted = clean(table).group_by(rows.REQUEST, maintain_order=True).agg(pl.col(rows.USER).first(), shown=shown.sum())
    into.mkdir(parents=True, exist_ok=True)
    counted.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()).write_parquet(into / f"{bucket}.parquet")
    return len(counted)


def totals(into: Path, dealt: Path) -> dict[str, int]:
    """Requests, users and items of the log; items by the sketch of HyperLogLog (Flajolet and others 2007), off by some
    percent where there are many, as a count of a hundred million would not fit."""
    found = counts(into).select(requests=pl.len(), users=pl.col("user").n_unique()).collect(engine="streaming")
    items = pl.scan_parquet(sorted(dealt.rglob("*.parquet")), glob=False).select(
        items=pl.col(rows.ITEM).approx_n_unique()
    )
    return found.row(0, named=True) | items.collect(engine="streaming").row(0, named=True)


def counts(into: Path) -> pl.LazyFrame:
    """The counts of all requests, unread: a row a request, `SCHEMA`."""
    return pl.scan_parquet(sorted(into.glob("*.parquet")), glob=False)


def slate_size(into: Path) -> int:
    """The commonest number of shown candidates of a request that was shown any, the greater of equally common ones."""
    sizes = counts(into).filter(pl.col("shown") > 0).group_by("shown").len().collect(engine="streaming")
    return int(sizes.sort("len", "shown", descending=True)["shown"][0]) if len(sizes) else 1
