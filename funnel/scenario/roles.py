"""What part each arm plays: the three of the verdict, repairs, and the controls that keep repairs honest."""

from collections.abc import Sequence
from typing import Any

from funnel.scenario.spec import Scenario


def described(scenario: Scenario, arms: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By arm of those that did not fail: `at` (the stages with the change), `control` and `role`.

    An arm that names a control is a repair, whatever else names it, unless the verdict is about it. A control that
    failed is none.
    """
    controls = {arm: control for arm in arms if (control := scenario.controls.get(arm)) in arms}
    return {
        arm: {"at": list(scenario.at.get(arm, ())), "control": controls.get(arm), "role": _role(scenario, arm)}
        for arm in arms
    }


def _role(scenario: Scenario, arm: str) -> str:
    verdict = scenario.verdict
    for role in ("proposal", "reference", "baseline"):
        if getattr(verdict, role) == arm:
            return role
    if arm in scenario.controls:
        return "repair"
    return "control" if arm in scenario.controls.values() else "arm"
