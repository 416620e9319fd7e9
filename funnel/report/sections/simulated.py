"""What was simulated: the base, its most telling numbers, the change, and what each arm has of it."""

from collections.abc import Mapping
from typing import Any

from funnel import patch
from funnel.report import settings

SIMULATED = {
    "fitted to": "world.source",
    "users": "world.users",
    "items in the corpus": "world.items",
    "creators": "world.creators",
    "friends a user, mean": "world.friends.mean",
    "friend edges inside a community": "world.friends.homophily",
    "rates of tasks that were set": "world.rates",
    "recent reactions a user, mean": "world.reactions.mean",
    "closeness model": "closeness.kind",
    "closeness from which a friend may show": "world.reactions.threshold",
    "friends shown on an item, at most": "world.reactions.cap",
    "logit caused by showing one friend": "world.engagement.cue",
    "logit of being a friend's item": "world.engagement.friend_shift",
    "requests logged for the first funnel": "traffic.bootstrap_requests",
    "requests logged for the arms": "traffic.requests",
    "share of slots explored": "traffic.exploration",
    "retrieval asks for": "retrieval.sources",
    "early stage keeps": "stages.early.keep",
    "early stage's model": "stages.early.model.kind",
    "early stage's tasks": "stages.early.tasks",
    "early stage's formula": "stages.early.formula",
    "slate": "stages.late.keep",
    "late stage's model": "stages.late.model.kind",
    "late stage's tasks": "stages.late.tasks",
    "late stage's formula": "stages.late.formula",
    "true value of an item": "value.formula",
    "requests evaluated a seed": "evaluation.requests",
}
"""the numbers of the base that tell most, and where its spec has them; one that a kind of world has not is left out"""
LIMITS = ("world.users", "world.items")
"""what a world that is fitted to data has at most; how many there are is told of the data"""


def section(
    origin: Mapping[str, Any], spec: Mapping[str, Any], point: str = "", more: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that the template prints.

    Args:
        origin: the key `base` of a summary: the base's file, and what the run's base differs from it by.
        spec: of one scenario, as `spec.json` holds it. point: of a sweep, where it is that scenario.
        more: numbers of the base that tell of a kind of scenario, as `SIMULATED` has those of any.
    """
    changes = {arm: patch.diff(spec["base"], funnel) for arm, funnel in spec["arms"].items()}
    change = settings.shared(changes, spec["at"])
    return {
        "base": origin["name"],
        "differs": settings.lines(origin["changes"]),
        "numbers": _numbers(spec["base"], SIMULATED | dict(more or {})),
        "change": change,
        "arms": settings.by_arm(changes, spec["at"], change),
        "point": point,
    }


def _numbers(base: Mapping[str, Any], told: Mapping[str, str]) -> settings.Lines:
    unsaid = LIMITS if _at(base, "world.source") else ()
    found = ((label, _at(base, path)) for label, path in told.items() if path not in unsaid)
    return [(label, _said(value)) for label, value in found if value not in (None, {})]


def _at(table: Any, path: str) -> Any:
    """What stands at a path; None where nothing does."""
    for word in path.split("."):
        table = table.get(word) if isinstance(table, Mapping) else None
    return table


def _said(value: Any) -> str:
    """A setting in one line: a formula as its weights, sources as their budgets."""
    if not isinstance(value, dict):
        return settings.plain(value)
    if all(isinstance(entry, dict) for entry in value.values()):
        return ", ".join(f"{name} {source['budget']:,}" for name, source in value.items())
    return ", ".join(f"{weight:g} {task}" for task, weight in value.items())
