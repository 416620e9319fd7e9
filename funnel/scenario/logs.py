"""The logs of a round of traffic, as they lie in the store."""

import polars as pl

from funnel import schema
from funnel.scenario.store import Piece, Store


def shown(store: Store, log: Piece) -> pl.DataFrame:
    """`schema.IMPRESSIONS` of a round."""
    return pl.read_parquet(store.ensure(log) / "impressions.parquet")


def cut(store: Store, log: Piece) -> pl.DataFrame:
    """`schema.STAGE_LOG` of a round; nothing in round 0, which no stage has served."""
    path = store.ensure(log) / "stages.parquet"
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=schema.STAGE_LOG)
