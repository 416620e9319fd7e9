"""Where the spread of the verdict's numbers comes from, for its arms and for the difference that it judges."""

from typing import Any

import numpy as np

from funnel.metrics.variance import components
from funnel.scenario.estimates import PRIMARY, Estimates
from funnel.scenario.spec import Scenario
from funnel.stages.spec import FunnelSpec

Compared = tuple[str, str | None]
"""an arm, and the arm that is taken from it"""


def variances(scenario: Scenario, arms: list[str], estimates: Estimates) -> list[dict[str, Any]]:
    """Variances of candidates lost and value: of the three arms, and of the proposal minus the reference.

    Args:
        arms: those that did not fail.
    """
    verdict = scenario.verdict
    compared: list[Compared] = [(arm, None) for arm in (verdict.proposal, verdict.reference, verdict.baseline)]
    compared.append((verdict.proposal, verdict.reference))
    return [
        {"measure": measure, "stage": stage, "arm": arm, "against": against}
        | _split(_twins(scenario.arms, arms, arm, against), measure, stage, estimates)
        for measure, stage in PRIMARY
        for arm, against in compared
    ]


def _twins(specs: dict[str, FunnelSpec], arms: list[str], arm: str, against: str | None) -> list[Compared]:
    """The arm and those that differ from it by `replica` alone; each beside its likeness of `against`, where given."""
    own = _replicas(specs, arms, arm)
    if against is None:
        return [(name, None) for name in own.values()]
    if against in own.values():
        # Two trainings of one funnel: the others make pairs that share no arm, so that each is a difference of its own.
        rest = [name for name in own.values() if name not in (arm, against)]
        return [(arm, against), *zip(rest[::2], rest[1::2], strict=False)]
    others = _replicas(specs, arms, against)
    return [(own[replica], others[replica]) for replica in own if replica in others] or [(arm, against)]


def _replicas(specs: dict[str, FunnelSpec], arms: list[str], arm: str) -> dict[int, str]:
    plain = {name: specs[name].model_copy(update={"replica": 0}) for name in arms}
    return {specs[name].replica: name for name in arms if plain[name] == plain[arm]}


def _split(twins: list[Compared], measure: str, stage: str, estimates: Estimates) -> dict[str, Any]:
    values = np.stack([_values(pair, measure, stage, estimates) for pair in twins], 1)
    by_twin = [_influences(pair, measure, stage, estimates) for pair in twins]
    found = components(values, [np.stack(seed, 1) for seed in zip(*by_twin, strict=True)])
    return {
        "world": found.world,
        "training": found.training,
        "requests": found.requests,
        "seeds": len(estimates.seeds),
        "twins": len(twins),
        "note": found.note,
    }


def _values(pair: Compared, measure: str, stage: str, estimates: Estimates) -> np.ndarray:
    """float64 (S,)"""
    arm, against = pair
    values = estimates.by_seed(arm, measure, stage)
    return values - estimates.by_seed(against, measure, stage) if against else values


def _influences(pair: Compared, measure: str, stage: str, estimates: Estimates) -> list[np.ndarray]:
    """One float64 (R,) a seed."""
    arm, against = pair
    found = estimates.influences(arm, measure, stage)
    others = estimates.influences(against, measure, stage) if against else [0.0] * len(found)
    return [own - other for own, other in zip(found, others, strict=True)]
