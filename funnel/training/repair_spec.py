"""Repairs of a funnel by training, as data: what an early stage may learn from beside its own labels. No torch here.

All of them learn from *logged candidates*: the impressions of a request and the sampled ones that its stages cut.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from funnel.errors import unknown
from funnel.features import FEATURE
from funnel.spec import Spec

Share = Annotated[float, Field(gt=0, lt=1)]
Stage = Literal["early", "late"]


class TeachingSpec(Spec):
    """What all ways of learning from a teacher have in common."""

    kind: str
    """its name"""
    weight: float = Field(1.0, gt=0)
    """what the loss on the teacher counts beside the task losses"""


class PointwiseSpec(TeachingSpec):
    """Squared error of each candidate's score against the teacher's, standardised over the log."""

    kind: Literal["pointwise"] = "pointwise"


class ListwiseSpec(TeachingSpec):
    """Divergence of two softmaxes over a request's candidates, the teacher's and the student's."""

    kind: Literal["listwise"] = "listwise"
    temperature: float = Field(0.5, gt=0)
    """divides both scores, in standard deviations of the teacher's; small looks at the top alone"""


class PairwiseSpec(TeachingSpec):
    """Logistic loss on every pair of a request's candidates that the teacher tells apart; all pairs weigh the same."""

    kind: Literal["pairwise"] = "pairwise"


class PSelectSpec(TeachingSpec):
    """Cross-entropy against whether the teacher puts the candidate among the best of its request."""

    kind: Literal["pselect"] = "pselect"
    share: Share = 0.25
    """of a request's logged candidates that the teacher selects; of some twenty the five best"""


DistilSpec = Annotated[PointwiseSpec | ListwiseSpec | PairwiseSpec | PSelectSpec, Field(discriminator="kind")]
"""How the early stage learns the late stage's score; the score of its own that it learns is what it then sorts by."""


class PrivilegedSpec(Spec):
    """Soft labels by a ranker of the same tasks that reads more than the stage can afford (Xu et al., KDD 2020)."""

    weight: float = Field(1.0, ge=0)
    """what the loss against the teacher's probabilities counts beside the loss against the labels"""
    features: tuple[str, ...] | None = None
    """what the teacher reads beyond the stage's own features; all that the late stage reads if not given"""

    @field_validator("features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        strange = [unknown(name, FEATURE, "a feature") for name in names or () if name not in FEATURE]
        if strange:
            raise ValueError(" ".join(strange))
        return names


class CascadeSpec(Spec):
    """Both ranking stages trained in one optimisation, with a loss on the survival of good candidates through both."""

    weight: float = Field(0.1, gt=0)
    """what the survival loss counts beside the task losses of both stages; with 1 it bends the late predictions of rare
    tasks that the formula weighs heavily, as hides"""
    early: Share = 0.5
    """of a request's logged candidates that the early stage lets through; far more than of the pool, since the log
    holds most of what survived and a small sample of what did not"""
    late: Share = 0.5
    """of a request's impressions that the late stage lets through"""
    temperature: float = Field(0.5, gt=0)
    """width of the border between in and out, in standard deviations of the scores of a request"""
