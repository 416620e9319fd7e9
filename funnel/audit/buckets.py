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
from funnel.audit.logs import DAMAGED, Logs, unreadable
from funnel.intake.drops import Gate

SIZE = 1_000_000
"""rows of a bucket, about; what is held at a time follows it"""
BUCKET = "bucket"


def deal(logs: Logs, paths: Sequence[Path], start: int, count: int, folder: Path, gate: Gate) -> None:
    """Writes the sound rows of files of one run to `count` buckets under `folder`, or tells the gate what is damaged.

    Args:
        start: number of their first row.
    """
    bucket = (pl.col(rows.REQUEST).hash(1) % count).cast(pl.UInt32).alias(BUCKET)
    found = rows.rows(logs, paths, start).filter(sound(logs.spec)).select(*rows.names(logs.spec), bucket)
    folder.mkdir(parents=True)
    try:
        # One scan of all files holds a third of what a scan a file, laid together, would.
        found.sink_parquet(
            pl.PartitionBy(folder, key=BUCKET, include_key=False),
            compression="lz4",
            maintain_order=False,
            engine="streaming",
            mkdir=True,
        )
    except DAMAGED:
        if not _damaged(logs, paths, gate):
            raise


def _damaged(logs: Logs, paths: Sequence[Path], gate: Gate) -> bool:
    """Tells the gate of the files of which some column cannot be read, though those that rules ask for can."""
    for path in paths:
        try:
            table = rows.rows(logs, [path]).select(rows.names(logs.spec))
            table.select(pl.all().hash().max()).collect(engine="streaming")
        except DAMAGED as error:
            gate.refuse(logs.name(path), unreadable(path, error))
    return gate.refused


def read(folder: Path, bucket: int, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of a bucket's rows, by request and item; a row that stands twice, by its number."""
    order = [rows.REQUEST, rows.ITEM, rows.ROW]
    wanted = list(dict.fromkeys([*order, rows.USER, *columns]))
    files = sorted(folder.glob(f"*/{BUCKET}={bucket}/*.parquet"))
    if not files:
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.Int64))
    return pl.read_parquet(files, columns=wanted, glob=False).sort(order)


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


def tell(logs: Logs, ends: np.ndarray, table: pl.DataFrame, gate: Gate) -> None:
    """Tells the gate of the rows that break a rule with others.

    Args:
        ends: int64 (files,), rows up to the end of each file.
    """
    for rule, (broken, remedy) in among_others(table).items():
        row = np.sort(table[rows.ROW].to_numpy()[broken])
        file, first, count = np.unique(np.searchsorted(ends, row, side="right"), return_index=True, return_counts=True)
        for number, least, found in zip(file, row[first], count, strict=True):
            path, begin = list(logs.schemas)[number], ends[number - 1] if number else 0
            gate.broken(logs.name(path), rule, int(found), int(least - begin) + 1, remedy)


def clean(table: pl.DataFrame) -> pl.DataFrame:
    """The rows that break no rule with others."""
    return table.filter(~np.logical_or.reduce([broken for broken, _ in among_others(table).values()]))
