"""Repairs on one scale: what each costs, what it gains, and what its control gains without it."""

from typing import Any

import numpy as np

from funnel.metrics.frontier import non_dominated
from funnel.scenario.estimates import Estimates, estimate
from funnel.stages.spec import STAGES

Entry = dict[str, Any]

ADEQUATE = ("equivalent", "gained")
"""outcomes of the value axis that make an arm as good as the reference"""


def repairs(
    arms: dict[str, dict[str, Any]], estimates: Estimates, judgements: dict[str, Any], margin: float
) -> dict[str, Any]:
    """The key `repairs` of the results.

    Args:
        arms: as `roles.described` gives them. judgements: of all arms but the reference.
        margin: value forgone that counts as none.
    """
    of_role = {entry["role"]: arm for arm, entry in arms.items()}
    reference, baseline, proposal = (of_role[role] for role in ("reference", "baseline", "proposal"))
    entries = [_entry(arm, arms[arm]["control"], baseline, estimates, judgements.get(arm)) for arm in arms]
    points = np.array([[-entry["macs"]["total"]["value"], entry["gain"]["value"]] for entry in entries])
    for entry, efficient in zip(entries, non_dominated(points).tolist(), strict=True):
        entry["efficient"] = efficient
    named = {entry["arm"]: entry for entry in entries}
    asked = [named[arm] for arm in arms if arms[arm]["role"] == "repair"]
    if not asked:
        return {"entries": entries, "cheapest": None, "sentence": "No arm of this scenario is a repair."}
    adequate = [entry for entry in [named[reference], named[proposal], *asked] if entry["adequate"]]
    cheapest = min(adequate, key=_total)
    told = _none_cheaper if cheapest["arm"] == reference else _cheapest
    sentence = told(cheapest, named[reference], named[proposal], asked, judgements, margin)
    others = [entry for entry in entries if entry["adequate"] and entry not in adequate]
    return {"entries": entries, "cheapest": cheapest["arm"], "sentence": sentence + _besides(others, cheapest)}


def _entry(arm: str, control: str | None, baseline: str, estimates: Estimates, judged: Any) -> Entry:
    costs = {stage: estimates.by_seed(arm, "macs", stage) for stage in STAGES}
    return {
        "arm": arm,
        "control": control,
        "macs": {stage: estimate(values) for stage, values in costs.items()}
        | {"total": estimate(np.sum(list(costs.values()), axis=0))},
        "gain": estimate(estimates.relative_value(arm, baseline)),
        "credit": estimate(estimates.relative_value(arm, control)) if control else None,
        "lost": estimate(estimates.by_seed(arm, "lost", "early")),
        "adequate": judged is None or judged["value"]["outcome"] in ADEQUATE,  # the reference is what is asked for
    }


def _cheapest(
    cheapest: Entry, reference: Entry, proposal: Entry, asked: list[Entry], judgements: dict, margin: float
) -> str:
    name, difference = cheapest["arm"], judgements[cheapest["arm"]]["value"]["difference"]
    low, high = (100 * difference[end] for end in ("low", "high"))
    what = "The cheapest repair that is shown to be worth what `{}` is worth is `{}`"
    if cheapest is proposal:
        what = "No repair is needed to be worth what `{}` is worth: that is shown of `{}` itself"
    return (
        f"{what.format(reference['arm'], name)}: its early and late stage take {_macs(cheapest)} multiply-adds a "
        f"request, {_times(cheapest, reference)} those of `{reference['arm']}` and {_times(cheapest, proposal)} those "
        f"of `{proposal['arm']}` (value forgone against `{reference['arm']}`: {low:.2f} to {high:.2f} %, corrected for "
        f"{len(judgements)} arms, {difference['n']} seeds; margin {100 * margin:.2f} %)."
    )


def _none_cheaper(
    cheapest: Entry, reference: Entry, proposal: Entry, asked: list[Entry], judgements: dict, margin: float
) -> str:
    dearer = sum(entry["adequate"] for entry in asked)
    found = f"{dearer} of {len(asked)} are and do not cost less" if dearer else f"none of {len(asked)} is at any cost"
    if reference["gain"]["n"] == 1:
        found = "one seed cannot show it"
    return (
        f"No repair that is cheaper than `{reference['arm']}` is shown to be worth as much ({found}; margin "
        f"{100 * margin:.2f} %): early and late stage of `{reference['arm']}` take {_macs(reference)} multiply-adds a "
        f"request, {_times(reference, proposal)} those of `{proposal['arm']}`."
    )


def _besides(others: list[Entry], cheapest: Entry) -> str:
    """What is no repair, costs less, and is worth as much all the same."""
    cheaper = [entry["arm"] for entry in others if _total(entry) < _total(cheapest)]
    if not cheaper:
        return ""
    return f" So is {' and '.join(f'`{arm}`' for arm in cheaper)}, which is no repair and costs less."


def _total(entry: Entry) -> float:
    return entry["macs"]["total"]["value"]


def _macs(entry: Entry) -> str:
    return f"{entry['macs']['total']['value'] / 1e6:.2f} million"


def _times(entry: Entry, other: Entry) -> str:
    return f"{entry['macs']['total']['value'] / other['macs']['total']['value']:.2f} times"
