"""A made-up run for tests of results and reports: tables of a few arms over a few seeds, and their scenario.

`write(folder)` makes a whole results folder in a second or so: `PLAIN` arms with a repair and its control, `TWINS` that
differ by `replica` alone, or as `many` repairs as a page may meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Requests
from funnel.formula import combined
from funnel.metrics import catalogue, samples
from funnel.metrics.deaths import deaths
from funnel.metrics.keep_curve import budgets, keep_curve
from funnel.metrics.ledger import Ledger
from funnel.scenario import results
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.file import read_toml
from funnel.scenario.resolve import resolve
from funnel.scenario.spec import Scenario, ScenarioSpec
from funnel.select import top
from funnel.tasks import Formula
from tests import ledgers


@dataclass(frozen=True)
class Made:
    """A made-up arm."""

    at: tuple[str, ...] = ()
    """stages that see what makes friend items good"""
    keep: int = 10
    replica: int = 0
    control: str | None = None

    def table(self) -> dict[str, Any]:
        """As a scenario would write it."""
        found: dict[str, Any] = {"at": self.at, "stages": {"early": {"keep": self.keep}}, "replica": self.replica}
        return found | ({"control": self.control} if self.control else {})


Arms = Mapping[str, Made]

PLAIN: Arms = {
    "baseline": Made(),
    "late_only": Made(("late",)),
    "both": Made(("early", "late")),
    "baseline_2k": Made(keep=20),
    "late_only_2k": Made(("late",), keep=20, control="baseline_2k"),
}
"""the three of a verdict, and a repair with its control"""
THREE: Arms = {name: PLAIN[name] for name in ("baseline", "late_only", "both")}
"""those of a verdict alone"""
TWINS: Arms = {
    **THREE,
    **{f"late_only_{replica}": Made(("late",), replica=replica) for replica in (1, 2)},
    **{f"both_{replica}": Made(("early", "late"), replica=replica) for replica in (1, 2)},
}
"""the proposal and the reference trained three times each"""


def many(arms: int) -> Arms:
    """The plain arms, and so many repairs that there are `arms` in all."""
    more = {
        f"repair_{place}": Made(("late",), keep=21 + place, control="late_only") for place in range(arms - len(PLAIN))
    }
    return {**PLAIN, **more}


QUESTION = "The friend-bubble tasks and features go into the late stage alone. Are candidates lost upstream?"
SLATE, CORPUS, REQUESTS = 5, 60, 40
WEIGHT = 10.0
"""of every task in every formula: probabilities are a tenth of what they are worth"""


def scenario(arms: Arms = PLAIN, seeds: int = 3, surfaces: Sequence[str] = (), **fields: Any) -> Scenario:
    """The scenario of the arms, over a cut of the base funnel; `fields` as a scenario file has them."""
    base = read_toml(Path(__file__).parents[1] / "scenarios" / "base" / "reels.toml")
    base["evaluation"] = {"requests": REQUESTS}
    base["world"]["surfaces"] = {name: {"share": 1.0 + place} for place, name in enumerate(surfaces)}
    base["value"]["formula"] = {"like": WEIGHT, "bubble_engage": WEIGHT}
    for stage, keep in (("early", 10), ("late", SLATE)):
        base["stages"][stage] |= {"keep": keep, "tasks": ["like"], "formula": {"like": WEIGHT}}
    written = {
        "name": "bubble_late_only",
        "question": QUESTION,
        "base": "reels",
        "seeds": seeds,
        "change": {
            "features": {"add": ["bubble_count", "bubble_closeness"]},
            "tasks": {"add": ["bubble_engage"]},
            "formula": {"bubble_engage": WEIGHT},
        },
        "arms": {name: arm.table() for name, arm in arms.items()},
        "verdict": {"proposal": "late_only", "reference": "both", "baseline": "baseline"},
    }
    return resolve(ScenarioSpec.parse(written | fields, ""), base)


def write(
    folder: Path,
    arms: Arms = PLAIN,
    seeds: int = 3,
    friends: float = 0.2,
    found: Diagnostics | None = None,
    failed: Mapping[str, str] | None = None,
    world: dict[str, Any] | None = None,
    surfaces: Sequence[str] = (),
    **fields: Any,
) -> Path:
    """A finished results folder, which is given back.

    Args:
        friends: share of friend items. found: by diagnosing. failed: why, by arm that failed.
        world: the account of the data that the world is fitted to. surfaces: of the world, by name.
        fields: of the scenario file.
    """
    made = tables({name: arm for name, arm in arms.items() if name not in (failed or {})}, seeds, friends, surfaces)
    written = scenario(arms, seeds, surfaces, **fields)
    results.write(folder, written, made, facts(arms, seeds), dict(failed or {}), found, world, 12.3)
    return folder


def facts(arms: Arms = PLAIN, seeds: int = 3) -> dict[str, dict[str, dict[str, float]]]:
    """A few facts of each arm under each seed."""
    told = {"index_recall": 0.981, "impressions": 20_000, "ledger_equals_funnel": 1.0}
    return {name: {str(seed): told for seed in range(seeds)} for name in arms}


def tables(
    arms: Arms = PLAIN, seeds: int = 3, friends: float = 0.2, surfaces: Sequence[str] = ()
) -> dict[str, pl.DataFrame]:
    """All tables of a run but those of diagnosing, by name."""
    found = [_one(seed, name, arm, friends, surfaces) for seed in range(seeds) for name, arm in arms.items()]
    return {name: pl.concat([part[name] for part in found if name in part]) for name in found[0]}


def _one(seed: int, name: str, arm: Made, friends: float, surfaces: Sequence[str]) -> dict[str, pl.DataFrame]:
    made = ledger(seed, arm, friends)
    asked = np.arange(REQUESTS) % max(1, len(surfaces))
    made = replace(made, surfaces={name: asked == place for place, name in enumerate(surfaces)})
    users = Requests(np.arange(REQUESTS) + 1_000, np.arange(REQUESTS))
    rows, sums = catalogue.rows(made, seed, name)
    curve = keep_curve(made, {keep: Kept.of(made, keep) for keep in budgets(10, SLATE, CORPUS)}, seed)
    found = {
        "rows": pl.concat([rows, _costs(rows, arm)]),
        "request_rows": sums,
        "deaths": deaths(made, seed, name, users),
        "keep_curve": curve.with_columns(arm=pl.lit(name)),
    }
    if seed == 0:
        formulas = {stage: formula(stage in arm.at) for stage in ("early", "late")}
        sees = {stage: stage in arm.at for stage in formulas}
        count = 2 * made.friend
        found["sample"] = samples.sample(made, name, users, count)
        weighed = samples.contributions(made, name, users, formulas, sees)
        found["contributions"] = weighed.head(weighed.height if name in ("baseline", "late_only", "both") else 0)
    return found


def ledger(seed: int, arm: Made, friends: float = 0.2) -> Ledger:
    """What one arm did in the world of one seed."""
    generator = np.random.default_rng(seed)  # the same world for every arm of a seed
    shape = (REQUESTS, CORPUS)
    friend = generator.random(shape) < friends
    like = np.minimum(generator.gamma(2.0, 0.1, shape), 0.9)
    engage = np.minimum(generator.gamma(3.0, 0.06, shape), 0.9)
    shared = generator.normal(size=(2, *shape))
    noise = shared + 0.3 * arm.replica * generator.normal(size=(2, *shape))
    truth = {"like": like, "bubble_engage": np.where(friend, engage, np.nan)}
    predicted = {
        "early": {"like": like + 0.06 * noise[0], "bubble_engage": engage},
        "late": {"like": like + 0.04 * noise[1], "bubble_engage": engage},
    }
    score = {stage: _score(means, stage in arm.at, friend) for stage, means in predicted.items()}
    for stage, means in predicted.items():
        if stage not in arm.at:
            del means["bubble_engage"]
    return ledgers.of_scores(
        WEIGHT * (like + friend * engage),
        early_score=score["early"],
        late_score=score["late"],
        keep=arm.keep,
        slate_size=SLATE,
        retrieved=generator.random(shape) < 0.85,
        source=np.where(friend, 2, 1),
        friend=friend,
        closeness=friend * generator.random(shape),
        fresh=generator.random(shape) < 0.1,
        small=generator.random(shape) < 0.5,
        reference_score=_score({"like": like + 0.04 * shared[1], "bubble_engage": engage}, True, friend),
        blind_value=WEIGHT * like,
        rest_value=WEIGHT * like,
        friends=generator.poisson(3, REQUESTS),
        truth=truth,
        predicted=predicted,
        edges=ledgers.friendships(np.random.default_rng([seed, 1])),
    )


def formula(changed: bool) -> Formula:
    """Of a stage, with the change or without."""
    return Formula(formula={"like": WEIGHT} | ({"bubble_engage": WEIGHT} if changed else {}))


def _score(means: dict[str, np.ndarray], changed: bool, friend: np.ndarray) -> np.ndarray:
    return combined(formula(changed), {task: mean.astype(np.float32) for task, mean in means.items()}, friend)


@dataclass(frozen=True)
class Kept:
    """What comes through at some budget of the early stage."""

    early: np.ndarray
    slate: np.ndarray

    @classmethod
    def of(cls, ledger: Ledger, keep: int) -> "Kept":
        early = top(ledger.rows, keep, ledger.early_score, ledger.retrieved)
        return cls(early, top(ledger.rows, SLATE, ledger.late_score, early))


def _costs(rows: pl.DataFrame, arm: Made) -> pl.DataFrame:
    """Costs that rise with the budget and with what a stage sees."""
    costs = {"retrieval": 4e5, "early": 2.5e6 + 5e5 * ("early" in arm.at), "late": 1e5 * arm.keep}
    return pl.concat(
        [
            rows.head(1).with_columns(measure=pl.lit("macs"), stage=pl.lit(stage), value=pl.lit(value))
            for stage, value in costs.items()
        ]
    )


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
