"""A sample of requests, candidate by candidate: what every stage thought of each, beside the truth.

It lets a reader follow single requests, and lets the report ask what other budgets and other weights would have done
without training or serving anything.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Requests
from funnel.formula import combined, joint, needs_bubble
from funnel.metrics.ledger import Ledger
from funnel.metrics.standing import ranks
from funnel.tasks import BUBBLE, Formula, chain

REQUESTS = 12
"""requests of a sample: the first ones, since requests come in no order; enough to read, few enough to put on a page"""


def sample(ledger: Ledger, arm: str, requests: Requests, bubble_count: np.ndarray) -> pl.DataFrame:
    """What one arm did with every candidate and every oracle item of the first requests, as `schema.SAMPLE`.

    Args:
        bubble_count: int (m,): friends shown on each of the first m rows, those of the sample at least.
    """
    rows = slice(0, sampled(ledger))
    early_rank = ranks(ledger, ledger.early_score, _within(ledger.retrieved, rows))
    late_rank = ranks(ledger, ledger.late_score, _within(ledger.early, rows))
    request = ledger.rows.request[rows]
    table = pl.DataFrame(
        {
            "request": requests.id[request],
            "user": requests.user[request],
            "item": ledger.rows.item[rows],
            "source": ledger.rows.source[rows],
            "friend": ledger.friend[rows],
            "bubble_count": bubble_count[rows].astype(np.int8),
            **{name: getattr(ledger, name)[rows] for name in ("oracle", "retrieved", "early", "slate")},
            **{
                name: getattr(ledger, name)[rows].astype(np.float32)
                for name in ("closeness", "value", "early_score", "late_score", "reference_score")
            },
            "early_rank": early_rank[rows],
            "late_rank": late_rank[rows],
        }
    )
    ranked = pl.col("early_rank", "late_rank").replace(0, None).cast(pl.Int32)
    return schema.check(table.with_columns(ranked, arm=pl.lit(arm)), schema.SAMPLE, "sample")


def sampled(ledger: Ledger) -> int:
    """How many rows, the first ones, the sample has."""
    return int(ledger.rows.offsets[min(REQUESTS, ledger.rows.requests)])


def contributions(
    ledger: Ledger, arm: str, requests: Requests, formulas: Mapping[str, Formula], sees: Mapping[str, bool]
) -> pl.DataFrame:
    """What the weight of each task multiplies in a stage's score, on the rows of the sample: `schema.CONTRIBUTIONS`.

    Every task counts that the stage predicts together with its chain, whether its formula weighs it or not. A stage
    whose score is more than its formula over its predictions (a product of powers, a head of its own, an earlier score
    blended in) has no rows: weights alone would not tell what it would sort by.

    Args:
        formulas: of each stage. sees: whether each stage can see which candidates carry a bubble.
    """
    first = slice(0, sampled(ledger))
    stages = [_of_stage(ledger, stage, formulas[stage], sees[stage], first) for stage in formulas]
    found = [(stage, task, values) for stage, means in stages for task, values in means.items()]
    request = ledger.rows.request[first]
    rows = pl.DataFrame({"request": requests.id[request], "item": ledger.rows.item[first]})
    parts = [
        rows.with_columns(arm=pl.lit(arm), stage=pl.lit(stage), task=pl.lit(task), value=pl.Series(values))
        for stage, task, values in found
    ]
    empty = pl.DataFrame(schema=schema.CONTRIBUTIONS)
    return schema.check(pl.concat(parts), schema.CONTRIBUTIONS, "contributions") if parts else empty


def weighed(formula: Formula, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """float32 (n,): the sum of the formula over contributions (float32 (n,) a task), bit for bit the score they are of.

    A task without contributions is left out: the stage does not predict it.
    """
    plain = formula.model_copy(update={"formula": {t: w for t, w in formula.formula.items() if t in values}})
    return combined(plain, dict(values), None)


def _of_stage(
    ledger: Ledger, stage: str, formula: Formula, sees: bool, rows: slice
) -> tuple[str, dict[str, np.ndarray]]:
    predicted = {task: mean[rows] for task, mean in ledger.predicted[stage].items()}
    bubble = ledger.friend[rows] if sees else None
    values = {
        task: _masked(task, joint(task, predicted, bubble), bubble)
        for task in predicted
        if {*chain(task)} <= {*predicted, BUBBLE}
    }
    score = {"early": ledger.early_score, "late": ledger.late_score}[stage][rows]
    plain = formula.combine == "sum" and np.array_equal(weighed(formula, values), score)
    return stage, values if plain else {}


def _masked(task: str, mean: np.ndarray, bubble: np.ndarray | None) -> np.ndarray:
    """float32 (n,): the mean, and 0 where the task needs a bubble and is seen to have none."""
    if bubble is None or not needs_bubble(task):
        return mean.astype(np.float32)
    return np.where(bubble, mean, 0.0).astype(np.float32)


def _within(mask: np.ndarray, rows: slice) -> np.ndarray:
    """bool (n,): the mask on these rows, False elsewhere."""
    inside = np.zeros_like(mask)
    inside[rows] = mask[rows]
    return inside
