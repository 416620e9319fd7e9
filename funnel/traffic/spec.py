"""Traffic as data: how much of it there was, how much of it explored, and how it goes on."""

from typing import Literal

from pydantic import Field

from funnel.spec import Spec


class TrafficSpec(Spec):
    """Two rounds of logged traffic; the second is what every arm is trained on."""

    bootstrap_requests: int = Field(10_000, ge=1)
    """requests of round 0, served without any model"""
    neighbours: int = Field(200, ge=1)
    """round 0 draws its near items from this many, nearest by content"""
    popular: float = Field(0.5, gt=0, lt=1)
    """share of round 0's slots that go to popularity, the rest to near items"""
    requests: int = Field(20_000, ge=1)
    """requests of round 1, served by the baseline funnel; ten impressions each"""
    exploration: float = Field(0.05, ge=0, lt=1)
    """share of round 1's slots that show a random candidate of the pool instead of the ranked one; production systems
    keep it small since it costs engagement"""
    cuts: int = Field(5, ge=0)
    """cut candidates a request and stage that the stage log samples"""


class LoopSpec(Spec):
    """The rounds after the first, in which each arm serves its own traffic and is trained on what came of it."""

    requests: int = Field(6_000, ge=1)
    """requests that an arm's funnel serves a round; ten impressions each"""
    window: int = Field(2, ge=1)
    """rounds whose logs models are trained on, the newest ones; as many as there are in the first rounds"""
    start: Literal["cold", "warm"] = "cold"
    """whether training starts from drawn weights, or goes on from the round before where the model is the same"""
