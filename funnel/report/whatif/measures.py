"""What a setting does with a pool: the same as `scripts/whatif.js` does in the page, on the same numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from funnel.report.whatif.pool import Pool
from funnel.select import top


@dataclass(frozen=True)
class Setting:
    """What a reader may change."""

    keep: int
    """budget of the early stage"""
    slate_size: int
    weights: Mapping[str, float] = field(default_factory=dict)
    """by task, at every stage that predicts the task; the run's own where not given"""


@dataclass(frozen=True)
class Fraction:
    """A number of the sample, and the counts or sums behind it."""

    above: float
    below: float

    @property
    def value(self) -> float | None:
        return self.above / self.below if self.below else None


def own(pool: Pool) -> Setting:
    """The setting that the run had."""
    return Setting(pool.keep, pool.slate_size)


def whatif(pool: Pool, setting: Setting) -> dict[str, Fraction]:
    """What the funnel would have let through of these very candidates, with nothing trained anew.

    Definitions are those of `funnel.metrics`: the oracle's items and the reference's top n stay those of the run
    whatever the setting; an empty slot of the slate counts 0.
    """
    column, rows = pool.columns, pool.rows
    early = top(rows, setting.keep, scores(pool, "early", setting.weights), column["retrieved"])
    slate = top(rows, setting.slate_size, scores(pool, "late", setting.weights), early)
    wanted = top(rows, pool.slate_size, column["reference_score"], column["retrieved"])
    oracle, friend = column["oracle"], column["friend"]
    return {
        "recall_early": _share(oracle, early),
        "recall_late": _share(oracle, slate),
        "recall_friend": _share(oracle & friend, slate),
        "lost": _share(wanted, ~early),
        "lost_friend": _share(wanted & friend, ~early),
        "value": Fraction(float(column["value"][slate].sum(dtype=np.float64)), setting.slate_size * rows.requests),
        "scored": Fraction(int(early.sum()), rows.requests),
    }


def scores(pool: Pool, stage: str, weights: Mapping[str, float]) -> np.ndarray:
    """float32 (n,): the stage's score with other weights. A task that the stage does not predict does not count."""
    score = pool.columns[f"{stage}_score"].astype(np.float64)
    for task, part in pool.parts[stage].items():
        if task in weights:
            score = score + (weights[task] - pool.formulas[stage].get(task, 0.0)) * part.values
    return score.astype(np.float32)


def _share(of: np.ndarray, among: np.ndarray) -> Fraction:
    return Fraction(int((of & among).sum()), int(of.sum()))
