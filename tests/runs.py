"""A made-up run for tests of results and reports: tables of a few arms over a few seeds, and their scenario."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from funnel.candidates import Requests
from funnel.metrics import catalogue
from funnel.metrics.deaths import deaths
from funnel.spec import Spec
from tests import ledgers


class Margin(Spec):
    lost: float = 0.02
    value: float = 0.01


class Judged(Spec):
    proposal: str = "late_only"
    reference: str = "both"
    baseline: str = "baseline"
    margin: Margin = Margin()


class Funnel(Spec):
    keep: int = 10
    tasks: tuple[str, ...] = ("like",)


@dataclass(frozen=True)
class Scenario:
    """The part of a scenario that results read."""

    name: str = "bubble_late_only"
    question: str = "The friend-bubble tasks and features go into the late stage alone. Are candidates lost upstream?"
    base: Funnel = field(default_factory=Funnel)
    arms: dict[str, Funnel] = field(
        default_factory=lambda: {
            "baseline": Funnel(),
            "late_only": Funnel(tasks=("like", "bubble_engage")),
            "both": Funnel(tasks=("like", "bubble_engage"), keep=12),
            "late_only_2k": Funnel(tasks=("like", "bubble_engage"), keep=20),
        }
    )
    seeds: int = 3
    verdict: Judged = field(default_factory=Judged)
    diagnostics: bool = False
    frontier: tuple[str, str] | None = None


SEES = {"baseline": (0.0, 0.0), "late_only": (0.0, 1.0), "both": (1.0, 1.0), "late_only_2k": (0.0, 1.0)}
"""how much of the friend term the early and the late stage of an arm see"""


def tables(
    seeds: int = 3, requests: int = 40, corpus: int = 60, friends: float = 0.2
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """ROWS, REQUEST_ROWS and deaths of four arms that differ in which stage sees the friend term."""
    found = [_one(seed, arm, requests, corpus, friends) for seed in range(seeds) for arm in SEES]
    return tuple(pl.concat(part) for part in zip(*found, strict=True))


def _one(seed: int, arm: str, requests: int, corpus: int, friends: float) -> tuple[pl.DataFrame, ...]:
    generator = np.random.default_rng(seed)  # the same world for every arm of a seed
    shape = (requests, corpus)
    friend = generator.random(shape) < friends
    base = generator.gamma(2.0, 1.0, shape)
    term = friend * generator.gamma(3.0, 0.6, shape)
    noise = generator.normal(size=(2, *shape))
    early, late = SEES[arm]
    ledger = ledgers.of_scores(
        base + term,
        early_score=base + early * term + 0.6 * noise[0],
        late_score=base + late * term + 0.4 * noise[1],
        keep=20 if arm == "late_only_2k" else 10,
        slate_size=5,
        retrieved=generator.random(shape) < 0.85,
        friend=friend,
        closeness=friend * generator.random(shape),
        fresh=generator.random(shape) < 0.1,
        small=generator.random(shape) < 0.5,
        reference_score=base + term + 0.4 * noise[1],
        blind_value=base,
        friends=generator.poisson(3, requests),
    )
    rows, sums = catalogue.rows(ledger, seed, arm)
    cost = rows.head(1).with_columns(
        pl.lit("multiply_adds").alias("measure"), pl.lit("early").alias("stage"), pl.lit(2.5e6).alias("value")
    )
    users = Requests(np.arange(requests) + 1_000, np.arange(requests))
    return pl.concat([rows, cost]), sums, deaths(ledger, seed, arm, users)


FACTS = {arm: {"0": {"index_recall": 0.981, "impressions": 20_000}, "1": {"index_recall": 0.983}} for arm in SEES}
