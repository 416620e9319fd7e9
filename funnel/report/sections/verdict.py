"""The first thing that a reader sees: the verdict in two sentences, composed from the run's numbers."""

from collections.abc import Mapping
from typing import Any

from funnel.report.view import View, text

Ends = Mapping[str, Any]
"""value, low and high of an interval"""


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints of the verdict."""
    return {"sentences": (_first(view), _second(view)), "levels": _levels(view), "missing": _missing(view)}


def _first(view: View) -> str:
    """What the proposal loses and forgoes."""
    scenario, verdict = view.scenario, view.summary["verdict"]
    lost = view.estimate(scenario["proposal"], "lost", "early")["value"]
    candidates, value = (verdict[axis]["difference"] for axis in ("candidates", "value"))
    return (
        f"At the early stage `{scenario['proposal']}` loses {text(lost, 'share')} of what the late stage with the "
        f"change ranks top, {_more(candidates, 'points', 'more', 'fewer')} than `{scenario['reference']}` "
        f"(difference {_ends(candidates, 'points')}), and its slate is worth {_more(value, 'share', 'less', 'more')} "
        f"(forgone {_ends(value, 'share')}; {_seeds(view)})."
    )


def _second(view: View) -> str:
    """What the reference gives, and what the cheapest adequate repair costs."""
    return f"{_reference(view)}; {_repair(view)}."


def _reference(view: View) -> str:
    scenario, captured = view.scenario, view.summary["verdict"]["captured"]
    gain = view.entries[scenario["reference"]]["gain"]
    own = view.entries[scenario["proposal"]]["gain"]
    share = f", {text(captured['value'], 'share')} of it" if captured else ""
    return (
        f"Over `{scenario['baseline']}`, `{scenario['reference']}` gains {text(gain['value'], 'share', True)} of slate "
        f"value (gain {_ends(gain, 'share')}) and `{scenario['proposal']}` {text(own['value'], 'share', True)}{share}"
    )


def _repair(view: View) -> str:
    """In one clause; the sentence of the results has the numbers behind it."""
    scenario, cheapest = view.scenario, view.summary["repairs"]["cheapest"]
    if cheapest is None:
        return "this scenario has no repairs"
    times = _cost(view, cheapest) / _cost(view, scenario["proposal"])
    price = f"at {times:.2f} times the multiply-adds of `{scenario['proposal']}`"
    if cheapest == scenario["reference"]:
        return f"no repair that is cheaper is shown to be worth as much as `{cheapest}`, which comes {price}"
    return f"the cheapest repair that is shown to be worth as much is `{cheapest}`, {price}"


def _cost(view: View, arm: str) -> float:
    return view.entries[arm]["macs"]["total"]["value"]


def _more(difference: Ends, unit: str, positive: str, negative: str) -> str:
    word = positive if difference["value"] >= 0 else negative
    return f"{text(abs(difference['value']), unit)} {word}"


def _ends(found: Ends, unit: str) -> str:
    if found["low"] is None:
        return "without an interval"
    low, high = (text(found[end], unit, signed=True) for end in ("low", "high"))
    return f"{low} to {high}"


def _seeds(view: View) -> str:
    """What stands behind the intervals."""
    return "n = 1 seed" if view.seeds == 1 else f"95 % intervals, n = {view.seeds} seeds"


def _missing(view: View) -> str | None:
    """Which arms the reader will not find."""
    failed = view.summary["failed"]
    if not failed:
        return None
    names = ", ".join(f"`{arm}`" for arm in failed)
    return f"{len(failed)} arm{'' if len(failed) == 1 else 's'} failed and had to be left out: {names}."


def _levels(view: View) -> list[tuple[str, str, list[Any]]]:
    """The three arms of the verdict: role, arm, and the cells that tell most."""
    addresses = [
        ("lost", "early", "all", ""),
        ("value", "late", "all", ""),
        ("rest_value", "late", "all", ""),
        ("recoverable", "early", "all", ""),
    ]
    named = [(role, view.scenario[role]) for role in ("proposal", "reference", "baseline")]
    return [(role, arm, [view.cell(arm, address) for address in addresses]) for role, arm in named]
