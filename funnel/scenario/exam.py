"""The examination: what every arm of a scenario did with the same requests, put beside the truth in a ledger.

An arm is examined on its retrieved pool and, where its retrieval missed them, on the oracle's items, so that every
stage can be asked what it would have done with any of them.
"""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from funnel.candidates import Requests
from funnel.features import FEATURE
from funnel.metrics.catalogue import rows as measured
from funnel.metrics.deaths import deaths
from funnel.metrics.keep_curve import budgets, keep_curve
from funnel.metrics.ledger import Ledger
from funnel.metrics.shown import Shown
from funnel.scenario.edges import edges_of
from funnel.scenario.exposed import exposed_of
from funnel.scenario.facts import costs, facts
from funnel.scenario.lab import Lab
from funnel.scenario.memory import Memory
from funnel.scenario.samples import FIRST, write_sample
from funnel.scenario.selection import Selection, selection
from funnel.scenario.sheet import Asked, Judge, Oracles, Sheet, sheet
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import STAGES, ValueFormula
from funnel.tasks import TASKS
from funnel.traffic.log import impressions
from funnel.traffic.slates import ranked
from funnel.world import oracle
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement


class Exam:
    """All arms of a scenario under one seed."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        store: Store,
        device: str = "cpu",
        memory: Memory | None = None,
        before: "Exam | None" = None,
    ):
        """
        Args:
            memory: what is shared with other exams under this seed: of points of a sweep, or of rounds.
            before: the exam of the round before; None in the first.
        """
        self.scenario, self.seed, self.store, self.memory = scenario, seed, store, memory or Memory()
        self.labs: dict[str, Lab] = {
            name: Lab(scenario.base, arm, seed, store, device, self.memory, before.labs[name] if before else None)
            for name, arm in scenario.arms.items()
        }

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
            "round": lab.round,
            "value": self.value.table(),
            "blind": [blind.table(), sorted(signals)],
            "size": self.size,
        }
        return Piece("oracle", recipe, build)

    def score_piece(self, lab: Lab) -> Piece:
        """The scores that the judge's late stage gives to the sheet of `lab`."""

        def build(folder: Path) -> None:
            np.save(folder / "score.npy", self._predicted(lab, self.judge, "late")[1])

        return Piece("score", {"sheet": self._sheet_recipe(lab), "rank": rank_recipe(self.judge, "late")}, build)

    def rows_piece(self, name: str) -> Piece:
        """All measures of one arm; not its name, since scenarios share arms that they call differently."""
        lab = self.labs[name]
        recipe = self.look(name) | {"budgets": self._budgets(lab)}
        return Piece("rows", recipe, lambda folder: self._examine(lab, folder))

    def look(self, name: str) -> dict:
        """What decides the ledger of an arm."""
        lab = self.labs[name]
        return {
            "sheet": self._sheet_recipe(lab),
            "stages": {stage: rank_recipe(lab, stage) for stage in STAGES},
            "admission": {stage: lab.arm.stages.named(stage).admission().table() for stage in STAGES},
            "judge": rank_recipe(self.judge, "late"),
        }

    def _budgets(self, lab: Lab) -> list[int]:
        """Where the arm's curve over early budgets has points: around the proposal's budget, and at its own."""
        proposal = self.scenario.arms[self.scenario.verdict.proposal]
        around = budgets(proposal.stages.early.keep, self.size, proposal.retrieval.budget)
        return sorted({*around, lab.arm.stages.early.keep})

    def company(self, name: str) -> str:
        """What an arm shares with those that it is best examined with: the sheet, and the late ranker."""
        lab = self.labs[name]
        return json.dumps([self._sheet_recipe(lab), lab.arm_ranker("late").name])

    @property
    def judge(self) -> Lab:
        """The arm whose late stage judges what every arm lost: the reference of the verdict."""
        return self.labs[self.scenario.verdict.reference]

    def _sheet_recipe(self, lab: Lab) -> dict:
        oracle_name, retrieval = self.oracle_piece(lab).name, lab.arm.retrieval.table()
        return {"oracle": oracle_name, "towers": lab.arm_towers.name, "retrieval": retrieval}

    # What pieces are made of

    def _sheet(self, lab: Lab) -> Sheet:
        def make() -> Sheet:
            judge = Judge(lab.engagement, self.value, self.blind[0])
            return sheet(judge, lab.retrieve, lab.requests, self.oracles(lab))

        return self.memory.once("sheet", json.dumps(self._sheet_recipe(lab)), make)

    def oracles(self, lab: Lab) -> Oracles:
        """The best items of every request, by both truths."""
        found = self._oracle(lab)
        return Oracles(found["best"], found["blind"])

    def _oracle(self, lab: Lab) -> dict[str, np.ndarray]:
        with np.load(self.store.ensure(self.oracle_piece(lab)) / "oracle.npz") as arrays:
            return dict(arrays)

    def _predicted(self, lab: Lab, ranker: Lab, stage: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Predictions and score of a stage of `ranker` on the sheet of `lab`, in whose scene it is asked."""

        def make() -> tuple[dict[str, np.ndarray], np.ndarray]:
            return self._sheet(lab).predict(ranker.arm_rank(stage, lab.world_piece), lab.world)

        return self.memory.once("predicted", json.dumps([self._sheet_recipe(lab), rank_recipe(ranker, stage)]), make)

    def selection(self, lab: Lab, keep: int | None = None) -> Selection:
        """What one arm lets through; with `keep`, what it would at another early budget, nothing trained anew."""
        admission = {stage: lab.admission(stage) for stage in STAGES}
        if keep is not None:
            admission["early"] = admission["early"].at(keep)
        own = {stage: self._predicted(lab, lab, stage)[1] for stage in STAGES}
        return selection(self._sheet(lab), own, admission)

    def ledger(self, lab: Lab) -> Ledger:
        """The ledger of one arm."""
        page, observed, best = self._sheet(lab), lab.world.observed, self._oracle(lab)
        chosen = self.selection(lab)
        predicted = {stage: self._predicted(lab, lab, stage)[0] for stage in STAGES}
        reference = np.load(self.store.ensure(self.score_piece(lab)) / "score.npy")
        return Ledger(
            rows=page.rows,
            oracle=page.oracle,
            blind_oracle=page.blind_oracle,
            retrieved=page.retrieved,
            early=chosen.early,
            granted=chosen.granted,
            slate=chosen.slate,
            value=page.value,
            rest_value=page.rest_value,
            friend=page.friend,
            closeness=page.closeness,
            fresh=observed.fresh[page.rows.item],
            small=observed.small[page.rows.item],
            early_score=chosen.early_score,
            late_score=chosen.late_score,
            reference_score=reference,
            oracle_value=best["value"].sum(1),
            friends=observed.friend_count[page.requests.user].astype(np.int64),
            truth=page.truth,
            predicted=predicted,
            labels=labels_of(lab, page, chosen.slate, chosen.late_score),
            keep=chosen.keep,
            slate_size=self.size,
            edges=edges_of(lab),
            shown=Shown(page.count, page.expressive),
            exposed=exposed_of(lab, page.rows),
            surfaces=surfaces_of(lab, page.requests),
        )

    def _examine(self, lab: Lab, folder: Path) -> None:
        ledger = self.ledger(lab)
        rows, request_rows = measured(ledger, self.seed, "")
        pl.concat([rows, costs(lab, ledger, self.seed)]).write_parquet(folder / "rows.parquet")
        request_rows.write_parquet(folder / "request_rows.parquet")
        deaths(ledger, self.seed, "", lab.requests).write_parquet(folder / "deaths.parquet")
        chosen = {keep: self.selection(lab, keep) for keep in self._budgets(lab)}
        keep_curve(ledger, chosen, self.seed).write_parquet(folder / "keep_curve.parquet")
        if self.seed == FIRST:
            write_sample(lab, ledger, folder)
        (folder / "facts.json").write_text(json.dumps(facts(lab, ledger)))


def surfaces_of(lab: Lab, requests: Requests) -> dict[str, np.ndarray]:
    """bool (R,) by name of a surface: the requests that are made there."""
    asked = lab.world.observed.surface[requests.user]
    return {name: asked == place for place, name in enumerate(lab.arm.world.surfaces)}


def rank_recipe(lab: Lab, stage: str) -> dict:
    """What decides the scores of a stage's formula."""
    spec = lab.arm.stages.named(stage)
    serving = {"calibration": spec.calibration, "missing": list(spec.missing), "stale": lab.arm.retrieval.stale}
    return {"ranker": lab.arm_ranker(stage).name, "formula": spec.formula, "combine": spec.combine, **serving}


def labels_of(lab: Lab, page: Asked, slate: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """float32 (n,) a task: what came of the slate, each item at its place; nan off the slate."""
    slates = ranked(page.rows.scored(score).take(slate))
    log = impressions(lab.engagement, page.requests, slates, join(lab.world.observed, page.requests.user))
    # The log is in the order of the slate; ledger rows are in the order of items.
    order = np.lexsort((slates.item, slates.request))
    labels = {}
    for task in TASKS:
        labels[task.name] = np.full(len(slate), np.nan, np.float32)
        labels[task.name][slate] = log[task.name].fill_null(np.nan).to_numpy()[order]
    return labels
