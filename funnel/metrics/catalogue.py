"""The catalogue of measures, and the two tables that one ledger gives.

To add a measure, write one function from a `Ledger` to its values and name it in `METRICS`: its name is the function's,
its definition the first paragraph of the docstring.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from funnel import schema
from funnel.metrics import (
    auc,
    bubbles,
    calibration,
    chains,
    closeness,
    exposure,
    laws,
    merged,
    overlap,
    recall,
    regret,
    value,
)
from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Derived, Ratio


@dataclass(frozen=True)
class Described:
    """A measure that is called as its function is, and defined by the first paragraph of that one's docstring."""

    compute: Callable

    @property
    def name(self) -> str:
        return self.compute.__name__

    @property
    def definition(self) -> str:
        """One paragraph, as a page prints it."""
        return " ".join((inspect.getdoc(self.compute) or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class Metric(Described):
    """One measure of the catalogue."""

    compute: Callable[[Ledger], Sequence[Ratio | Derived]]
    unit: Literal["share", "value", "ratio", "mean", "count"]
    """how to read the number: a share of 1, a true value V, a ratio around 1, a mean of a task, a number of things"""
    resampled: bool = False
    """whether its sums are kept per request, for the bootstrap"""
    judged: bool = False
    """whether the late stage of the reference is what it holds an arm against"""


METRICS: tuple[Metric, ...] = (
    Metric(recall.recall, "share", resampled=True),
    Metric(recall.terminal, "share", resampled=True),
    Metric(recall.lost, "share", resampled=True, judged=True),
    Metric(value.value, "value", resampled=True),
    Metric(value.rest_value, "value"),
    Metric(merged.merged_value, "value"),
    Metric(merged.merged_share, "share"),
    Metric(value.soft_recall, "share"),
    Metric(value.waterfall, "share", resampled=True),
    Metric(value.recoverable, "share", resampled=True),
    Metric(regret.regret, "share", resampled=True),
    Metric(recall.recall_by_friends, "share"),
    Metric(recall.alone_recall, "share"),
    Metric(recall.product_recall, "share"),
    Metric(recall.survival, "share"),
    Metric(overlap.overlap, "share", resampled=True),
    Metric(overlap.penetration, "share"),
    Metric(laws.correlation, "ratio", judged=True),
    Metric(laws.predicted_lost, "share", judged=True),
    Metric(value.probability, "mean"),
    Metric(value.label, "mean"),
    Metric(chains.joint, "mean"),
    Metric(chains.joint_label, "mean"),
    Metric(chains.selection, "mean"),
    Metric(value.share, "share"),
    Metric(calibration.calibration, "ratio"),
    Metric(calibration.winners_curse, "mean"),
    Metric(auc.auc, "ratio"),
    Metric(calibration.ranker_calibration, "ratio"),
    Metric(calibration.ranker_error, "mean"),
    Metric(bubbles.bubble_prevalence, "share"),
    Metric(bubbles.bubble_engagement, "mean"),
    Metric(bubbles.bubble_outcomes, "mean"),
    Metric(closeness.closeness_auc, "ratio"),
    Metric(closeness.closeness_calibration, "ratio"),
    Metric(closeness.closeness_reliability, "mean"),
    Metric(exposure.topics, "count"),
    Metric(exposure.creators, "count"),
    Metric(exposure.new_topics, "share"),
    Metric(exposure.new_creators, "share"),
    Metric(exposure.concentration, "share"),
    Metric(exposure.coverage, "share"),
    Metric(overlap.candidates, "count"),
    Metric(overlap.keep_ratio, "share"),
)

METRIC: dict[str, Metric] = {metric.name: metric for metric in METRICS}


def rows(ledger: Ledger, seed: int, arm: str, metrics: Sequence[Metric] = METRICS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Measures of one arm under one seed, all of them if not said.

    Returns:
        `schema.ROWS`, one row a measure, stage, slice and task; a value is null where the slice is empty.
        `schema.REQUEST_ROWS`, the sums behind the resampled ones.
    """
    values = [(metric, found) for metric in metrics for found in metric.compute(ledger)]
    resampled = [(metric, found) for metric, found in values if metric.resampled and isinstance(found, Ratio)]
    requests = ledger.rows.requests
    table = _labelled(values, seed, arm).with_columns(
        pl.Series("value", [found.value for _, found in values], pl.Float64),
        pl.Series("n", [found.n for _, found in values], pl.Int64),
    )
    sums = _labelled(resampled, seed, arm)[np.repeat(np.arange(len(resampled)), requests)].with_columns(
        pl.Series("request", np.tile(np.arange(requests), len(resampled))),
        pl.Series("numerator", np.concatenate([found.numerator for _, found in resampled])),
        pl.Series("denominator", np.concatenate([found.denominator for _, found in resampled])),
    )
    return (
        schema.check(table, schema.ROWS, "rows"),
        schema.check(sums, schema.REQUEST_ROWS, "request_rows"),
    )


def _labelled(values: Sequence[tuple[Metric, Ratio | Derived]], seed: int, arm: str) -> pl.DataFrame:
    """The columns that say what each value is."""
    names = {
        "measure": [metric.name for metric, _ in values],
        "stage": [found.stage for _, found in values],
        "slice": [found.slice for _, found in values],
        "task": [found.task for _, found in values],
    }
    return pl.DataFrame(names, schema=dict.fromkeys(names, pl.String)).with_columns(
        pl.lit(seed, pl.Int64).alias("seed"), pl.lit(arm, pl.String).alias("arm")
    )
