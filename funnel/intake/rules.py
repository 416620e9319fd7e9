"""Rules that rows should keep, applied to a whole table at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from funnel.intake.drops import Gate

CORRECT = "Correct the file"


@dataclass(frozen=True)
class Rule:
    """What should hold of a row."""

    text: str
    """the rule, with "should" """
    broken: pl.Expr
    """true where a row breaks it; null counts as kept"""
    remedy: str = CORRECT
    """what the user can do, without a full stop"""


def sift(frame: pl.DataFrame, rules: Sequence[Rule], gate: Gate) -> pl.DataFrame:
    """The rows that keep all rules; the gate is told of the others, each under the first rule that it breaks.

    A strict gate will refuse the table, so it gets all its rows back: a later rule then takes no offence at what a
    dropped row would have left behind.

    Args:
        frame: a table with the columns `file` (name in the folder) and `row` (number in it, from 1).
    """
    places = [pl.when(rule.broken).then(pl.lit(place, pl.Int16)) for place, rule in enumerate(rules)]
    if not places:
        return frame
    verdict = frame.select("file", "row", pl.coalesce(places).alias("rule"))
    told = verdict.drop_nulls("rule").group_by("file", "rule").agg(pl.len(), pl.min("row"))
    for file, place, rows, first in told.sort("file", "rule").iter_rows():
        gate.broken(file, rules[place].text, rows, first, rules[place].remedy)
    return frame.filter(verdict["rule"].is_null()) if told.height and gate.lenient else frame
