"""Friendships: pairs of users, whichever direction the file gives."""

import polars as pl

from funnel.intake.drops import Gate
from funnel.intake.ids import coded
from funnel.intake.rules import Rule, sift


def friendships(frame: pl.DataFrame, users: pl.Series, gate: Gate) -> pl.DataFrame:
    """The friendships between users with interactions.

    Args:
        frame: user, friend and perhaps weight; a friendship may stand in one direction or in both.
        users: the ids of the users with interactions, in order.

    Returns:
        `low` and `high` (Int32, places in `users`) and perhaps `weight`, the mean of the directions; distinct, sorted.
    """
    rules = [
        Rule("a user should not be their own friend", pl.col("user") == pl.col("friend")),
        *(_known(name, users) for name in ("user", "friend")),
    ]
    if "weight" in frame.columns:
        rules.append(Rule("a weight should be above 0", pl.col("weight") <= 0))
    placed = coded(sift(frame, rules, gate), user=users, friend=users)
    return _joined(_single(placed, gate))


def _known(name: str, users: pl.Series) -> Rule:
    return Rule(f"`{name}` should have an interaction", ~pl.col(name).is_in(users.implode()), "Take the friendship out")


def _single(placed: pl.DataFrame, gate: Gate) -> pl.DataFrame:
    ordered = placed.sort("user", "friend", "row")
    again = pl.all_horizontal(pl.col(key) == pl.col(key).shift() for key in ("user", "friend"))
    return sift(ordered, [Rule("a direction of a friendship should stand once", again, "Take the repeats out")], gate)


def _joined(directed: pl.DataFrame) -> pl.DataFrame:
    ends = [pl.min_horizontal("user", "friend").alias("low"), pl.max_horizontal("user", "friend").alias("high")]
    weight = [pl.mean("weight")] if "weight" in directed.columns else []
    return directed.group_by(ends).agg(*weight).sort("low", "high")
