"""The catalogue of ranker architectures, as data.

A part owns its spec, and these specs would stand beside the networks that they describe if importing torch did not take
seconds: the command line must find a misspelt key before it loads torch. `funnel.models.catalogue` builds them.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from funnel.errors import unknown
from funnel.spec import Spec

Width = Annotated[int, Field(ge=1)]
Trunk = Annotated[tuple[Width, ...], Field(min_length=1)]
Tower = tuple[Width, ...]
"""width of each hidden layer of a task's tower; without any the tower is one linear map"""


class NetworkSpec(Spec, ABC):
    """What comparisons ask of every architecture."""

    kind: str
    """its name"""

    @property
    def shares(self) -> bool:
        """Whether tasks share parameters."""
        return True

    @abstractmethod
    def alone(self) -> "SingleTaskSpec":
        """The single-task network of the same widths, which transfer is measured against."""

    def fewer(self) -> Self | None:
        """Itself with one expert less; None where there is none to drop."""
        return None


class SingleTaskSpec(NetworkSpec):
    """A trunk and a tower a task, nothing shared: the ground truth for transfer."""

    kind: Literal["single_task"] = "single_task"
    trunk: Trunk = (32,)
    """width of each layer of a task's trunk"""
    tower: Tower = ()

    @property
    def shares(self) -> bool:
        return False

    def alone(self) -> "SingleTaskSpec":
        return self


class BottomSpec(NetworkSpec):
    """One trunk for all tasks and a tower a task."""

    bottom: Trunk = (32,)
    """width of each layer that all tasks share"""
    tower: Tower = ()

    def alone(self) -> SingleTaskSpec:
        return SingleTaskSpec(trunk=self.bottom, tower=self.tower)


class SharedBottomSpec(BottomSpec):
    """Hard parameter sharing (Caruana 1997): what a cheap stage can afford."""

    kind: Literal["shared_bottom"] = "shared_bottom"


class ESMMSpec(BottomSpec):
    """Entire-space model (Ma et al., SIGIR 2018): a conditional task learns from all rows, through its chain.

    The first shared layer takes the place of the paper's embeddings.
    """

    kind: Literal["esmm"] = "esmm"
    tower: Tower = (16,)


class MMoESpec(NetworkSpec):
    """Multi-gate mixture of experts (Ma et al., KDD 2018): tasks mix shared experts by gates of their own."""

    kind: Literal["mmoe"] = "mmoe"
    experts: int = Field(4, ge=1)
    """experts; at least as many as tasks, up to about eight, is the common advice"""
    expert: Trunk = (64, 32)
    """width of each layer of an expert"""
    tower: Tower = (16,)

    def alone(self) -> SingleTaskSpec:
        return SingleTaskSpec(trunk=self.expert, tower=self.tower)

    def fewer(self) -> Self | None:
        return self.model_copy(update={"experts": self.experts - 1}) if self.experts > 1 else None


class PLESpec(NetworkSpec):
    """Progressive layered extraction (Tang et al., RecSys 2020): layers of shared experts and of experts of a task."""

    kind: Literal["ple"] = "ple"
    layers: int = Field(2, ge=1)
    """extraction layers; with one it is customised gate control (CGC)"""
    shared: int = Field(2, ge=0)
    """experts of a layer that all tasks mix; without any the tasks do not meet"""
    private: int = Field(1, ge=0)
    """experts of a layer that belong to one task, for each task"""
    expert: Trunk = (32,)
    """width of each layer of an expert; the same in all extraction layers"""
    tower: Tower = (16,)

    @model_validator(mode="after")
    def _some_expert(self) -> Self:
        if self.shared + self.private == 0:
            raise ValueError("should give each task an expert. Found shared = 0 and private = 0. Raise one of them.")
        return self

    @property
    def shares(self) -> bool:
        return self.shared > 0

    def alone(self) -> SingleTaskSpec:
        return SingleTaskSpec(trunk=self.expert * self.layers, tower=self.tower)

    def fewer(self) -> Self | None:
        """One shared expert less, or else one private expert of every task; what tasks share is not cut off."""
        if self.shared > 1:
            return self.model_copy(update={"shared": self.shared - 1})
        if self.shared + self.private > 1:
            return self.model_copy(update={"private": self.private - 1})
        return None


class TowerTreeSpec(NetworkSpec):
    """Surfaces as tasks: experts for all surfaces and for one, and a tree of towers for each (Pinterest, 2026)."""

    kind: Literal["tower_tree"] = "tower_tree"
    surfaces: tuple[str, ...] = Field(min_length=1)
    """those of the world, in its order"""
    shared: int = Field(3, ge=0)
    """experts that all surfaces mix; without any the surfaces do not meet, as if each had a model of its own"""
    private: int = Field(1, ge=0)
    """experts that belong to one surface, for each surface"""
    expert: Trunk = (64, 32)
    """width of each layer of an expert"""
    trunk: Tower = ()
    """width of each layer between the mixtures of a surface and its towers, which all of its tasks share"""
    tower: Tower = (16,)
    fusion: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """by surface: features that skip the experts and enter the towers of this surface alone"""

    @model_validator(mode="after")
    def _grown(self) -> Self:
        strange = [name for name in self.fusion if name not in self.surfaces]
        problems = [f"fusion: {unknown(name, self.surfaces, 'a surface of the model')}" for name in strange]
        if len(set(self.surfaces)) < len(self.surfaces):
            problems.append(f"surfaces should be named once each. Found {', '.join(self.surfaces)}.")
        if self.shared + self.private == 0:
            problems.append("should give each surface an expert. Found shared = 0 and private = 0. Raise one of them.")
        if problems:
            raise ValueError(" ".join(problems))
        return self

    @property
    def fused(self) -> tuple[str, ...]:
        """The features that enter the towers of a surface, each once."""
        return tuple(dict.fromkeys(feature for features in self.fusion.values() for feature in features))

    def only(self, surface: str) -> Self:
        """Itself with one of its surfaces alone."""
        fusion = {surface: self.fusion[surface]} if surface in self.fusion else {}
        return self.model_copy(update={"surfaces": (surface,), "fusion": fusion})

    def alone(self) -> SingleTaskSpec:
        return SingleTaskSpec(trunk=(*self.expert, *self.trunk), tower=self.tower)

    def fewer(self) -> Self | None:
        """One shared expert less, or else one private expert of every surface; what surfaces share is not cut off."""
        if self.shared > 1:
            return self.model_copy(update={"shared": self.shared - 1})
        if self.shared + self.private > 1 and self.private:
            return self.model_copy(update={"private": self.private - 1})
        return None


ModelSpec = Annotated[
    SingleTaskSpec | SharedBottomSpec | ESMMSpec | MMoESpec | PLESpec | TowerTreeSpec,
    Field(discriminator="kind"),
]
"""To add an architecture: one spec here, one file with its network, one line in `funnel.models.catalogue`."""
