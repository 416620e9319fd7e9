"""A ranking stage: score the candidates, let the best through. Early and late differ by their spec alone."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from funnel.candidates import Candidates, Requests, Step, position_in
from funnel.errors import StageError
from funnel.formula import evaluate, needs_bubble
from funnel.stages.admission import Admission, AdmissionSpec
from funnel.stages.spec import RankSpec
from funnel.training.calibration.base import Calibration, Origins
from funnel.training.ranker import SCORE, Server
from funnel.world.bubbles import Bubbles


class Stage(ABC):
    """Scores candidates and admits some of them."""

    def __init__(self, name: str, admission: Admission):
        self.name, self.admission = name, admission

    @abstractmethod
    def score(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> np.ndarray:
        """float32 (n,): the stage's own score, which its admission sorts by."""

    def __call__(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> Step:
        """The step of this stage.

        Args:
            bubbles: of the same requests.

        Raises:
            StageError: a score is not finite; names stage, request and item.
        """
        start = time.perf_counter()
        own = self.score(requests, candidates, bubbles)
        bad = np.flatnonzero(~np.isfinite(own))
        if len(bad):
            score, item, request = (column[bad[0]] for column in (own, candidates.item, candidates.request))
            raise StageError(
                f"Stage `{self.name}`: scores should be finite. Found {score} for item {item} of request "
                f"{requests.id[request]}."
            )
        scored = candidates.scored(self.admission.score(candidates, own))
        kept = self.admission.kept(scored, self._budget(requests, candidates, bubbles))
        return Step(scored, kept, time.perf_counter() - start)

    def _budget(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> int | np.ndarray:
        bubbled = np.zeros(len(requests), np.int64)
        if self.admission.counts_bubbles:
            carries = bubbles.at(candidates) >= 0
            bubbled = np.bincount(candidates.request[carries], minlength=len(requests))
        return self.admission.budget(requests.user, bubbled)


class Rank(Stage):
    """A trained multi-task ranker and the formula over its tasks."""

    def __init__(
        self,
        name: str,
        spec: RankSpec,
        server: Server,
        bits: Mapping[str, int],
        calibration: Calibration | None = None,
    ):
        """
        Args:
            bits: the bit of each source of the retrieval.
            calibration: corrects the ranker's predictions before anything else reads them.
        """
        super().__init__(name, Admission(spec.admission(), bits, server.observed))
        self.spec, self.server, self.calibration = spec, server, calibration
        self._sees_bubbles = server.needs_bubbles

    @property
    def looks_at_bubbles(self) -> bool:
        """Whether its formula asks which candidates carry a bubble, and the stage can see it."""
        return self._sees_bubbles and any(needs_bubble(task) for task in self.spec.formula)

    def predict(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> dict[str, np.ndarray]:
        """float32 (n,) a task: the ranker's predictions, calibrated if that was asked for.

        Under `SCORE` stands the score of its own, if it has one.
        """
        predicted = self.server.predict(requests, candidates, bubbles if self._sees_bubbles else None)
        if not self.calibration:
            return predicted
        surface = self.server.observed.surface[requests.user[candidates.request]]
        return self.calibration(predicted, Origins(candidates.source, surface))

    def formula(self, predicted: dict[str, np.ndarray], candidates: Candidates, bubbles: Bubbles) -> np.ndarray:
        """float32 (n,): the score of predictions.

        A conditional task counts by the probability that its condition holds. A stage with a feature that tells of
        bubbles sees which candidates carry one; one without it takes its prediction of `bubble`, or, where it makes
        none, counts the task on every candidate. A ranker that was taught a score of its own is not asked for a
        formula.
        """
        if SCORE in predicted:
            return predicted[SCORE]
        return evaluate(self.spec, predicted, bubbles.at(candidates) >= 0 if self.looks_at_bubbles else None)

    def score(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> np.ndarray:
        return self.formula(self.predict(requests, candidates, bubbles), candidates, bubbles)


class Given(Stage):
    """A stage fed with scores from elsewhere: closed forms, or somebody else's model."""

    def __init__(self, name: str, keep: int, pairs: Candidates, items: int):
        """
        Args:
            pairs: every (request, item) that may be asked for, with its score; rows of `requests` as in the run.
            items: size of the corpus.
        """
        super().__init__(name, Admission(AdmissionSpec(keep=keep), {}))
        self.pairs, self.items = pairs.checked(items), items

    def score(self, requests: Requests, candidates: Candidates, bubbles: Bubbles) -> np.ndarray:
        at = position_in(candidates.keys(self.items), self.pairs.keys(self.items))
        if (at < 0).any():
            row = np.flatnonzero(at < 0)[0]
            raise StageError(
                f"Stage `{self.name}`: every candidate should have a given score. Found none for item "
                f"{candidates.item[row]} of request {requests.id[candidates.request[row]]}."
            )
        return self.pairs.score[at]
