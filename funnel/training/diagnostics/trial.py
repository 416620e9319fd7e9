"""One set of rows on which a ranker and everything that it is compared with are fitted and judged."""

from dataclasses import dataclass

import numpy as np

from funnel.training.batches import Rows, held_out
from funnel.training.ranker import Ranker, fit_ranker
from funnel.training.record import Recorder
from funnel.training.spec import RankerSpec

Value = tuple[str, str, str, str, float | None, float]
"""measure, task, other, part, step, value: the last columns of `schema.DIAGNOSTICS`"""

Losses = dict[str, float]
"""held-out loss by task; NaN where no held-out row has a label"""


@dataclass(frozen=True)
class Trial:
    """Rows with the labels of a ranker's tasks; fits of the same requests, so their losses can be compared."""

    spec: RankerSpec
    """the ranker under examination, with held-out requests"""
    data: Rows
    columns: dict[str, int]
    """columns of each feature, in the order of the input row"""
    seed: int
    device: str = "cpu"

    def fit(self, spec: RankerSpec, recorder: Recorder | None = None) -> Ranker:
        """A ranker of some or all of the tasks."""
        places = [self.spec.tasks.index(task) for task in spec.tasks]
        data = self.data if spec.tasks == self.spec.tasks else self.data.tasks(places)
        return fit_ranker(spec, data, self.columns, self.seed, self.device, recorder)

    def losses(self, spec: RankerSpec) -> Losses:
        """Held-out losses of a ranker that is fitted for this only."""
        return kept_losses(self.fit(spec))

    @property
    def steps(self) -> int:
        """Training steps of the ranker under examination, at most."""
        train = self.spec.train
        return train.epochs * -(-int((~self._aside).sum()) // train.batch)

    def held_out(self) -> Rows:
        """The rows that no fit has seen."""
        return self.data.take(self._aside)

    @property
    def _aside(self) -> np.ndarray:
        return held_out(self.data.request, self.spec.train.held_out, self.seed)


def kept_losses(ranker: Ranker) -> Losses:
    """Held-out loss of each task at the epoch whose weights were kept."""
    return dict(zip(ranker.spec.tasks, ranker.held_out_curve[ranker.kept_epoch].tolist(), strict=True))


def improvement(before: float, after: float) -> float:
    """How much a loss fell, as a share of what it was."""
    return (before - after) / before
