"""Settings of a spec as lines that a person reads."""

from collections.abc import Iterable
from typing import Any


def changes(summary: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What each arm changes in the base, as lines of path and value."""
    return [(arm, list(_flat(change, ""))) for arm, change in summary["changes"].items()]


def _flat(value: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield path, ", ".join(plain(inner) for inner in value)
    else:
        yield path, plain(value)


def plain(value: Any) -> str:
    """One setting in a few words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
    return str(value)
