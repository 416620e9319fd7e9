"""A made-up run for tests of results and reports: tables of a few arms over a few seeds, and their scenario."""

from dataclasses import dataclass, field
from itertools import combinations, permutations

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Requests
from funnel.metrics import catalogue
from funnel.metrics.deaths import deaths
from funnel.scenario.diagnostics import Diagnostics
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


TASKS = ("long_view", "like", "hide")


def diagnostics(seeds: int = 3) -> Diagnostics:
    """Diagnostics of two late rankers and a shared early one in which every flag is raised once at least."""
    early = {"model": "shared_bottom", "balancer": "static", "tasks": TASKS[:2]}
    late = {"model": "mmoe", "balancer": "static", "tasks": TASKS}
    rankers = [
        {"arm": "baseline", "stage": "early", "arms": ["baseline", "late_only"], **early, "proposal": True},
        {"arm": "baseline", "stage": "late", "arms": ["baseline"], **late, "proposal": False},
        {"arm": "late_only", "stage": "late", "arms": ["late_only", "both"], **late, "proposal": True},
    ]
    values = [
        (seed, ranker["arm"], ranker["stage"], *value)
        for seed in range(seeds)
        for ranker in rankers
        for value in _diagnosed(seed, ranker)
    ]
    values += [(seed, *value) for seed in range(seeds) for value in _swept()]
    return Diagnostics(pl.DataFrame(values, schema=schema.DIAGNOSTICS, orient="row"), rankers, ("long_view", "like"))


def _diagnosed(seed: int, ranker: dict) -> list[tuple]:
    """measure, task, other, part, step, value; seeds wander by a hundredth."""
    off = 0.01 * (seed - 1)
    tasks, pairs = ranker["tasks"], list(combinations(ranker["tasks"], 2))
    values = [("transfer", task, "", "", None, -0.12 * (task == "hide") + 0.02 + off) for task in tasks]
    values += [
        ("cosine", a, b, "", float(step), (-0.3 if b == "hide" else 0.2) + off) for a, b in pairs for step in range(3)
    ]
    values += [
        ("loss", task, "", part, epoch, 0.5 - 0.1 * epoch + (0.3 if part == "held out" and epoch == 3 else 0))
        for task in tasks
        for part in ("training", "held out")
        for epoch in (1.0, 2.0, 3.0)
    ]
    if ranker["model"] == "mmoe":
        values += [
            ("gate", task, f"shared {expert}", "experts", None, share)
            for task in tasks
            for expert, share in enumerate((0.95, 0.05), start=1)
        ]
        values += [("gate_distance", a, b, "experts", None, 0.02) for a, b in pairs]
    if ranker["proposal"]:
        values += [("pair_transfer", a, b, "", None, off - 0.03 * (b == "hide")) for a, b in permutations(tasks, 2)]
        values += [("ablation", task, "", f"without `{tasks[-1]}`", None, 0.04 + off) for task in tasks[:-1]]
        values += [("ablation", task, "", "with one expert less", None, -0.01 + off) for task in tasks]
    return values


def _swept() -> list[tuple]:
    return [
        (arm, "late", measure, task, "", "", step, value)
        for arm in ("baseline", "late_only")
        for measure in ("slate_mean", "weighted_loss")
        if measure == "slate_mean" or arm == "late_only"
        for step, *found in ((0.0, 0.5, 0.1), (1.0, 0.45, 0.2), (4.0, 0.4, 0.15))
        for task, value in zip(TASKS[:2], found, strict=True)
    ]
