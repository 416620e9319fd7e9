"""How arms look: the same colour and marker in every figure of a page, and what gives way where there are many."""

from typing import Any, Protocol

from funnel.report.figures.style import ARM_COLOURS, ARM_MARKERS
from funnel.report.view import ROLES, View

NAMED = len(ARM_COLOURS)
"""arms up to which a figure of lines draws all in colour; of more only some, as eyes part no more"""
GREY = "#8a929c"
"""of the arms that give way"""


class Compared(Protocol):
    """A page's view of arms of which some are those of a verdict."""

    arms: list[str]

    @property
    def judged(self) -> list[str]: ...

    @property
    def notable(self) -> list[str]: ...


def told_apart(view: Compared) -> list[str]:
    """The arms of the verdict, and beside them, where arms are many, the repairs that matter most."""
    return [*view.judged, *(view.notable[: NAMED - len(view.judged)] if len(view.arms) > NAMED else [])]


def ordered(view: Compared) -> list[str]:
    """All arms, those that are told apart first."""
    first = told_apart(view)
    return [*first, *(arm for arm in view.arms if arm not in first)]


def named(view: Compared) -> list[str]:
    """The arms that a figure of lines names."""
    return ordered(view) if len(view.arms) <= NAMED else told_apart(view)


def look_of(view: Compared, arm: str) -> dict[str, Any]:
    """Colour, marker and label of an arm, as matplotlib's error bars want them."""
    place = ordered(view).index(arm)
    return {
        "label": arm,
        "color": ARM_COLOURS[place % len(ARM_COLOURS)],
        "marker": ARM_MARKERS[place % len(ARM_MARKERS)],
        "markersize": 5,
        "elinewidth": 1.2,
        "capsize": 2.5,
    }


def quiet_look(view: View, arm: str) -> dict[str, Any]:
    """As `look_of`, and grey for those that a figure of many arms does not name."""
    look = look_of(view, arm)
    return look if arm in named(view) else look | {"color": GREY, "marker": "o", "markersize": 4}


def told(view: View, arm: str) -> str:
    """The name of an arm, with its place in the verdict where it has one."""
    roles = " and ".join(role for role in ROLES if view.scenario[role] == arm and role != arm)
    return f"{arm} ({roles})" if roles else arm


def rest(view: Compared) -> str:
    """What a caption says of the arms that give way."""
    others = len(view.arms) - len(named(view))
    return f" Grey: the {others} other arms, whose names and intervals the tables have." if others else ""
