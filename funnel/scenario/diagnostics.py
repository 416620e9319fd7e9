"""From what diagnosing found under each seed to estimates over seeds, frontiers and flags: the key `diagnostics` of the
results."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from funnel.metrics.intervals import t_interval
from funnel.scenario.flags import THRESHOLDS, flags
from funnel.scenario.frontiers import frontiers

Entry = dict[str, Any]
"""an estimate: arm, stage, measure, task, other, part, value, low, high, n; of a curve also `steps`, and lists"""

KEY = ("arm", "stage", "measure", "task", "other", "part")

MEASURES = {
    "transfer": "Transfer improvement ratio of a head: (L_single - L) / L_single, the held-out loss of the ranker "
    "against that of a well-trained network that the task has for itself. Below 0 sharing costs the task.",
    "pair_transfer": "The same for a ranker of two tasks, `task` trained together with `other`, against `task` alone "
    "with as many epochs: what the other does to it.",
    "cosine": "Cosine of the gradients of two tasks on the shared parameters, over training steps. Below 0 a step that "
    "helps one harms the other.",
    "mean_cosine": "The cosine's mean over the recorded steps.",
    "gate": "Mean share of an expert in a task's mixture on held-out rows, by gated layer.",
    "gate_distance": "Total variation distance of the gates of two tasks, mean over held-out rows: 0 where they mix "
    "the same experts alike, 1 where they have none in common.",
    "loss": "Loss of a task over the epochs: training (mean over the epoch's batches) and held out (after the epoch).",
    "ablation": "Improvement of the held-out loss when a part is dropped: (L - L_without) / L. Above 0 the task is "
    "better off without.",
    "slate_mean": "True mean of a task over the slate, a slot without its condition counting 0, over the weight of the "
    "second task of the frontier in the late formula.",
    "weighted_loss": "Held-out loss of a task over the static training weights of the two tasks of the frontier.",
}
"""what diagnosing measures, and what each means"""


@dataclass(frozen=True)
class Diagnostics:
    """What diagnosing the rankers of a scenario found."""

    rows: pl.DataFrame
    """`schema.DIAGNOSTICS`, all rankers and seeds"""
    rankers: list[dict[str, Any]]
    """one a distinct ranker: arm, stage, arms (all that have it), model, balancer, tasks, proposal (under review)"""
    frontier: tuple[str, str] | None = None
    """the two tasks of the frontiers"""
    unwanted: frozenset[str] = frozenset()
    """tasks of which less is better: those that the true value weighs negatively"""

    def summary(self) -> dict[str, Any]:
        """The key `diagnostics` of the results."""
        rows = pl.concat([self.rows, _mean_cosine(self.rows)])
        scalars = _scalars(rows.filter(pl.col("step").is_null()))
        series = _series(rows.filter(pl.col("step").is_not_null()))
        return {
            "rankers": self.rankers,
            "measures": MEASURES,
            "thresholds": THRESHOLDS,
            "estimates": scalars,
            "series": series,
            "frontiers": frontiers(self.rows, self.frontier, self.unwanted) if self.frontier else [],
            "flags": flags(scalars, series),
        }


def _mean_cosine(rows: pl.DataFrame) -> pl.DataFrame:
    mean = rows.filter(pl.col("measure") == "cosine").group_by("seed", *KEY, maintain_order=True)
    return mean.agg(pl.lit(None, pl.Float64).alias("step"), pl.col("value").mean()).with_columns(
        measure=pl.lit("mean_cosine")
    )


def _scalars(rows: pl.DataFrame) -> list[Entry]:
    return [
        {**dict(zip(KEY, key, strict=True)), **_estimate(part["value"])}
        for key, part in rows.group_by(*KEY, maintain_order=True)
    ]


def _series(rows: pl.DataFrame) -> list[Entry]:
    """One entry a curve; a step is there in every seed, since seeds differ by their draws alone."""
    found = []
    for key, part in rows.group_by(*KEY, maintain_order=True):
        at = [(step, _estimate(values["value"])) for (step,), values in part.group_by("step", maintain_order=True)]
        at.sort(key=lambda pair: pair[0])
        columns = {name: [estimate[name] for _, estimate in at] for name in ("value", "low", "high", "n")}
        found.append({**dict(zip(KEY, key, strict=True)), "steps": [step for step, _ in at], **columns})
    return found


def _estimate(values: pl.Series) -> dict[str, Any]:
    known = values.drop_nans().drop_nulls().to_numpy()
    if not len(known):
        return {"value": None, "low": None, "high": None, "n": 0}
    interval = t_interval(known)
    return {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n}
