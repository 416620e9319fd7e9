"""The first thing that a reader sees: the verdict in two sentences, composed from the run's numbers."""

from collections.abc import Mapping
from typing import Any

from funnel.report.view import View, text

Ends = Mapping[str, Any]
"""value, low, high and n of an interval"""


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints of the verdict."""
    return {"sentences": (_first(view), _second(view)), "levels": _levels(view), "missing": _missing(view)}


def _first(view: View) -> str:
    """What the proposal loses and forgoes."""
    scenario, verdict = view.scenario, view.summary["verdict"]
    lost = view.estimate(scenario["proposal"], "lost", "early")
    candidates, value = (verdict[axis]["difference"] for axis in ("candidates", "value"))
    return (
        f"At the early stage `{scenario['proposal']}` loses {_told(view, lost, 'share')} of what the late stage with "
        f"the change ranks top, {_more(view, candidates, 'points', 'more', 'fewer')} than `{scenario['reference']}`, "
        f"and its slate is worth {_more(view, value, 'share', 'less', 'more')} ({_behind(view)})."
    )


def _second(view: View) -> str:
    """What the reference gives, and what the cheapest adequate repair costs."""
    return f"{_reference(view)}; {_repair(view)}."


def _reference(view: View) -> str:
    scenario, captured = view.scenario, view.summary["verdict"]["captured"]
    gains = [view.entries[scenario[role]]["gain"] for role in ("reference", "proposal")]
    reference, own = (_told(view, gain, "share", signed=True) for gain in gains)
    share = f", {_told(view, captured, 'share')} of it" if captured else ""
    return (
        f"Over `{scenario['baseline']}`, `{scenario['reference']}` gains {reference} of slate value and "
        f"`{scenario['proposal']}` {own}{share}"
    )


def _repair(view: View) -> str:
    """In one clause; the sentence of the results has the numbers behind it."""
    scenario, cheapest = view.scenario, view.summary["repairs"]["cheapest"]
    if cheapest is None:
        return "this scenario has no repairs"
    if view.seeds == 1:
        return f"one seed cannot show that any repair is worth as much as `{scenario['reference']}`"
    if cheapest == scenario["proposal"]:
        shown = f"no repair is needed, as `{cheapest}` itself is shown to be worth as much as `{scenario['reference']}`"
        return f"{shown} ({_forgone(view, cheapest)})"
    times = _cost(view, cheapest) / _cost(view, scenario["proposal"])
    price = f"at {times:.2f} times the multiply-adds of `{scenario['proposal']}`"
    if cheapest == scenario["reference"]:
        return f"no repair that is cheaper is shown to be worth as much as `{cheapest}`, which comes {price}"
    return (
        f"the cheapest repair that is shown to be worth as much is `{cheapest}`, {price} ({_forgone(view, cheapest)})"
    )


def _forgone(view: View, arm: str) -> str:
    """The interval on which it rests that a repair is worth as much as the reference."""
    judged = view.summary["judgements"]
    found = judged[arm]["value"]["difference"]
    return (
        f"value forgone {_told(view, found, 'share', signed=True)}, an interval at {100 * found['level']:.4g} %, "
        f"corrected for {len(judged)} arms"
    )


def _cost(view: View, arm: str) -> float:
    return view.entries[arm]["macs"]["total"]["value"]


def _more(view: View, difference: Ends, unit: str, positive: str, negative: str) -> str:
    """A difference by its size and a word; the interval turns with the sign."""
    if difference["value"] >= 0:
        return f"{_told(view, difference, unit)} {positive}"
    turned = {"value": "value", "low": "high", "high": "low"}
    ends = {end: None if difference[other] is None else -difference[other] for end, other in turned.items()}
    return f"{_told(view, dict(difference) | ends, unit)} {negative}"


def _told(view: View, found: Ends, unit: str, signed: bool = False) -> str:
    """A number with its interval in brackets, and with its n where that is not the number of seeds."""
    value = text(found["value"], unit, signed)
    if found["low"] is None:
        return value
    ends = (text(found[end], unit, signed).split(" ")[0] for end in ("low", "high"))
    fewer = f", n = {found['n']}" if found["n"] < view.seeds else ""
    return f"{value} [{' to '.join(ends)}{fewer}]"


def _behind(view: View) -> str:
    """What stands behind the numbers of both sentences."""
    if view.seeds == 1:
        return "n = 1 seed: no interval, so one world tells this and none of it is shown"
    return f"in brackets 95 % t intervals, n = {view.seeds} seeds"


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
