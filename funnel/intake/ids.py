"""Ids as a user's files have them, and the numbers from 0 that stand for them."""

import numpy as np
import polars as pl


def ordered(ids: pl.Series) -> pl.Series:
    """Distinct ids in an order that no order of rows changes: by number if all are whole numbers, else by text."""
    distinct = ids.unique()
    numbers = distinct.cast(pl.Int64, strict=False)
    if numbers.null_count():
        return distinct.sort()
    return pl.DataFrame({"number": numbers, "id": distinct}).sort("number", "id")["id"]


def coded(column: str, ids: pl.Series) -> pl.Expr:
    """The place of each value in the ids (Int32); null where it is none of them."""
    places = pl.Series(np.arange(len(ids), dtype=np.int32))
    return pl.col(column).replace_strict(ids, places, default=None, return_dtype=pl.Int32)
