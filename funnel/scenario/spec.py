"""The scenario language: one base, one change under review, arms that apply it, and the question they answer.

`ScenarioSpec` is a scenario as written, by name and by patch. `funnel.scenario.resolve` turns it into a `Scenario`: one
full `FunnelSpec` an arm, checked as a whole, which is all that a run needs.
"""

from collections.abc import Collection
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from funnel.errors import unknown
from funnel.features import FEATURE
from funnel.patch import Table
from funnel.scenario.axes import AxisSpec, misplaced
from funnel.scenario.heading import BasedHeading
from funnel.spec import Spec
from funnel.stages.spec import STAGES, FunnelSpec
from funnel.tasks import TASK


class ListPatch(Spec):
    """What is added to a list of names, and what is taken out."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class WeightPatch(Spec):
    """Weights by task, new or changed, and tasks whose weight is taken out."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    remove: tuple[str, ...] = ()

    @property
    def weights(self) -> dict[str, float]:
        return dict(self.__pydantic_extra__)


class Change(Spec):
    """What the proposal changes in a ranking stage; the arms say at which."""

    features: ListPatch = ListPatch()
    """observables that its ranker reads"""
    tasks: ListPatch = ListPatch()
    """targets that its ranker predicts"""
    formula: WeightPatch = WeightPatch()
    """weights of its formula"""

    @field_validator("features")
    @classmethod
    def _known_features(cls, patch: ListPatch) -> ListPatch:
        return _known(patch, (*patch.add, *patch.remove), FEATURE, "a feature")

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, patch: ListPatch) -> ListPatch:
        return _known(patch, (*patch.add, *patch.remove), TASK, "a task")

    @field_validator("formula")
    @classmethod
    def _known_weights(cls, patch: WeightPatch) -> WeightPatch:
        return _known(patch, (*patch.weights, *patch.remove), TASK, "a task")


class ArmSpec(Spec):
    """One variant of the base: the change at some stages, and any further patch of the funnel by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    at: tuple[str, ...] = ()
    """ranking stages that get the change"""
    then: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    """by round: the ranking stages that have the change from then on; how a change is rolled out"""
    unpaired: bool = False
    """whether the arm may live in a world of its own; differences to other arms are then not paired"""
    control: str | None = None
    """the arm that keeps this one honest: the same budget or the same compute, without what is to be credited"""

    @field_validator("at")
    @classmethod
    def _stages(cls, at: tuple[str, ...]) -> tuple[str, ...]:
        for place, stage in enumerate(at):
            if stage in at[:place]:
                raise ValueError(f"should name each stage once. Found `{stage}` twice.")
        return _known(at, at, STAGES, "a ranking stage")

    @field_validator("then")
    @classmethod
    def _stages_of_rounds(cls, then: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
        for stages in then.values():
            cls._stages(stages)
        return then

    @property
    def patch(self) -> Table:
        """The patch of the funnel."""
        return dict(self.__pydantic_extra__)


class Margin(Spec):
    """How much counts as nothing; set before the run."""

    lost: float = Field(0.02, gt=0, lt=1)
    """share of the reference's top candidates that an arm may cut"""
    value: float = Field(0.01, gt=0, lt=1)
    """true value of the slate that may be forgone, relative to the reference"""


class VerdictSpec(Spec):
    """Which arms the verdict compares."""

    proposal: str
    """the arm under review"""
    reference: str
    """the arm that it is held against: the change wherever it could help"""
    baseline: str
    """the arm without the change"""
    margin: Margin = Margin()

    @property
    def roles(self) -> dict[str, str]:
        """The three arms by their role."""
        return {"proposal": self.proposal, "reference": self.reference, "baseline": self.baseline}


class ScenarioSpec(BasedHeading):
    """A scenario as it is written."""

    kind: Literal["funnel"] = "funnel"
    every: Table = Field(default_factory=dict)
    """a patch that all arms share and the base does not: the funnel that serves the traffic stays as it is"""
    change: Change = Change()
    arms: dict[str, ArmSpec]
    verdict: VerdictSpec
    rounds: int = Field(1, ge=1)
    """rounds of a feedback loop: in the first all arms are trained on the log of the base, in each further one on what
    they have served themselves"""
    contrasts: dict[str, dict[str, float]] = Field(default_factory=dict)
    """by name: a weight for each of some arms, whose weighted sum is told with its interval, such as an interaction"""
    diagnostics: bool = False
    """whether the report also tells what multi-task training did to each task"""
    frontier: tuple[str, str] | None = None
    """two tasks between which the diagnostics draw Pareto frontiers"""
    null: bool = False
    """whether no arm is expected to differ from another; the report then counts how often an interval says so"""
    sweep: dict[str, AxisSpec] = Field(default_factory=dict)
    """one axis or two, by name, through whose values the scenario is moved; without one it is a single scenario"""

    @field_validator("sweep")
    @classmethod
    def _axes(cls, sweep: dict[str, AxisSpec]) -> dict[str, AxisSpec]:
        if problems := misplaced(sweep, cls.model_fields):
            raise ValueError(" ".join(problems))
        return sweep

    @field_validator("contrasts")
    @classmethod
    def _between_arms(cls, contrasts: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        if bare := [name for name, weights in contrasts.items() if len(weights) < 2]:
            raise ValueError(f"`{bare[0]}` should weigh two arms at least. Found {len(contrasts[bare[0]])}.")
        return contrasts

    @field_validator("frontier")
    @classmethod
    def _two_tasks(cls, tasks: tuple[str, str] | None) -> tuple[str, str] | None:
        if tasks and tasks[0] == tasks[1]:
            raise ValueError(f"should name two different tasks. Found `{tasks[0]}` twice.")
        return _known(tasks, tasks or (), TASK, "a task")


class Origin(Spec):
    """Where the base of a resolved scenario comes from."""

    name: str
    """of the base's file"""
    changes: Table = Field(default_factory=dict)
    """the patch that turns it into the base: the scenario's own, a preset's and what the user assigned"""


class Scenario(Spec):
    """A scenario resolved: nothing is left to look up, and every arm is a full funnel."""

    name: str
    question: str
    seeds: int
    base: FunnelSpec
    """the funnel that serves the traffic all arms are trained on"""
    origin: Origin
    change: Change
    arms: dict[str, FunnelSpec]
    """in the order of the file"""
    at: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """by arm: the ranking stages that got the change"""
    controls: dict[str, str] = Field(default_factory=dict)
    """by arm, where it names one: the arm that keeps it honest"""
    verdict: VerdictSpec
    contrasts: dict[str, dict[str, float]] = Field(default_factory=dict)
    diagnostics: bool = False
    frontier: tuple[str, str] | None = None
    null: bool = False

    def without(self, arms: Collection[str]) -> "Scenario":
        """The scenario without some of its arms, none of them one of the verdict."""
        left = [arm for arm in self.arms if arm not in arms]
        controls = {arm: control for arm, control in self.controls.items() if arm in left and control in left}
        funnels, at = ({arm: table[arm] for arm in left if arm in table} for table in (self.arms, self.at))
        return self.model_copy(update={"arms": funnels, "at": at, "controls": controls})


def _known(patch: Any, names: tuple[str, ...], known: Any, what: str) -> Any:
    """The patch, when it names nothing unknown; else a ValueError that the spec's path is put before."""
    strange = [unknown(name, known, what) for name in names if name not in known]
    if strange:
        raise ValueError(" ".join(strange))
    return patch
