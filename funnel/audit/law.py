"""What the survival law expects to be lost in a log: it needs the correlation of the whole log before it can speak of
any request, so each request's counts are kept until that is known."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from funnel.audit.agreement import correlation, judged
from funnel.audit.part import Part
from funnel.audit.spec import LogSpec
from funnel.audit.sums import Sums
from funnel.metrics.laws import expected_lost, predicted_lost
from funnel.metrics.ratio import count
from funnel.scenario.estimates import Key

NAME = predicted_lost.__name__
SCHEMA = {"group": pl.Int64, "pool": pl.Float64, "early": pl.Float64}


def asked(part: Part) -> pl.DataFrame:
    """What the law wants of each request in which both scores are known, as `SCHEMA`."""
    ledger = part.ledger
    found = {"group": part.group, "pool": ledger.rows.counts, "early": count(ledger, ledger.early)}
    return pl.DataFrame(found, schema_overrides=SCHEMA).filter(judged(part))


def add(kept: list[Path], spec: LogSpec, slate_size: int, sums: Sums) -> None:
    """Adds what the law expects of all requests.

    Args:
        kept: files of `asked`.
        sums: with the correlation of the whole log.
    """
    rho = sums.value(Key(correlation.__name__, spec.early, "all", ""))
    if rho is None:
        return
    for path in kept:
        group, pool, early = (column.to_numpy() for column in pl.read_parquet(path, glob=False))
        ratio = expected_lost(rho, pool, early, slate_size)
        sums.add(NAME, [replace(ratio, stage=spec.early)], group, fixed=True)
