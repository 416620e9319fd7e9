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


TOLD = "told"
"""the column that says of a row whether the gate was told of it"""


def sift(frame: pl.DataFrame, rules: Sequence[Rule], gate: Gate) -> pl.DataFrame:
    """The rows that keep all rules; the gate is told of the others, each under the first rule that it breaks.

    A strict gate will refuse the table, so it gets all its rows back, those that it was told of marked: they still say
    which users and items there are, and no later rule tells of them again.

    Args:
        frame: a table with the columns `file` (name in the folder), `row` (number in it, from 1) and `TOLD`.
    """
    if not rules:
        return frame
    places = [pl.when(rule.broken & ~pl.col(TOLD)).then(pl.lit(place, pl.Int16)) for place, rule in enumerate(rules)]
    verdict = frame.select("file", "row", pl.coalesce(places).alias("rule"))
    broken = verdict["rule"].is_not_null()
    for file, place, rows, first in _counted(verdict).iter_rows():
        gate.broken(file, rules[place].text, rows, first, rules[place].remedy)
    if not broken.any():
        return frame
    return frame.filter(~broken) if gate.lenient else frame.with_columns(pl.col(TOLD) | broken)


def _counted(verdict: pl.DataFrame) -> pl.DataFrame:
    """How many rows of which file broke which rule, and the first of them."""
    return verdict.drop_nulls("rule").group_by("file", "rule").agg(pl.len(), pl.min("row")).sort("file", "rule")
