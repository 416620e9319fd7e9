"""From a scenario as written to one that can run: every arm a full funnel, and every problem told at once."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from funnel.errors import SpecError, unknown
from funnel.patch import Table, diff, merge
from funnel.scenario.spec import ArmSpec, Change, Origin, Scenario, ScenarioSpec
from funnel.stages.spec import FunnelSpec

COMMON = ("value", "evaluation", "stages.late.keep")
"""fields that all arms share with the base: slates of another size, or worth by another rule, cannot be compared"""


def resolve(
    spec: ScenarioSpec, base: Table, *patches: Table, world: Table | None = None, alone: bool = True
) -> Scenario:
    """The scenario over its base, without the axes of a sweep, in one round.

    Args:
        base: the table of the base that `spec.base` names, before any patch.
        patches: laid over the base after the scenario's own patch: a preset, the user's assignments.
        world: a patch by which the user chose another world. It is laid under the scenario's patch, whose fields may be
            of such a world, and over it, since what a user types wins.
        alone: whether there is no other round, in which two arms that are alike could differ.

    Raises:
        SpecError: every problem of base, arms and verdict at once.
    """
    chosen = world or {}
    base, shared = _spelt_out(base), [chosen, spec.patch, chosen, *patches]
    funnel, faults = _funnel(base, shared, "base")
    every, alike = _funnel(base, [*shared, spec.every], "every")
    found = {name: _arm(name, arm, spec.change, base, [*shared, spec.every]) for name, arm in spec.arms.items()}
    arms = {name: arm for name, (arm, _) in found.items() if arm}
    problems = _told(spec, faults, alike, {name: told for name, (_, told) in found.items()})
    if funnel:
        problems += _apart(spec, every or funnel, arms, funnel) + _sources(arms, funnel)
        problems += _nothing_left(spec.change, funnel)
    problems += (
        (same(arms) if alone else [])
        + _verdict(spec)
        + _controls(spec)
        + _contrasts(spec)
        + _frontier(spec, arms.get(spec.verdict.proposal))
        + _rollouts(spec)
    )
    if problems or not funnel:
        raise SpecError(problems)
    return Scenario(
        name=spec.name,
        question=spec.question,
        seeds=spec.seeds,
        base=funnel,
        origin=Origin(name=spec.base, changes=_changes(base, funnel)),
        change=spec.change,
        arms=arms,
        at={name: arm.at for name, arm in spec.arms.items()},
        controls={name: arm.control for name, arm in spec.arms.items() if arm.control is not None},
        verdict=spec.verdict,
        contrasts=spec.contrasts,
        diagnostics=spec.diagnostics,
        frontier=spec.frontier,
        null=spec.null,
    )


def resolve_base(name: str, base: Table, *patches: Table) -> tuple[FunnelSpec, Origin]:
    """A base with patches laid over it, for scenarios that have no arms, and where it comes from.

    Raises:
        SpecError: every problem of the patched base.
    """
    base = _spelt_out(base)
    funnel, faults = _funnel(base, [*patches], "base")
    if not funnel:
        raise SpecError([f"base{fault}" for fault in faults])
    return funnel, Origin(name=name, changes=_changes(base, funnel))


def _spelt_out(base: Table) -> Table:
    """The base with every default in its place, so that a patch of one field leaves its neighbours as they were.

    A base with a fault stays as it is: the fault is told where the patched base is read.
    """
    try:
        return FunnelSpec.parse(base, "base").table()
    except SpecError:
        return base


def _funnel(base: Table, patches: list[Table], where: str) -> tuple[FunnelSpec | None, list[str]]:
    """The funnel of a patched base, or None and what is wrong with it, without `where`."""
    try:
        for patch in patches:
            base = merge(_in_world(base, patch), patch, where)
        return FunnelSpec.parse(base, where), []
    except SpecError as error:
        return None, [problem.removeprefix(where) for problem in error.problems]


def _in_world(base: Table, patch: Table) -> Table:
    """The base with the defaults of the world in their place, if the patch chooses a world of another kind.

    So what the patch says of that world leaves the neighbours of its fields as they are, as in any other patch.
    """
    own, chosen = base.get("world"), patch.get("world")
    if not isinstance(own, dict) or not isinstance(chosen, dict) or chosen.get("kind") in (None, own.get("kind")):
        return base
    return _spelt_out(base | {"world": _identity(chosen)})


def _identity(world: Table) -> Table:
    """What a world must name to have defaults: its kind, and where its data is."""
    return {word: world[word] for word in ("kind", "source") if word in world}


def _changes(base: Table, funnel: FunnelSpec) -> Table:
    """The patch that turns the base into the funnel; of a world of another kind it names what is no default."""
    table = funnel.table()
    named = {"world": _identity(table["world"])}
    started = _in_world(base, named)
    changes = diff(started, table)
    return changes if started is base else changes | {"world": named["world"] | changes.get("world", {})}


def _arm(
    name: str, arm: ArmSpec, change: Change, base: Table, shared: list[Table]
) -> tuple[FunnelSpec | None, list[str]]:
    changed = {"stages": {stage: change.table() for stage in arm.at}}
    own = {word: patch for word, patch in arm.patch.items() if word in FunnelSpec.model_fields}
    return _funnel(base, [*shared, changed, own], f"arms.{name}")


def _told(spec: ScenarioSpec, faults: list[str], alike: list[str], found: dict[str, list[str]]) -> list[str]:
    """The faults of base, `every` and arms. One of the base or of `every` shows in the arms; it is told once, where it
    is."""
    shared = [fault for fault in alike if fault not in faults and any(fault in own for own in found.values())]
    problems = [f"base{fault}" for fault in faults] + [f"every{fault}" for fault in shared]
    for name, own in found.items():
        problems += _strange(name, spec.arms[name])
        problems += [f"arms.{name}{fault}" for fault in own if fault not in {*faults, *shared}]
    return problems


def _strange(name: str, arm: ArmSpec) -> list[str]:
    known = {*FunnelSpec.model_fields, *ArmSpec.model_fields}
    return [
        f"arms.{name}.{word}: {unknown(word, known, 'a known key')}"
        for word in arm.patch
        if word not in FunnelSpec.model_fields
    ]


def _apart(spec: ScenarioSpec, every: FunnelSpec, arms: dict[str, FunnelSpec], base: FunnelSpec) -> list[str]:
    """What arms, and the base that serves their traffic, must have in common to be compared."""
    problems = [
        f"{where}.{part}: should be the same for every arm. Found a patch. Put it into `[patch]`."
        for where, funnel, common in [("every", every, base), *((f"arms.{name}", arms[name], every) for name in arms)]
        for part in COMMON
        if attrgetter(part)(funnel) != attrgetter(part)(common)
    ]
    rule = "should be the base's, so that arms are paired. Found a patch. Put it into `[patch]`"
    # Which friends may show is a policy: an arm of another one lives among the same people and items.
    if not every.world.draws_as(base.world):
        problems.append(f"every.world: {rule}.")
    return problems + [
        f"arms.{name}.world: {rule}, or say `unpaired = true` in the arm."
        for name, arm in arms.items()
        if not (arm.world.draws_as(every.world) or spec.arms[name].unpaired)
    ]


def _sources(arms: dict[str, FunnelSpec], base: FunnelSpec) -> list[str]:
    """Candidates carry their sources as bits, in logs as at serving, so a bit must mean one source in all arms."""
    marked = list(base.retrieval.sources)
    return [
        f"arms.{name}.retrieval.sources: should begin with the base's {', '.join(marked)}, in this order. Found "
        f"{', '.join(arm.retrieval.sources)}. Add new ones behind, and switch one off by `budget = 0`."
        for name, arm in arms.items()
        if list(arm.retrieval.sources)[: len(marked)] != marked
    ]


def _nothing_left(change: Change, base: FunnelSpec) -> list[str]:
    """The change is measured against the value without it, so something must be left of that."""
    if set(base.value.formula) - set(change.tasks.add):
        return []
    told = ", ".join(f"`{task}`" for task in base.value.formula)
    return [f"base.value: should weigh a task that the change does not add. Found only {told}. Weigh another one."]


def same(arms: Mapping[str, Any]) -> list[str]:
    """What is wrong with arms of which two are the same funnel, or the same in every round."""
    names = list(arms)
    return [
        f"arms.{name}: should differ from arm `{earlier}`. Found the same funnel in both. Remove one, or give it an "
        "`at` or a patch of its own."
        for place, name in enumerate(names)
        for earlier in names[:place]
        if arms[name] == arms[earlier]
    ]


def _verdict(spec: ScenarioSpec) -> list[str]:
    roles = spec.verdict.roles
    problems = [
        f"verdict.{role}: {unknown(arm, spec.arms, 'an arm')}" for role, arm in roles.items() if arm not in spec.arms
    ]
    if len(set(roles.values())) < len(roles):
        told = ", ".join(f"{role} `{arm}`" for role, arm in roles.items())
        problems.append(f"verdict: should compare three different arms. Found {told}.")
    return problems


def _controls(spec: ScenarioSpec) -> list[str]:
    named = {name: arm.control for name, arm in spec.arms.items() if arm.control is not None}
    problems = [
        f"arms.{name}.control: {unknown(control, spec.arms, 'an arm')}"
        for name, control in named.items()
        if control not in spec.arms
    ]
    return problems + [
        f"arms.{name}.control: should be another arm. Found the arm itself. Name the one that keeps it honest."
        for name, control in named.items()
        if control == name
    ]


def _contrasts(spec: ScenarioSpec) -> list[str]:
    problems = [
        f"contrasts.{name}: {unknown(arm, spec.arms, 'an arm')}"
        for name, weights in spec.contrasts.items()
        for arm in weights
        if arm not in spec.arms
    ]
    return problems + [
        f"contrasts.{name}: weights should add up to 0, so that what all arms have in common drops out. Found "
        f"{sum(weights.values()):g}."
        for name, weights in spec.contrasts.items()
        if abs(sum(weights.values())) > 1e-9
    ]


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


def _rollouts(spec: ScenarioSpec) -> list[str]:
    """What is wrong with arms that say what they do in later rounds, where there are none."""
    return [
        f"arms.{name}.then: should be left out of a scenario of one round. Found rounds "
        f"{', '.join(map(str, arm.then))}. Set `rounds`, or leave it out."
        for name, arm in spec.arms.items()
        if arm.then
    ]
