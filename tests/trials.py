"""Made-up arms for tests of the what-if tab: stages that sort by a plain formula, their ledger and their sample."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from funnel.candidates import Requests
from funnel.formula import combined
from funnel.metrics import samples
from funnel.metrics.ledger import Ledger
from funnel.report.whatif.pool import Pool, pool
from funnel.tasks import Formula
from tests import ledgers

FORMULAS = {
    "baseline": ({"like": 0.5, "hide": -2.0}, {"like": 0.5, "hide": -2.0}),
    "late_only": ({"like": 0.5, "hide": -2.0}, {"like": 0.5, "hide": -2.0, "bubble_engage": 1.0}),
    "both": ({"like": 0.5, "hide": -2.0, "bubble_engage": 1.0}, {"like": 0.5, "hide": -2.0, "bubble_engage": 1.0}),
}


@dataclass(frozen=True)
class Trial:
    """One arm: what was measured, what was stored of it, and what the tab makes of that."""

    ledger: Ledger
    sample: pl.DataFrame
    contributions: pl.DataFrame
    pool: Pool
    means: dict[str, np.ndarray]
    """float32 (n,) a task: what both stages predict"""


def trial(arm: str, seed: int, requests: int = 6, corpus: int = 40, keep: int = 10, slate_size: int = 4) -> Trial:
    """An arm in a world that depends on the seed alone."""
    generator = np.random.default_rng(seed)
    shape = (requests, corpus)
    friend = generator.random(shape) < 0.3
    means = {
        "like": generator.gamma(2.0, 1.0, shape).astype(np.float32),
        "hide": generator.random(shape).astype(np.float32),
        "bubble_engage": (friend * generator.gamma(2.0, 1.0, shape)).astype(np.float32),
    }
    sort = [combined(Formula(formula=formula), means, None) for formula in FORMULAS[arm]]
    judge = combined(Formula(formula=FORMULAS["both"][1]), means, None)
    value = (judge + generator.normal(size=shape)).astype(np.float32)
    columns = {
        "retrieved": generator.random(shape) < 0.8,
        "friend": friend,
        "reference_score": (judge + 0.1 * generator.normal(size=shape)).astype(np.float32),
    }
    ledger = ledgers.of_scores(value, *sort, keep=keep, slate_size=slate_size, **columns)
    known = ledger.rows
    flat = {task: mean.reshape(-1)[known.request * corpus + known.item] for task, mean in means.items()}
    stages = {
        stage: {"keep": size, "formula": formula}
        for stage, size, formula in zip(("early", "late"), (keep, slate_size), FORMULAS[arm], strict=True)
    }
    users = Requests(100 + np.arange(requests), np.arange(requests))
    ledger = replace(
        ledger, predicted={stage: {task: flat[task] for task in stages[stage]["formula"]} for stage in stages}
    )
    formulas = {stage: Formula(formula=stages[stage]["formula"]) for stage in stages}
    sample = samples.sample(ledger, arm, users, 2 * ledger.friend)
    contributions = samples.contributions(ledger, arm, users, formulas, dict.fromkeys(stages, True))
    return Trial(ledger, sample, contributions, pool(arm, stages, sample, contributions), flat)
