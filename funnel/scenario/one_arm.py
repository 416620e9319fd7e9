"""What commands that are about one arm of a scenario, in one of its worlds, may be asked for."""

from funnel.errors import SpecError, unknown
from funnel.scenario.file import AnyScenario
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import Scenario
from funnel.scenario.sweep.spec import Sweep


def one_arm(scenario: AnyScenario, arm: str | None, seed: int, *problems: str) -> tuple[Scenario, str]:
    """The scenario and its arm, the proposal if not given.

    Args:
        problems: what else is wrong with what was asked for.

    Raises:
        SpecError: no such arm or seed, or the scenario is no single one; all of it at once, and the other problems.
    """
    told = list(problems)
    if not isinstance(scenario, Scenario):
        others = {Sweep: "a sweep, which has many points", Rounds: "a feedback loop, which has many rounds"}
        found = others.get(type(scenario), "one without arms")
        told.append(f"{scenario.name}: should be a single scenario of a funnel. Found {found}.")
        raise SpecError(told)
    chosen = arm or scenario.verdict.proposal
    if chosen not in scenario.arms:
        told.append(f"arm: {unknown(chosen, scenario.arms, f'an arm of {scenario.name}')}")
    if not 0 <= seed < scenario.seeds:
        told.append(f"seed: should be from 0 to {scenario.seeds - 1}, as the scenario has them. Found {seed}.")
    if told:
        raise SpecError(told)
    return scenario, chosen
