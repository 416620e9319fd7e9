"""The examination: what every arm of a scenario did with the same requests, put beside the truth in a ledger.

An arm is examined on its retrieved pool and, where its retrieval missed them, on the oracle's items, so that every
stage can be asked what it would have done with any of them.
"""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Trace, stacked
from funnel.features import FEATURE
from funnel.metrics.catalogue import rows as measured
from funnel.metrics.deaths import deaths
from funnel.metrics.ledger import Ledger
from funnel.scenario.lab import STAGES, Lab
from funnel.scenario.sheet import Judge, Oracles, Sheet, sheet
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.select import top
from funnel.stages.runner import CHUNK, Funnel
from funnel.stages.spec import RankSpec, ValueFormula
from funnel.traffic.slates import ranked
from funnel.world import oracle
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement

CHECKED = CHUNK
"""requests that are served once more through the whole funnel, to time it and to compare it with the ledger"""
KEPT = 4
"""sheets and predictions of one seed that are held in memory; arms are examined in an order that makes it enough"""


class Exam:
    """All arms of a scenario under one seed."""

    def __init__(self, scenario: Scenario, seed: int, store: Store, device: str = "cpu"):
        self.scenario, self.seed, self.store = scenario, seed, store
        self.labs = {name: Lab(scenario.base, arm, seed, store, device) for name, arm in scenario.arms.items()}
        self._kept: dict[str, Any] = {}

    @property
    def value(self) -> ValueFormula:
        return self.scenario.base.value

    @property
    def size(self) -> int:
        """n, of the slate and of the oracle set."""
        return self.scenario.base.stages.late.keep

    @cached_property
    def blind(self) -> tuple[ValueFormula, frozenset[str]]:
        """The value without what the change is about: its tasks out of the formula, its terms out of the world."""
        change = self.scenario.change
        kept = {task: weight for task, weight in self.value.formula.items() if task not in change.tasks.add}
        signals = frozenset(signal for name in change.features.add if (signal := FEATURE[name].signal))
        return self.value.model_copy(update={"formula": kept}), signals

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        """The thing of this name, made if it is not among the last few."""
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = make()
        return self._kept[key]

    # Pieces

    def oracle_piece(self, lab: Lab) -> Piece:
        """The best items of the whole corpus; the same for all arms of one world."""
        blind, signals = self.blind

        def build(folder: Path) -> None:
            users = lab.requests.user
            best = oracle.top(lab.engagement, self.value, users, self.size)
            unaware = oracle.top(Engagement.of(lab.world, signals), blind, users, self.size)
            np.savez(folder / "oracle.npz", best=best.item, value=best.value, blind=unaware.item)

        recipe = {
            "seed": self.seed,
            "world": lab.world_piece.name,
            "requests": lab.arm.evaluation.requests,
            "value": self.value.table(),
            "blind": [blind.table(), sorted(signals)],
            "size": self.size,
        }
        return Piece("oracle", recipe, build)

    def score_piece(self, lab: Lab, judge: Lab) -> Piece:
        """The scores that the late stage of `judge` gives to the sheet of `lab`."""

        def build(folder: Path) -> None:
            np.save(folder / "score.npy", self._predicted(lab, judge, "late")[1])

        return Piece("score", {"sheet": self._sheet_recipe(lab), "rank": _rank_recipe(judge, "late")}, build)

    def rows_piece(self, name: str) -> Piece:
        """All measures of one arm; not its name, since scenarios share arms that they call differently."""
        lab, judge = self.labs[name], self._judge
        recipe = {
            "sheet": self._sheet_recipe(lab),
            "stages": {stage: _rank_recipe(lab, stage) | {"keep": _spec(lab, stage).keep} for stage in STAGES},
            "judge": _rank_recipe(judge, "late"),
        }
        return Piece("rows", recipe, lambda folder: self._examine(lab, folder))

    @property
    def _judge(self) -> Lab:
        """The arm whose late stage judges what every arm lost: the reference of the verdict."""
        return self.labs[self.scenario.verdict.reference]

    def _sheet_recipe(self, lab: Lab) -> dict:
        oracle_name, retrieval = self.oracle_piece(lab).name, lab.arm.retrieval.table()
        return {"oracle": oracle_name, "towers": lab.arm_towers.name, "retrieval": retrieval}

    # What pieces are made of

    def _sheet(self, lab: Lab) -> Sheet:
        def make() -> Sheet:
            found = self._oracle(lab)
            oracles = Oracles(found["best"], found["blind"])
            judge = Judge(lab.engagement, self.value, self.blind[0])
            return sheet(judge, lab.retrieve, lab.requests, oracles)

        return self._once(f"sheet {json.dumps(self._sheet_recipe(lab))}", make)

    def _oracle(self, lab: Lab) -> dict[str, np.ndarray]:
        with np.load(self.store.ensure(self.oracle_piece(lab)) / "oracle.npz") as arrays:
            return dict(arrays)

    def _predicted(self, lab: Lab, ranker: Lab, stage: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Predictions and score of a stage of `ranker` on the sheet of `lab`."""
        key = json.dumps([self._sheet_recipe(lab), _rank_recipe(ranker, stage)])
        return self._once(key, lambda: self._sheet(lab).predict(ranker.arm_rank(stage), lab.world))

    def ledger(self, lab: Lab) -> Ledger:
        """The ledger of one arm."""
        page, observed, best = self._sheet(lab), lab.world.observed, self._oracle(lab)
        score = {stage: self._predicted(lab, lab, stage)[1] for stage in STAGES}
        early = top(page.rows, _spec(lab, "early").keep, score["early"], among=page.retrieved)
        slate = top(page.rows, _spec(lab, "late").keep, score["late"], among=early)
        by_creator = np.bincount(observed.creator, observed.past_views)
        reference = np.load(self.store.ensure(self.score_piece(lab, self._judge)) / "score.npy")
        return Ledger(
            rows=page.rows,
            oracle=page.oracle,
            blind_oracle=page.blind_oracle,
            retrieved=page.retrieved,
            early=early,
            slate=slate,
            value=page.value,
            rest_value=page.rest_value,
            friend=page.friend,
            closeness=page.closeness,
            fresh=(observed.age <= np.quantile(observed.age, 0.1))[page.rows.item],
            small=(by_creator <= np.median(by_creator))[observed.creator[page.rows.item]],
            early_score=score["early"],
            late_score=score["late"],
            reference_score=reference,
            oracle_value=best["value"].sum(1),
            friends=observed.friend_count[page.requests.user].astype(np.int64),
            truth=page.truth,
            predicted=self._predicted(lab, lab, "late")[0],
            labels=_labels(lab, page, slate, score["late"]),
            keep=_spec(lab, "early").keep,
            slate_size=self.size,
        )

    def _examine(self, lab: Lab, folder: Path) -> None:
        ledger = self.ledger(lab)
        rows, request_rows = measured(ledger, self.seed, "")
        pl.concat([rows, _costs(lab, ledger, self.seed)]).write_parquet(folder / "rows.parquet")
        request_rows.write_parquet(folder / "request_rows.parquet")
        deaths(ledger, self.seed, "", lab.requests).write_parquet(folder / "deaths.parquet")
        (folder / "facts.json").write_text(json.dumps(_facts(lab, ledger)))


def _spec(lab: Lab, stage: str) -> RankSpec:
    return getattr(lab.arm.stages, stage)


def _rank_recipe(lab: Lab, stage: str) -> dict:
    """What decides a stage's scores."""
    spec = _spec(lab, stage)
    return {"ranker": lab.arm_ranker(stage).name, "formula": spec.formula, "combine": spec.combine}


def _labels(lab: Lab, page: Sheet, slate: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """float32 (n,) a task: what came of the slate, each item at its place; nan off the slate."""
    shown = page.rows.scored(score).take(slate)
    slates = ranked(shown)
    users = page.requests.user
    bubbles = join(lab.world.observed, users)
    rows = bubbles.find(slates.request, slates.item)
    friend = lab.engagement.friend_term(bubbles, rows)
    z = lab.engagement.logits(users[slates.request], slates.item, friend, slates.position)
    duration = lab.world.observed.duration[slates.item]
    drawn = lab.engagement.labels(z, duration, rows >= 0, page.requests.id[slates.request], slates.item)
    keys = slates.request * lab.world.items + slates.item
    order = np.argsort(keys)
    labels = {}
    for task, outcome in drawn.items():
        labels[task] = np.full(len(slate), np.nan, np.float32)
        labels[task][slate] = outcome[order]
    return labels


def _costs(lab: Lab, ledger: Ledger, seed: int) -> pl.DataFrame:
    """`schema.ROWS` of what a request costs: multiply-adds and bytes of features read, and parameters, by stage."""
    requests = ledger.rows.requests
    asked = {"early": int(ledger.retrieved.sum()) / requests, "late": int(ledger.early.sum()) / requests}
    costs = [("macs", "retrieval", float(lab.retrieve.macs))]
    for stage in STAGES:
        ranker = lab.arm_rank(stage).server.ranker
        costs.append(("macs", stage, ranker.macs * asked[stage]))
        costs.append(("feature_bytes", stage, ranker.feature_bytes * asked[stage]))
        costs.append(("parameters", stage, float(ranker.parameters)))
    table = pl.DataFrame(costs, schema=["measure", "stage", "value"], orient="row")
    fixed = {"seed": pl.lit(seed, pl.Int64), "arm": pl.lit(""), "slice": pl.lit("all"), "task": pl.lit("")}
    return schema.check(table.with_columns(**fixed, n=pl.lit(requests, pl.Int64)), schema.ROWS, "costs")


def _facts(lab: Lab, ledger: Ledger) -> dict[str, float | None]:
    """What else is worth knowing of the run of one arm; times are measured, so they differ from run to run."""
    log = lab.log(lab.traffic_piece)
    traces = _served(lab)
    served = stacked([trace["late"].after for trace in traces])
    milliseconds = {
        name: 1e3 * sum(trace[name].seconds for trace in traces) / served.requests for name in ("retrieval", *STAGES)
    }
    chosen = ledger.rows.take(ledger.slate)
    return {
        "index_recall": lab.retrieve.recall(lab.requests.user[:CHECKED]),
        "impressions": log.height,
        "bubble_impressions": int((log["bubble_count"] > 0).sum()),
        "explored_share": float(log["explored"].to_numpy().mean()),
        "pool": int(ledger.retrieved.sum()) / ledger.rows.requests,
        "pool_friend_share": float(ledger.friend[ledger.retrieved].mean()),
        "oracle_friend_share": float(ledger.friend[ledger.oracle].mean()),
        **{f"rate_{task}": _mean(log[task]) for task in ledger.truth},
        "ledger_equals_funnel": float(np.array_equal(chosen.slice(0, served.requests).item, served.item)),
        **{f"milliseconds_{name}": value for name, value in milliseconds.items()},
        "served_per_second": 1e3 / sum(milliseconds.values()),
    }


def _mean(column: pl.Series) -> float | None:
    """The mean of what is not null; None if all is."""
    values = column.drop_nulls().to_numpy()
    return float(values.mean()) if len(values) else None


def _served(lab: Lab) -> list[Trace]:
    """The traces of the first requests, served once more through the whole funnel."""
    funnel = Funnel(lab.retrieve, tuple(lab.arm_rank(stage) for stage in STAGES))
    _ = lab.retrieve.index  # built at first use, which should not count as serving
    return [trace for _, _, trace in funnel.serve(lab.requests.slice(0, CHECKED))]
