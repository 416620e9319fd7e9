"""The ledger: what one arm did with every candidate of one set of requests, beside the truth. Metrics read only this.

Rows are (request, item) pairs: the retrieved pool of the arm and, where retrieval missed them, the items of the oracle
and of an oracle that ignores the change. It is made of plain arrays, so it can be filled from a simulation, from
closed forms or from somebody else's logs.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from funnel.candidates import Candidates
from funnel.metrics.edges import Edges
from funnel.metrics.exposed import Exposed
from funnel.metrics.normal import correlations
from funnel.metrics.shown import Shown
from funnel.tasks import TASK


@dataclass(frozen=True)
class Ledger:
    """R requests and n rows, request-major as in `Candidates`; all row arrays have length n."""

    rows: Candidates
    """the retrieved pool and the oracles' items; `source` is 0 where only an oracle knew the item"""
    oracle: np.ndarray
    """bool (n,): the item is one of the request's oracle set T(r)"""
    retrieved: np.ndarray
    """bool (n,): the arm's retrieval returned it"""
    early: np.ndarray
    """bool (n,): it survived the early stage"""
    granted: np.ndarray
    """bool (n,): it survived the early stage for its source, whatever its score: by a reserved place or a bypass"""
    slate: np.ndarray
    """bool (n,): it survived the late stage and was shown"""
    value: np.ndarray
    """float32 (n,): true value V at the first position, every task included"""
    rest_value: np.ndarray
    """float32 (n,): the same without the tasks that the change adds: what the item was worth before"""
    friend: np.ndarray
    """bool (n,): the item carries a bubble for this user"""
    closeness: np.ndarray
    """float32 (n,): greatest estimated closeness among the friends shown on it; 0 without a bubble"""
    fresh: np.ndarray
    """bool (n,): the item is among the newest tenth of the corpus"""
    small: np.ndarray
    """bool (n,): its creator is among the smaller half of creators by past views"""
    early_score: np.ndarray
    """float32 (n,): what the arm's early stage sorts by, on every row"""
    late_score: np.ndarray
    """float32 (n,): what the arm's late stage would sort by, on every row; fused scores are on the scale of the early
    survivors"""
    reference_score: np.ndarray
    """float32 (n,): score that the formula of the late stage with the change gives, the same judge for all arms"""
    blind_oracle: np.ndarray
    """bool (n,): one of the best n items of the whole corpus by true value without what the change is about: its tasks
    and its terms of the world taken out"""
    oracle_value: np.ndarray
    """float32 (R,): sum of V over T(r), the best n items of the whole corpus"""
    friends: np.ndarray
    """int64 (R,): friends of the user who asks"""
    truth: dict[str, np.ndarray]
    """float32 (n,) a task: true mean at the first position, conditional ones given their condition; nan where that is
    seen not to hold: a task that needs a bubble, on a row without one"""
    predicted: dict[str, dict[str, np.ndarray]]
    """float32 (n,) a task of each ranking stage of the arm: its prediction on every row"""
    labels: dict[str, np.ndarray]
    """float32 (n,) a task: drawn outcome if the row was shown at its place in the slate; nan off the slate and where
    its condition did not hold"""
    keep: int | np.ndarray
    """places of the early stage, those that bypass it included: one number, or int64 (R,)"""
    slate_size: int
    """n, the size of the slate and of the oracle set"""
    edges: Edges | None = None
    """all friendships of the world; None where nobody knows the truth of them"""
    shown: Shown | None = None
    """what the bubbles show; None where only their being there is known"""
    exposed: Exposed | None = None
    """topics and creators; None where items have none that anybody named"""
    surfaces: dict[str, np.ndarray] = field(default_factory=dict)
    """bool (R,) by name of a surface: the requests that are made there, each user's side by side; empty where surfaces
    are not told apart"""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that measures of the slate speak of: all but the controls that no stage predicts."""
        predicted = {task for means in self.predicted.values() for task in means}
        return tuple(task for task in self.truth if task in predicted or not TASK[task].control)

    @cached_property
    def correlations(self) -> np.ndarray:
        """float64 (R,): of the early score with the judge's on a request's pool, by normal scores; nan where unknown.

        Two measures need it, and nothing else that is measured takes as long.
        """
        pool = self.rows.take(self.retrieved)
        return correlations(pool, self.early_score[self.retrieved], self.reference_score[self.retrieved])
