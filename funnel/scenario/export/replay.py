"""An arm serves the evaluation's requests once more, chunk by chunk, with the numbers that its ledger holds.

Every chunk is asked about the same rows as in the exam, the oracles' items among them: a matrix product over another
batch may round its last bit differently. What only an oracle knew is then left out, since no log has it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from funnel.candidates import Requests
from funnel.scenario.exam import Exam, labels_of, rank_recipe
from funnel.scenario.lab import Lab
from funnel.scenario.selection import Selection, selection
from funnel.scenario.sheet import Asked, Oracles, asked
from funnel.scenario.store import Piece
from funnel.stages.admission import Admission
from funnel.stages.rank import Rank
from funnel.stages.runner import CHUNK
from funnel.stages.spec import STAGES
from funnel.world.bubbles import join


@dataclass(frozen=True)
class Served:
    """What became of the n rows of one chunk; row columns as in `Ledger`."""

    page: Asked
    chosen: Selection
    predicted: dict[str, dict[str, np.ndarray]]
    reference_score: np.ndarray
    labels: dict[str, np.ndarray]
    bubble_count: np.ndarray
    """int64 (n,): friends shown"""


class Replay:
    """One arm of a scenario under one seed."""

    def __init__(self, exam: Exam, arm: str):
        self.exam = exam
        self.lab: Lab = exam.labs[arm]

    @property
    def pieces(self) -> list[Piece]:
        """What must stand in the store, in an order in which whatever a piece needs comes before it."""
        lab, judge = self.lab, self.exam.judge
        return [
            lab.world_piece,
            lab.traffic_piece,
            lab.arm_towers,
            lab.arm_ranker("late"),
            lab.arm_ranker("early"),
            judge.arm_ranker("late"),
            self.exam.oracle_piece(lab),
        ]

    @property
    def requests(self) -> Requests:
        return self.lab.requests

    def chunk(self, start: int) -> Served:
        """The requests from place `start` on, `CHUNK` of them at most."""
        observed, requests = self.lab.world.observed, self.requests.slice(start, start + CHUNK)
        bubbles = join(observed, requests.user)
        page = asked(self.lab.retrieve, requests, bubbles, self._oracles.slice(start, start + CHUNK))
        found = {stage: page.predict(rank, self.lab.world) for stage, rank in self._ranks.items()}
        judged = page.predict(self._judge, self.lab.world) if self._judge else found["late"]
        chosen = selection(page, {stage: score for stage, (_, score) in found.items()}, self._admission)
        return Served(
            page=page,
            chosen=chosen,
            predicted={stage: means for stage, (means, _) in found.items()},
            reference_score=judged[1],
            labels=labels_of(self.lab, page, chosen.slate, chosen.late_score),
            bubble_count=np.append(bubbles.count, 0)[bubbles.at(page.rows)].astype(np.int64),
        )

    @cached_property
    def _oracles(self) -> Oracles:
        return self.exam.oracles(self.lab)

    @cached_property
    def _ranks(self) -> dict[str, Rank]:
        return {stage: self.lab.arm_rank(stage) for stage in STAGES}

    @cached_property
    def _judge(self) -> Rank | None:
        """The late stage that judges what was lost; None where it is the arm's own."""
        judge = self.exam.judge
        same = rank_recipe(judge, "late") == rank_recipe(self.lab, "late")
        return None if same else judge.arm_rank("late", self.lab.world_piece)

    @cached_property
    def _admission(self) -> dict[str, Admission]:
        return {stage: self.lab.admission(stage) for stage in STAGES}
