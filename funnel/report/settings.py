"""Settings of a spec as lines that a person reads."""

from collections.abc import Iterable
from typing import Any


def changes(summary: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What each arm changes in the base, as lines of path and value."""
    return [
        (arm, [(path, plain(value)) for path, value in leaves(change)]) for arm, change in summary["changes"].items()
    ]


def leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Path and value of everything in a table that is no table itself."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def plain(value: Any) -> str:
    """One setting in a few words."""
    match value:
        case None:
            return "none"
        case list():
            return ", ".join(map(plain, value))
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
    return str(value)
