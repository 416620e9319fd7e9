"""Ids as a user's files have them, and the numbers from 0 that stand for them."""

import numpy as np
import polars as pl


def ordered(ids: pl.Series) -> pl.Series:
    """Distinct ids in an order that no order of rows changes: by number if all are whole numbers, else by text."""
    distinct = ids.drop_nulls().unique()
    numbers = distinct.cast(pl.Int64, strict=False)
    if numbers.null_count():
        return distinct.sort()
    return pl.DataFrame({"number": numbers, "id": distinct}).sort("number", "id")["id"]


def coded(frame: pl.DataFrame, **ids: pl.Series) -> pl.DataFrame:
    """The frame with each named column as places in its ids (Int32); null where a value is none. Rows keep order."""
    for column, known in ids.items():
        places = pl.DataFrame({column: known, "place": np.arange(len(known), dtype=np.int32)})
        joined = frame.join(places, on=column, how="left", maintain_order="left")
        frame = joined.drop(column).rename({"place": column})
    return frame
