"""The catalogue of ranker architectures, as data.

A part owns its spec, and these specs would stand beside the networks that they describe if importing torch did not take
seconds: the command line must find a misspelt key before it loads torch. `funnel.models.catalogue` builds them.
"""

from typing import Annotated, Literal

from pydantic import Field

from funnel.spec import Spec

Width = Annotated[int, Field(ge=1)]


class SharedBottomSpec(Spec):
    """One trunk for all tasks and a tower a task (Caruana 1997): what a cheap stage can afford."""

    kind: Literal["shared_bottom"] = "shared_bottom"
    bottom: tuple[Width, ...] = Field((32,), min_length=1)
    """width of each layer of the trunk"""
    tower: tuple[Width, ...] = ()
    """width of each hidden layer of a task's tower; without any the tower is one linear map"""


class MMoESpec(Spec):
    """Multi-gate mixture of experts (Ma et al., KDD 2018): tasks mix shared experts by gates of their own."""

    kind: Literal["mmoe"] = "mmoe"
    experts: int = Field(4, ge=1)
    """experts; at least as many as tasks, up to about eight, is the common advice"""
    expert: tuple[Width, ...] = Field((64, 32), min_length=1)
    """width of each layer of an expert"""
    tower: tuple[Width, ...] = (16,)
    """width of each hidden layer of a task's tower; without any the tower is one linear map"""


ModelSpec = Annotated[SharedBottomSpec | MMoESpec, Field(discriminator="kind")]
"""To add an architecture: one spec here, one file with its network, one line in `funnel.models.catalogue`."""
