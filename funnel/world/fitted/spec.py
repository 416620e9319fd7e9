"""The fitted world as data: where the data is, how tastes are fitted, and what no data tells."""

from typing import Literal

from pydantic import Field, field_validator

from funnel.errors import unknown
from funnel.spec import Spec
from funnel.tasks import channel_laws
from funnel.world.laws import Assumptions, ClosenessSpec, SurfaceSpec


class FactorsSpec(Spec):
    """Implicit matrix factorisation (Hu, Koren and Volinsky 2008), which finds tastes and topics."""

    dims: int = Field(16, ge=2, le=128)
    """dimensions of taste and topic space"""
    regularization: float = Field(10.0, ge=0)
    """weight of the squared length of the factors; from one to fifty rank held-out interactions about equally well on
    public data (hetrec2011-lastfm, movielens-100k)"""
    iterations: int = Field(15, ge=1)
    """rounds of alternating least squares; the loss of a fit of this size changes little after ten"""
    confidence: float = Field(10.0, ge=0)
    """confidence that an interaction of median weight brings beyond that of a pair without one, which is one"""


class FittedSpec(Assumptions):
    """A world fitted to a folder of interactions and, if there are some, friendships."""

    kind: Literal["fitted"] = "fitted"
    source: str = Field(min_length=1)
    """the folder; paths are seen from where the command runs"""
    lenient: bool = False
    """whether rows that break the contract are dropped and counted, instead of being errors"""
    users: int | None = Field(None, ge=2)
    """at most so many users, a sample of those in the data; all if not given"""
    items: int | None = Field(None, ge=10)
    """at most so many items, the most popular ones; all if not given"""
    factors: FactorsSpec = FactorsSpec()
    """how tastes and topics are fitted"""
    neighbours: int = Field(10, ge=1)
    """where the data has no friendships: users of nearest taste that each user names as friends"""
    friends: ClosenessSpec = ClosenessSpec()
    """closeness and its proxies, which public data does not tell"""
    rates: dict[str, float] = Field(default_factory=dict)
    """mean probability of channels over pairs of user and item that meet by activity and popularity, without a bubble
    and at the first position; the `base` of each one's law is solved for. Channels not named keep theirs"""

    @field_validator("surfaces")
    @classmethod
    def _one_surface(cls, surfaces: dict[str, SurfaceSpec]) -> dict[str, SurfaceSpec]:
        if surfaces:
            named = ", ".join(f"`{name}`" for name in surfaces)
            raise ValueError(
                f"should be empty, since no data that is read says where anything happened. Found {named}. Take them "
                "out, or choose a synthetic world."
            )
        return surfaces

    @field_validator("rates")
    @classmethod
    def _channels(cls, rates: dict[str, float]) -> dict[str, float]:
        known = channel_laws()
        problems = [unknown(name, known, "a channel") for name in rates if name not in known]
        problems += [
            f"The rate of `{name}` should be between 0 and 1, without either. Found {rate:g}."
            for name, rate in rates.items()
            if not 0 < rate < 1
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return rates
