"""Tables held against each other: which rows of them can be used, and which users and items there are."""

from dataclasses import dataclass

import polars as pl

from funnel.intake import entities
from funnel.intake.drops import Gate
from funnel.intake.friendships import friendships
from funnel.intake.ids import coded, ordered
from funnel.intake.interactions import compact, known
from funnel.intake.layout import Tables

FEWEST_USERS, FEWEST_ITEMS = 2, 10
"""a friendship takes two users, a slate about ten items"""


@dataclass(frozen=True)
class Checked:
    """Tables whose users and items are places in the ids, where they are not ids by purpose."""

    users: pl.Series
    """ids of the users with interactions, in order"""
    items: pl.Series
    interactions: pl.DataFrame
    """user, item, and where there are any: weight, time; sorted, distinct"""
    friends: pl.DataFrame | None
    """low, high, and where there is any: weight; sorted, distinct"""
    events: pl.DataFrame | None
    """user, item, time; sorted, distinct"""
    catalogue: pl.DataFrame | None
    """the table of items, by their ids"""


def check(tables: Tables, interactions: pl.DataFrame, file: str, gate: Gate) -> Checked:
    """What the gate lets through; it is told of the rest, and not yet settled.

    Args:
        tables: as a layout read them.
        interactions: those of the tables, which are there.
        file: the file of interactions that is named if too few are left.
        gate: strict or lenient.
    """
    catalogue, register = entities.distinct(tables.items, "item", gate), entities.distinct(tables.users, "user", gate)
    rows = known(interactions, register, catalogue, gate)
    users, items = ordered(rows["user"]), ordered(rows["item"])
    entities.count_idle(register, "user", users, gate)
    entities.count_idle(catalogue, "item", items, gate)
    friends = None if tables.friends is None else friendships(tables.friends, users, gate)
    events = None if tables.events is None else _events(tables.events, users, items, gate)
    _enough(file, users, items, gate)
    return Checked(users, items, compact(rows, users, items, gate), friends, events, catalogue)


def _events(events: pl.DataFrame, users: pl.Series, items: pl.Series, gate: Gate) -> pl.DataFrame:
    """Events of users and items that have interactions."""
    placed = coded(events, user=users, item=items)
    kept = placed.drop_nulls(["user", "item"])
    if kept.height < placed.height:
        rule = "an event should be of a user and an item with interactions to be of use"
        gate.leave_out(events["file"][0], rule, placed.height - kept.height, "Nothing to do")
    return kept.select("user", "item", "time").unique().sort("user", "time", "item")


def _enough(file: str, users: pl.Series, items: pl.Series, gate: Gate) -> None:
    for ids, what, fewest in ((users, "users", FEWEST_USERS), (items, "items", FEWEST_ITEMS)):
        if len(ids) < fewest:
            gate.refuse(file, f"should have sound rows of at least {fewest} {what}. Found {len(ids)}. Bring more data.")
