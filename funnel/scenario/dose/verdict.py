"""The verdict of a `bubble_dose` scenario, composed from paired differences: who finds the world's own slope."""

from typing import Any

from funnel.scenario.dose.numbers import Number, Numbers
from funnel.scenario.dose.slopes import ESTIMATORS, WORLD
from funnel.scenario.dose.trial import ANY, TASKS

SAID = {
    "holds": "holds it",
    "above": "lies above it",
    "below": "lies below it",
    "undecided": "cannot be judged by one seed",
    "unknown": "saw too little happen",
}


def verdict(slopes: Numbers, biases: Numbers) -> dict[str, Any]:
    """Outcome by estimator and task, and the sentences that say it.

    An estimator misses the world's value where the whole interval of its paired difference to it is off zero.
    """
    outcomes = {name: {task: outcome(biases[name][task]) for task in TASKS} for name in ESTIMATORS}
    return {
        "sentence": _headline(slopes, outcomes),
        "sentences": [_of_task(task, slopes, outcomes) for task in TASKS],
        "outcomes": outcomes,
    }


def outcome(bias: Number) -> str:
    """`holds`, `above`, `below`, `undecided` (one seed) or `unknown` (too little happened)."""
    if bias["value"] is None:
        return "unknown"
    if bias["low"] is None:
        return "undecided"
    if bias["low"] <= 0 <= bias["high"]:
        return "holds"
    return "above" if bias["low"] > 0 else "below"


def _headline(slopes: Numbers, outcomes: dict[str, dict[str, str]]) -> str:
    own = slopes[WORLD][ANY]["value"]
    if own is None:
        return "No lot fell on a bubble, so nothing is known of what showing a friend does."
    told = " and ".join(_found(name, ANY, slopes, outcomes) for name in ("causal", "observational"))
    return f"In truth one more friend shown moves the log odds of any engagement by {own:+.3f}; {told}."


def _of_task(task: str, slopes: Numbers, outcomes: dict[str, dict[str, str]]) -> str:
    own = _number(slopes[WORLD][task]) or "unknown"
    told = ", ".join(_found(name, task, slopes, outcomes) for name in ESTIMATORS)
    return f"Of `{task}` the world's own slope is {own}: {told}."


def _found(name: str, task: str, slopes: Numbers, outcomes: dict[str, dict[str, str]]) -> str:
    """One estimator, its slope, and what becomes of the world's value."""
    slope = _number(slopes[name][task])
    return " ".join([f"`{name}`", *([f"({slope})"] if slope else []), SAID[outcomes[name][task]]])


def _number(one: Number) -> str:
    if one["value"] is None:
        return ""
    if one["low"] is None:
        return f"{one['value']:+.3f}"
    return f"{one['value']:+.3f}, {one['low']:+.3f} to {one['high']:+.3f}"
