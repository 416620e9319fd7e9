"""The scenario of kind `task_conflict`: models of about one size on pairs of tasks, from aligned to opposed."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from funnel.errors import unknown
from funnel.models.spec import ModelSpec
from funnel.scenario.heading import Heading
from funnel.training.sinusoids import SinusoidSpec

Correlation = Annotated[float, Field(ge=-1, le=1)]


class ConflictSpec(Heading):
    """Every model is trained on every pair of tasks, by `funnel.training.conflict.task_conflict`."""

    kind: Literal["task_conflict"] = "task_conflict"
    correlations: tuple[Correlation, ...] = (1.0, 0.9, 0.5, 0.0, -0.5, -1.0)
    """cosines of the two tasks' weight vectors"""
    models: dict[str, ModelSpec]
    """the architectures, by name"""
    reference: str
    """the model that the others are held against"""
    law: SinusoidSpec = SinusoidSpec()
    """what the labels follow"""
    steps: int = Field(2000, ge=1)
    """steps of training, each on a fresh batch"""
    batch: int = Field(256, ge=1)
    """rows a step"""
    rate: float = Field(3e-3, gt=0)
    """learning rate of the first step; it falls linearly to zero"""

    @field_validator("correlations")
    @classmethod
    def _several_each_once(cls, correlations: tuple[float, ...]) -> tuple[float, ...]:
        if len(correlations) < 2:
            raise ValueError(f"should hold at least 2 correlations. Found {len(correlations)}.")
        for place, correlation in enumerate(correlations):
            if correlation in correlations[:place]:
                raise ValueError(f"should hold each correlation once. Found {correlation} twice.")
        return correlations

    @field_validator("models")
    @classmethod
    def _several_without_chain(cls, models: dict[str, ModelSpec]) -> dict[str, ModelSpec]:
        if len(models) < 2:
            raise ValueError(f"should hold at least 2 models. Found {len(models)}.")
        for name, model in models.items():
            if model.kind == "esmm":
                raise ValueError(
                    f"should be models of independent tasks. Found `esmm` in `{name}`, and neither task is the other's "
                    "condition. Choose another kind."
                )
        return models

    @field_validator("reference")
    @classmethod
    def _known_reference(cls, reference: str, info: ValidationInfo) -> str:
        models = info.data.get("models")
        if models is not None and reference not in models:
            raise ValueError(unknown(reference, models, "a model of this scenario"))
        return reference
