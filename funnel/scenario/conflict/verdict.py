"""The verdict of a `task_conflict` scenario, composed from paired differences: where models part, and what it costs."""

from collections.abc import Iterable, Mapping
from typing import Any

from funnel.scenario.conflict.numbers import BOTH, Number


def verdict(
    reference: str,
    differences: Mapping[str, list[Number]],
    widening: Mapping[str, list[Number]],
    price: Mapping[str, list[Number]],
) -> dict[str, Any]:
    """Outcome by model and correlation, and the sentences that say it.

    A model parts from the reference where the whole interval of the difference of their final losses (mean of both
    tasks) is off zero.

    Args:
        differences: by model, the loss minus that of the reference.
        widening: by model, the difference at a correlation minus that at the greatest.
        price: by model, the loss at a correlation minus that at the greatest.
    """
    outcomes = {model: _outcomes(found) for model, found in differences.items()}
    return {
        "sentence": _headline(reference, outcomes),
        "sentences": [
            *(
                f"{_parting(model, reference, found)} {_widening(widening[model])}"
                for model, found in differences.items()
            ),
            *(_price(model, found) for model, found in price.items()),
        ],
        "outcomes": outcomes,
    }


def _both(found: Iterable[Number]) -> list[Number]:
    return [one for one in found if one["task"] == BOTH]


def _outcomes(found: list[Number]) -> list[dict[str, Any]]:
    return [{"correlation": one["correlation"], "outcome": outcome(one)} for one in _both(found)]


def outcome(difference: Number) -> str:
    """`lower`, `higher` or `undecided`."""
    if difference["low"] is None or difference["low"] <= 0 <= difference["high"]:
        return "undecided"
    return "lower" if difference["high"] < 0 else "higher"


def _headline(reference: str, outcomes: Mapping[str, list[dict[str, Any]]]) -> str:
    parts = [
        f"`{model}` ends {side} at {_where(where, len(found))}"
        for model, found in outcomes.items()
        for side in ("lower", "higher")
        if (where := [one["correlation"] for one in found if one["outcome"] == side])
    ]
    if not parts:
        return f"No model is shown to part from `{reference}` at any correlation."
    return f"Against `{reference}`, {', '.join(parts)}."


def _parting(model: str, reference: str, found: list[Number]) -> str:
    told = [f"{_signed(one)} at {one['correlation']:g}" for one in _both(found)]
    return f"Final loss of `{model}` minus that of `{reference}`: {', '.join(told)}."


def _widening(found: list[Number]) -> str:
    """Where the gap to the reference is another one than at the greatest correlation: the part that is conflict."""
    gaps = _both(found)
    words = {"lower": "below", "higher": "above"}
    parts = [
        f"{word} what it is for the most aligned pair at {_where(where, len(gaps))}"
        for side, word in words.items()
        if (where := [one["correlation"] for one in gaps if outcome(one) == side])
    ]
    if not parts:
        return "It is not shown to depend on the correlation."
    return f"It lies {', '.join(parts)}."


def _price(model: str, found: list[Number]) -> str:
    worst = max(_both(found), key=lambda one: one["value"])
    if outcome(worst) != "higher":
        return f"No correlation is shown to cost `{model}` anything against the most aligned pair."
    return f"The costliest correlation to `{model}` is {worst['correlation']:g}: {_signed(worst)} of loss."


def _signed(one: Number) -> str:
    if one["low"] is None:
        return f"{one['value']:+.4f} (one seed)"
    return f"{one['value']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"


def _where(correlations: list[float], of: int) -> str:
    if len(correlations) == of:
        return "every correlation" if of > 1 else f"{correlations[0]:g}"
    *first, last = [f"{correlation:g}" for correlation in correlations]
    return f"{', '.join(first)} and {last}" if first else last
