"""What every scenario says first, whatever its kind."""

from pydantic import Field

from funnel.patch import Table
from funnel.spec import Spec


class Heading(Spec):
    """Name, question and seeds."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """small letters, digits and underscores; names its folder of results"""
    question: str = Field(min_length=1)
    """what the scenario is to answer, in a sentence"""
    seeds: int = Field(5, ge=1)
    """independent repetitions, for a funnel each in a world of its own; the unit of analysis"""


class BasedHeading(Heading):
    """What a scenario says first that is about a funnel."""

    base: str
    """the base funnel that everything is a patch of, by name"""
    patch: Table = Field(default_factory=dict)
    """a patch of the base; where there are arms, all of them share it"""
