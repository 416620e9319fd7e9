"""Settings of a spec as lines that a person reads."""

from typing import Any

from funnel.patch import leaves


def changes(summary: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What each arm changes in the base, as lines of path and value."""
    return [
        (arm, [(path, plain(value)) for path, value in leaves(change)]) for arm, change in summary["changes"].items()
    ]


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
