"""Rows by request: whoever wrote a log need not have kept the rows of one request together, but measures must.

One streaming pass deals the sound rows out to buckets, by a hash of the request, so that a request lies whole in one.
A bucket is small enough to be held, however many rows the log has.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from funnel.audit import rows
from funnel.audit.faults import sound
from funnel.audit.logs import Logs
from funnel.intake.drops import Gate

SIZE = 1_000_000
"""rows of a bucket, about; what is held at a time follows it"""
BUCKET = "bucket"


def deal(logs: Logs, count: int, folder: Path) -> None:
    """Writes the sound rows of all files to `count` buckets under `folder`."""
    kept = rows.names(logs.spec)
    parts = [rows.rows(logs, path).filter(sound(logs.spec)).select(kept) for path in logs.schemas]
    bucket = (pl.col(rows.REQUEST).hash(1) % count).cast(pl.UInt32).alias(BUCKET)
    folder.mkdir(parents=True)
    pl.concat(parts).with_columns(bucket).sink_parquet(
        pl.PartitionBy(folder, key=BUCKET, include_key=False),
        compression="lz4",
        maintain_order=False,
        engine="streaming",
        mkdir=True,
    )


def read(folder: Path, bucket: int, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of a bucket's rows, by request and item; a row that stands twice, by file and place in it."""
    order = [rows.REQUEST, rows.ITEM, rows.FILE, rows.ROW]
    files = folder / f"{BUCKET}={bucket}"
    wanted = list(dict.fromkeys([*order, rows.USER, *columns]))
    if not files.exists():
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.Int64))
    return pl.read_parquet(files / "*.parquet", columns=wanted).sort(order)


def among_others(table: pl.DataFrame) -> dict[str, tuple[np.ndarray, str]]:
    """What rows of one request must hold together: by rule, which rows break it (bool (n,)), and the remedy.

    A row breaks one rule at most, and what a request's first row says goes for all of it.

    Args:
        table: sorted as `read` does it.
    """
    request = table[rows.REQUEST].to_numpy()
    begins = np.append(True, request[1:] != request[:-1])[: len(request)]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(request)), 0))
    item = table[rows.ITEM].to_numpy()
    twice = ~begins & (item == np.roll(item, 1))
    found = {"a request should have an item once": (twice, "Keep one row of them")}
    broken = twice
    for column, word in ((rows.USER, "one user"), (rows.TIME, "one time")):
        if column in table.columns:
            values = table[column].to_numpy()
            differs = (values != values[first]) & ~broken
            found[f"a request should have {word}"] = differs, "Give requests ids of their own"
            broken = broken | differs
    return found


def tell(logs: Logs, table: pl.DataFrame, gate: Gate) -> None:
    """Tells the gate of the rows that break a rule with others."""
    for rule, (broken, remedy) in among_others(table).items():
        by_file = table.filter(broken).group_by(rows.FILE).agg(pl.len().alias("n"), pl.col(rows.ROW).min())
        for file, count, first in by_file.select(rows.FILE, "n", rows.ROW).iter_rows():
            gate.broken(logs.name(list(logs.schemas)[file]), rule, count, first + 1, remedy)


def clean(table: pl.DataFrame) -> pl.DataFrame:
    """The rows that break no rule with others."""
    return table.filter(~np.logical_or.reduce([broken for broken, _ in among_others(table).values()]))
