"""Interactions: rows that can be used, in compact ids."""

import polars as pl

from funnel.intake.drops import Gate
from funnel.intake.ids import coded
from funnel.intake.rules import Rule, sift

REPEATED = "the same user and item should stand once"
AT_TIMES = "the same user, item and time should stand once"


def known(frame: pl.DataFrame, users: pl.DataFrame | None, items: pl.DataFrame | None, gate: Gate) -> pl.DataFrame:
    """The rows with a weight above 0, of users and items that the tables of users and items know, not too early."""
    rules = []
    if "weight" in frame.columns:
        rules.append(Rule("a weight should be above 0", pl.col("weight") <= 0))
    for name, other in (("user", users), ("item", items)):
        if other is not None:
            here = other["file"][0] if other.height else f"{name}s"
            rules.append(
                Rule(f"`{name}` should stand in {here}", ~pl.col(name).is_in(other[name].implode()), f"Add the {name}")
            )
    return sift(_published(frame, items), [*rules, *_order(frame, items)], gate)


def compact(frame: pl.DataFrame, users: pl.Series, items: pl.Series, gate: Gate) -> pl.DataFrame:
    """User and item as places in the ids, sorted by user, time and item, without repeats."""
    keys = ["user", *(["time"] if "time" in frame.columns else []), "item"]
    placed = coded(frame, user=users, item=items).sort(keys, maintain_order=True)
    again = pl.all_horizontal(pl.col(key) == pl.col(key).shift() for key in keys)
    return sift(placed, [Rule(AT_TIMES if "time" in keys else REPEATED, again, "Take the repeats out")], gate)


def _published(frame: pl.DataFrame, items: pl.DataFrame | None) -> pl.DataFrame:
    if items is None or not _can_order(frame, items):
        return frame
    return frame.join(
        items.select("item", "published").unique("item", keep="first"), on="item", how="left", maintain_order="left"
    )


def _order(frame: pl.DataFrame, items: pl.DataFrame | None) -> list[Rule]:
    early = pl.col("time").is_between(0, "published", closed="left")
    text = "an interaction should not come before its item is published"
    return [Rule(text, early, "Correct the times, which are out of order")] if _can_order(frame, items) else []


def _can_order(frame: pl.DataFrame, items: pl.DataFrame | None) -> bool:
    return items is not None and "time" in frame.columns and "published" in items.columns
