"""What every scenario says first, whatever its kind."""

from pydantic import Field

from funnel.spec import Spec


class Heading(Spec):
    """Name, question and seeds."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """small letters, digits and underscores; names its folder of results"""
    question: str = Field(min_length=1)
    """what the scenario is to answer, in a sentence"""
    seeds: int = Field(5, ge=1)
    """independent repetitions, for a funnel each in a world of its own; the unit of analysis"""
