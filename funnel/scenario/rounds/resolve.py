"""From a scenario with several rounds to one scenario a round: who has the change in which of them."""

import json

from funnel.errors import SpecError
from funnel.patch import Table
from funnel.scenario.resolve import resolve, same
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import ArmSpec, Scenario, ScenarioSpec

UNTOLD = ("contrasts", "diagnostics", "null", "sweep")
"""what the page of rounds does not tell of"""


def resolve_rounds(spec: ScenarioSpec, base: Table, *patches: Table, world: Table | None = None) -> Rounds:
    """The rounds of a scenario.

    Args:
        base, patches, world: as of `funnel.scenario.resolve.resolve`.

    Raises:
        SpecError: every problem of every round; one that several have is told once.
    """
    problems = [
        f"{field}: should be left out of a scenario of {spec.rounds} rounds, whose page does not tell of it. Found "
        f"{json.dumps(spec.table()[field])}."
        for field in UNTOLD
        if getattr(spec, field)
    ]
    problems += _rollout_problems(spec)
    rounds = []
    for round in range(1, spec.rounds + 1):
        try:
            rounds.append(resolve(at_round(spec, round), base, *patches, world=world, alone=False))
        except SpecError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if rounds:
        problems += _lone_problems(spec, rounds)
    if problems:
        raise SpecError(problems)
    return Rounds(name=spec.name, question=spec.question, seeds=spec.seeds, rounds=tuple(rounds))


def at_round(spec: ScenarioSpec, round: int) -> ScenarioSpec:
    """The scenario as it stands in one round, counted from 1."""
    arms = {name: arm.model_copy(update={"at": stages_at(arm, round), "then": {}}) for name, arm in spec.arms.items()}
    return spec.model_copy(update={"rounds": 1, "arms": arms, "sweep": {}})


def stages_at(arm: ArmSpec, round: int) -> tuple[str, ...]:
    """The ranking stages of an arm that have the change in a round."""
    begun = [start for start in sorted(arm.then) if start <= round]
    return arm.then[begun[-1]] if begun else arm.at


def _rollout_problems(spec: ScenarioSpec) -> list[str]:
    return [
        f"arms.{name}.then.{start}: should be a round from 2 to {spec.rounds}, the last one. Found {start}."
        for name, arm in spec.arms.items()
        for start in arm.then
        if not 2 <= start <= spec.rounds
    ]


def _lone_problems(spec: ScenarioSpec, rounds: list[Scenario]) -> list[str]:
    """What only all rounds together, or any one of them, can get wrong."""
    problems = same({name: tuple(one.arms[name] for one in rounds) for name in rounds[0].arms})
    world, funnels = rounds[0].base.world, {f"arms.{name}": arm for name, arm in rounds[0].arms.items()}
    if world.kind != "synthetic":
        problems.append(
            f"rounds: should be 1 in a {world.kind} world, since nothing tells how it goes on. Found {spec.rounds}. "
            "Leave `rounds` out, or choose a synthetic world."
        )
    if world.surfaces:
        problems.append(
            f"rounds: should be 1 in a world with surfaces, which stays as it is. Found {spec.rounds}. Leave `rounds` "
            "out, or the surfaces."
        )
    return problems + [
        f"{where}.loop.window: should be at most {spec.rounds}, the number of rounds, since no more logs come "
        f"together. Found {funnel.loop.window}. Lower it, or raise `rounds`."
        for where, funnel in funnels.items()
        if funnel.loop.window > spec.rounds
    ]
