"""A calibration as it is written: what is known of a real funnel, and what may be moved to come near it."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from funnel.patch import Table
from funnel.spec import Spec

Number = Annotated[float, Field(allow_inf_nan=False)]


class TargetSpec(Spec):
    """One aggregate of a real funnel."""

    value: Number
    """what the measure should be, in the measure's unit"""
    tolerance: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """how far off still counts as met, in the same unit"""
    source: str = ""
    """where the number comes from, in a sentence; the base that is written repeats it"""


class RangeSpec(Spec):
    """How far one knob may be turned."""

    low: Number
    high: Number
    log: bool = False
    """whether the knob is searched by its logarithm: for what spans orders of magnitude"""

    @model_validator(mode="after")
    def _a_range(self):
        if self.low >= self.high:
            raise ValueError(f"`low` should be below `high`. Found {self.low:g} and {self.high:g}.")
        if self.log and self.low <= 0:
            raise ValueError(f"`low` should be above 0 where `log` is said. Found {self.low:g}.")
        return self


class GeometrySpec(Spec):
    """Budgets of the funnel. They are known, so they are set and not searched."""

    retrieved: int | None = Field(None, ge=1)
    """sum of the sources' budgets, which keep their proportions. The pool is smaller: sources overlap, and few users
    have as many friend items as that source may bring"""
    early: int | None = Field(None, ge=1)
    """`stages.early.keep`"""
    late: int | None = Field(None, ge=1)
    """`stages.late.keep`, the slate"""


class CalibrationSpec(Spec):
    """A file of targets."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """small letters, digits and underscores; names the base that is written"""
    base: str
    """the base that it starts from, by name"""
    patch: Table = Field(default_factory=dict)
    """of that base, before anything else: tasks that the real funnel predicts, and the like"""
    geometry: GeometrySpec = GeometrySpec()
    targets: dict[str, TargetSpec]
    """by measure, stage, slice and task with dots between them, as in `share.early.friend` or `label.late.like`"""
    knobs: dict[str, RangeSpec] = Field(default_factory=dict)
    """by path, as in `world.engagement.taste`; those of the catalogue that move a target if none is given"""
    size: Table = Field(default_factory=dict)
    """a patch for the trials alone, which makes them cheap; what is found is checked without it"""
    trials: int = Field(80, ge=1)
    """funnels that are tried"""
    between: int = Field(20, ge=1)
    """trials between two checks at full size of the best so far, which tell the trials what their size costs them; not
    a share of all trials, so that a search that is given more goes on from those that it has"""
    seeds: int = Field(1, ge=1)
    """worlds of a trial"""
    checks: int = Field(2, ge=1)
    """worlds of a check at full size"""
    seed: int = Field(0, ge=0)
    """of the search itself"""

    @field_validator("targets")
    @classmethod
    def _some(cls, targets: dict[str, TargetSpec]) -> dict[str, TargetSpec]:
        if not targets:
            raise ValueError("should name at least one measure. Found none.")
        return targets
