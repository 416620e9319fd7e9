"""Settings of a spec as lines that a person reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from funnel.patch import leaves

Lines = list[tuple[str, str]]
"""path and value"""


def lines(table: Mapping[str, Any]) -> Lines:
    """Everything that a table sets, a line each."""
    return [(path, plain(value)) for path, value in leaves(table)]


def shared(changes: Mapping[str, Any], at: Mapping[str, Sequence[str]]) -> Lines:
    """What all arms that apply the scenario's change have in common at the stages where they do.

    Args:
        changes: by arm, the patch of the base. at: by arm, the stages of its change.
    """
    parts = [_of_stage(changes[arm], stage) for arm in changes for stage in at[arm]]
    return [line for line in parts[0] if all(line in part for part in parts)] if parts else []


def by_arm(
    changes: Mapping[str, Any], at: Mapping[str, Sequence[str]], change: Lines
) -> list[tuple[str, Sequence[str], Lines]]:
    """What each arm changes in the base: the stages at which that is `change`, and the rest."""
    return [(arm, at[arm] if change else (), _rest(patch, at[arm], change)) for arm, patch in changes.items()]


def _of_stage(patch: Mapping[str, Any], stage: str) -> Lines:
    return lines(patch.get("stages", {}).get(stage, {}))


def _rest(patch: Mapping[str, Any], stages: Sequence[str], change: Lines) -> Lines:
    told = {(f"stages.{stage}.{path}", value) for stage in stages for path, value in change}
    return [line for line in lines(patch) if line not in told]


def plain(value: Any) -> str:
    """One setting in a few words."""
    match value:
        case None:
            return "none"
        case dict():
            return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
        case list():
            return ", ".join(map(plain, value))
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
    return str(value)
