"""The scenario language: one base, one change under review, arms that apply it, and the question they answer.

`ScenarioSpec` is a scenario as written, by name and by patch. `resolve` turns it into a `Scenario`: one full
`FunnelSpec` an arm, checked as a whole, which is all that a run needs.
"""

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from funnel.errors import SpecError, unknown
from funnel.features import FEATURE
from funnel.patch import Table, merge
from funnel.scenario.heading import Heading
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
    unpaired: bool = False
    """whether the arm may live in a world of its own; differences to other arms are then not paired"""

    @field_validator("at")
    @classmethod
    def _stages(cls, at: tuple[str, ...]) -> tuple[str, ...]:
        for place, stage in enumerate(at):
            if stage in at[:place]:
                raise ValueError(f"should name each stage once. Found `{stage}` twice.")
        return _known(at, at, STAGES, "a ranking stage")

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


class ScenarioSpec(Heading):
    """A scenario as it is written."""

    kind: Literal["funnel"] = "funnel"
    base: str
    """the base funnel that everything is a patch of, by name"""
    patch: Table = Field(default_factory=dict)
    """a patch of the base that all arms share"""
    change: Change = Change()
    arms: dict[str, ArmSpec]
    verdict: VerdictSpec
    diagnostics: bool = False
    """whether the report also tells what multi-task training did to each task"""
    frontier: tuple[str, str] | None = None
    """two tasks between which the diagnostics draw Pareto frontiers"""

    @field_validator("frontier")
    @classmethod
    def _two_tasks(cls, tasks: tuple[str, str] | None) -> tuple[str, str] | None:
        if tasks and tasks[0] == tasks[1]:
            raise ValueError(f"should name two different tasks. Found `{tasks[0]}` twice.")
        return _known(tasks, tasks or (), TASK, "a task")


class Scenario(Spec):
    """A scenario resolved: nothing is left to look up, and every arm is a full funnel."""

    name: str
    question: str
    seeds: int
    base: FunnelSpec
    """the funnel that serves the traffic all arms are trained on"""
    change: Change
    arms: dict[str, FunnelSpec]
    """in the order of the file"""
    verdict: VerdictSpec
    diagnostics: bool = False
    frontier: tuple[str, str] | None = None


def resolve(spec: ScenarioSpec, base: Table, *patches: Table) -> Scenario:
    """The scenario over its base.

    Args:
        base: the table of the base that `spec.base` names, before any patch.
        patches: laid over the base after the scenario's own patch: a preset, the user's assignments.

    Raises:
        SpecError: every problem of base, arms and verdict at once.
    """
    problems: list[str] = []
    base, shared = _spelt_out(base), [spec.patch, *patches]
    funnel = _funnel(base, shared, "base", problems)
    faults = {problem.removeprefix("base") for problem in problems}
    arms = {name: arm for name in spec.arms if (arm := _arm(spec, name, base, shared, faults, problems))}
    if funnel:
        problems += [problem for name, arm in arms.items() for problem in _unpaired(name, spec.arms[name], arm, funnel)]
        problems += _nothing_left(spec.change, funnel)
    problems += _same(arms) + _verdict(spec) + _frontier(spec, arms.get(spec.verdict.proposal))
    if problems:
        raise SpecError(problems)
    return Scenario(
        name=spec.name,
        question=spec.question,
        seeds=spec.seeds,
        base=funnel,
        change=spec.change,
        arms=arms,
        verdict=spec.verdict,
        diagnostics=spec.diagnostics,
        frontier=spec.frontier,
    )


def _spelt_out(base: Table) -> Table:
    """The base with every default in its place, so that a patch of one field leaves its neighbours as they were.

    A base with a fault stays as it is: the fault is told where the patched base is read.
    """
    try:
        return FunnelSpec.parse(base, "base").table()
    except SpecError:
        return base


def _funnel(base: Table, patches: list[Table], where: str, problems: list[str]) -> FunnelSpec | None:
    """The funnel of a patched base, or None when it has problems, which are noted."""
    try:
        for patch in patches:
            base = merge(base, patch, where)
        return FunnelSpec.parse(base, where)
    except SpecError as error:
        problems += error.problems
        return None


def _arm(
    spec: ScenarioSpec, name: str, base: Table, shared: list[Table], faults: set[str], problems: list[str]
) -> FunnelSpec | None:
    arm, where = spec.arms[name], f"arms.{name}"
    strange = [word for word in arm.patch if word not in FunnelSpec.model_fields]
    known = {*FunnelSpec.model_fields, *ArmSpec.model_fields}
    problems += [f"{where}.{word}: {unknown(word, known, 'a known key')}" for word in strange]
    change = {"stages": {stage: spec.change.table() for stage in arm.at}}
    own = {word: patch for word, patch in arm.patch.items() if word not in strange}
    found: list[str] = []
    funnel = _funnel(base, [*shared, change, own], where, found)
    # A fault of the base shows in every arm; it is told once, where it is.
    problems += [problem for problem in found if problem.removeprefix(where) not in faults]
    return funnel


def _unpaired(name: str, arm: ArmSpec, funnel: FunnelSpec, base: FunnelSpec) -> list[str]:
    """What arms must have in common to be compared."""
    problems = [
        f"arms.{name}.{part}: should be the same for every arm. Found a patch. Put it into `[patch]`."
        for part in ("value", "evaluation")
        if getattr(funnel, part) != getattr(base, part)
    ]
    if funnel.world != base.world and not arm.unpaired:
        problems.append(
            f"arms.{name}.world: should be the base's, so that arms are paired. Found a patch. Put it into `[patch]`, "
            "or say `unpaired = true` in the arm."
        )
    return problems


def _nothing_left(change: Change, base: FunnelSpec) -> list[str]:
    """The change is measured against the value without it, so something must be left of that."""
    if set(base.value.formula) - set(change.tasks.add):
        return []
    told = ", ".join(f"`{task}`" for task in base.value.formula)
    return [f"base.value: should weigh a task that the change does not add. Found only {told}. Weigh another one."]


def _same(arms: dict[str, FunnelSpec]) -> list[str]:
    names = list(arms)
    return [
        f"arms.{name}: should differ from arm `{earlier}`. Found the same funnel in both. Remove one, or give it an "
        "`at` or a patch of its own."
        for place, name in enumerate(names)
        for earlier in names[:place]
        if arms[name] == arms[earlier]
    ]


def _verdict(spec: ScenarioSpec) -> list[str]:
    roles = {role: getattr(spec.verdict, role) for role in ("proposal", "reference", "baseline")}
    problems = [
        f"verdict.{role}: {unknown(arm, spec.arms, 'an arm')}" for role, arm in roles.items() if arm not in spec.arms
    ]
    if len(set(roles.values())) < len(roles):
        told = ", ".join(f"{role} `{arm}`" for role, arm in roles.items())
        problems.append(f"verdict: should compare three different arms. Found {told}.")
    return problems


def _frontier(spec: ScenarioSpec, proposal: FunnelSpec | None) -> list[str]:
    if not spec.frontier:
        return []
    problems = []
    if not spec.diagnostics:
        problems.append(
            "frontier: should stand beside `diagnostics = true`, which it is a part of. Found `diagnostics = false`. "
            "Switch it on, or remove `frontier`."
        )
    if proposal:
        tasks = proposal.stages.late.tasks
        what = f"a task that the late stage of the proposal `{spec.verdict.proposal}` predicts"
        problems += [f"frontier: {unknown(task, tasks, what)}" for task in spec.frontier if task not in tasks]
    return problems


def _known(patch: Any, names: tuple[str, ...], known: Any, what: str) -> Any:
    """The patch, when it names nothing unknown; else a ValueError that the spec's path is put before."""
    strange = [unknown(name, known, what) for name in names if name not in known]
    if strange:
        raise ValueError(" ".join(strange))
    return patch
