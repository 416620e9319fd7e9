"""From the tables of a trial to estimates: t intervals over seeds, and differences to the world's, paired by seed."""

from typing import Any

import polars as pl

from funnel.scenario.dose.slopes import ESTIMATORS, SOURCES, WORLD
from funnel.scenario.dose.trial import TASKS
from funnel.scenario.estimates import estimate

Number = dict[str, Any]
"""value, low, high and n of an estimate; seeds in which too little happened are left out"""
Numbers = dict[str, dict[str, Number]]
"""by estimator and task"""


def slopes(table: pl.DataFrame) -> Numbers:
    """Of every estimator, and of the world."""
    return {name: {task: number(_of(table, name, task)["slope"]) for task in TASKS} for name in (*ESTIMATORS, WORLD)}


def biases(table: pl.DataFrame) -> Numbers:
    """Of every estimator, its slope minus the world's own of the same seed."""
    return {name: {task: number(_bias(table, name, task)) for task in TASKS} for name in ESTIMATORS}


def _bias(table: pl.DataFrame, name: str, task: str) -> pl.Series:
    own = _of(table, WORLD, task).select("seed", own="slope")
    return _of(table, name, task).join(own, on="seed").select(pl.col("slope") - pl.col("own"))["slope"]


def _of(table: pl.DataFrame, name: str, task: str) -> pl.DataFrame:
    return table.filter((pl.col("estimator") == name) & (pl.col("task") == task)).sort("seed")


def number(values: pl.Series) -> Number:
    """The mean of values, one a seed, and its t interval; without bounds where there is one, empty without any."""
    known = values.drop_nulls().to_numpy()
    return estimate(known) if len(known) else {"value": None, "low": None, "high": None, "n": 0}


def curves(table: pl.DataFrame) -> dict[str, list[Number]]:
    """By source: log odds against nobody shown, an entry a task and number shown."""
    return {source: _points(table.filter(pl.col("source") == source), "log_odds") for source in SOURCES}


def rates(cells: pl.DataFrame) -> dict[str, list[Number]]:
    """How often a task happens, an entry a task and number shown, and how often it would in truth.

    Of the others who shows what is available; of the lots those are taken on which most friends are available, so that
    the same kind of impression stands behind every number.
    """
    lots = cells.filter((pl.col("source") == "randomised") & (pl.col("available") == pl.col("available").max()))
    parts = {"randomised": lots, "others": cells.filter(pl.col("source") == "others")}
    shares = {name: pl.col(column) / pl.col("n") for name, column in (("seen", "happened"), ("true", "expected"))}
    return {
        f"{source}_{name}": _points(part.with_columns(share=share), "share")
        for source, part in parts.items()
        for name, share in shares.items()
    }


def _points(table: pl.DataFrame, column: str) -> list[Number]:
    groups = table.sort("seed", "shown").group_by("task", "shown", maintain_order=True)
    return [{"task": task, "shown": shown} | number(part[column]) for (task, shown), part in groups]


def counts(cells: pl.DataFrame) -> dict[str, Any]:
    """Impressions a seed on the mean: all, with a bubble, of a lot, and by how many friends were available."""
    one = cells.filter((pl.col("task") == TASKS[0]) & (pl.col("source") != WORLD))
    seeds = one["seed"].n_unique()

    def mean(part: pl.DataFrame) -> float:
        return float(part["n"].sum()) / seeds

    numbers = one["available"].unique().sort().to_list()
    return {
        "impressions": mean(one),
        "bubbles": mean(one.filter(pl.col("available") > 0)),
        "randomised": mean(one.filter(pl.col("source") == "randomised")),
        "available": {str(number): mean(one.filter(pl.col("available") == number)) for number in numbers},
    }
