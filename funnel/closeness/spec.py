"""Closeness models as data: where the estimate of a friendship's closeness comes from. Imports nothing heavy."""

from typing import Annotated, Literal

from pydantic import Field

from funnel.spec import Spec

CLOSE = 0.2
"""share of friendships that count as close: of some 25 friends five, the innermost circle (Dunbar 1998)"""


class ClosenessBase(Spec):
    """What is asked of every closeness model."""

    @property
    def watches(self) -> bool:
        """Whether it learns from what happened while a bubble was on screen."""
        return isinstance(self, Watching)

    @property
    def cheats(self) -> bool:
        """Whether it reads what nobody can observe: an upper bound and no proposal."""
        return False


class Refreshed(ClosenessBase):
    """A model that is fitted anew as rounds go by, and scored over all friendships in batch."""

    every: int = Field(1, ge=1)
    """rounds between two fits, the scores being stale in between; Meta scores all pairs weekly"""


class Asking(Refreshed):
    """A model that learns from answers of users."""

    answers: int = Field(2_000, ge=1)
    """users asked each time, about one friend each: a tenth of the users of the base world, as a survey that is shown
    to a small random sample would get"""
    noise: float = Field(1.0, ge=0)
    """sd of what an answer adds to the logit of closeness: a little less than the sd of that logit over friendships, so
    that one answer is as dependable as single survey questions are (a reliability of about 0.6)"""
    close: float = Field(CLOSE, gt=0, lt=1)
    """share of friendships that would be called close without noise"""


class Watching(Refreshed):
    """A model that learns from bubble impressions."""

    least: int = Field(100, ge=1)
    """bubble impressions with engagement, and as many without, that it takes to be fitted: with fewer than some ten
    events a coefficient, a logistic regression's are not to be trusted (Peduzzi et al. 1996)"""


class NoneSpec(ClosenessBase):
    """No model: friends stand in random order. As many may show as a bubble as with any model, and nothing is known."""

    kind: Literal["none"] = "none"


class ProxiesSpec(ClosenessBase):
    """A rule of thumb: mutual friends, messages and days since contact, standardised and summed."""

    kind: Literal["proxies"] = "proxies"


class SurveySpec(Asking):
    """A binary model of the answers to a survey on the observables of a friendship (Meta's Friend Bubbles, 2026)."""

    kind: Literal["survey"] = "survey"


class ContextSpec(Watching):
    """A binary model of engagement while a bubble was on screen (Meta's Friend Bubbles, 2026)."""

    kind: Literal["context"] = "context"


class BothSpec(Asking, Watching):
    """The survey's and the context's model, their standardised logits averaged."""

    kind: Literal["both"] = "both"


class LatentSpec(ClosenessBase):
    """The true closeness itself, which no platform has: the upper bound of all models."""

    kind: Literal["latent"] = "latent"

    @property
    def cheats(self) -> bool:
        return True


ClosenessModel = Annotated[
    NoneSpec | ProxiesSpec | SurveySpec | ContextSpec | BothSpec | LatentSpec, Field(discriminator="kind")
]
