"""Tables of items and of users: each stands once; those without an interaction are left out."""

import numpy as np
import polars as pl

from funnel.intake.drops import Gate
from funnel.intake.ids import coded, ordered
from funnel.intake.rules import Rule, sift


def distinct(frame: pl.DataFrame | None, name: str, gate: Gate) -> pl.DataFrame | None:
    """The rows of a table of items or users that can be used.

    Args:
        frame: the table; None if there is none.
        name: its column of ids, `item` or `user`.
    """
    if frame is None:
        return None
    rules = [Rule(f"`{name}` should stand once", ~pl.col(name).is_first_distinct() & pl.col(name).is_not_null())]
    if "duration" in frame.columns:
        rules.append(Rule("a duration should be above 0", pl.col("duration") <= 0))
    return sift(frame, rules, gate)


def count_idle(frame: pl.DataFrame | None, name: str, ids: pl.Series, gate: Gate) -> None:
    """Tells the gate how many rows are of items or users without an interaction."""
    idle = frame.filter(~pl.col(name).is_in(ids.implode())) if frame is not None else None
    if idle is not None and idle.height:
        gate.leave_out(
            idle["file"][0], f"`{name}` should have an interaction to be of use", idle.height, "Nothing to do"
        )


def aligned(frame: pl.DataFrame | None, items: pl.Series) -> pl.DataFrame:
    """The columns of a table of items in the order of the ids, which are all in it; without a table, the ids alone."""
    rows = pl.DataFrame({"item": items})
    return rows if frame is None else rows.join(frame, on="item", how="left", maintain_order="left")


def creators(named: pl.Series) -> np.ndarray:
    """Creators as places from 0, in the order of their ids: (I,) int32."""
    return coded(named.to_frame(), **{named.name: ordered(named)})[named.name].to_numpy()
