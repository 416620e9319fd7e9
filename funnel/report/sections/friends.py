"""Friends: what the closeness model of every arm knows, and which of them cheats."""

from typing import Any

from funnel.report.table import Table, of_arms
from funnel.report.view import Address, View

CHEATS = ("latent",)
"""kinds of closeness model that read what nobody can observe"""
WHO = {"all": "all", "friends_low": "fewest friends", "friends_middle": "middle", "friends_high": "most friends"}
LINES: tuple[tuple[str, Address], ...] = (
    *((f"AUC, {who}", ("closeness_auc", "", slice_, "")) for slice_, who in WHO.items()),
    *((f"Predicted over true, {who}", ("closeness_calibration", "", slice_, "")) for slice_, who in WHO.items()),
)


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints beside the figures."""
    return {"tables": [_table(view), _outcomes(view)], "cheats": cheating(view)}


def cheating(view: View) -> list[str]:
    """The arms whose closeness model is handed the truth."""
    arms = view.spec["arms"]
    return [arm for arm in view.arms if arms[arm].get("closeness", {}).get("kind") in CHEATS]


def _table(view: View) -> Table:
    rows = tuple((label, tuple(view.cell(arm, address) for arm in view.arms)) for label, address in LINES)
    note = (
        "Of all friendships, in thirds by the friend count of the user who has fewer. AUC: one half is chance. "
        "Predicted over true: the sum of the probabilities of being close over how many are; models that learn from "
        "no answers give none."
    )
    return of_arms("What the closeness estimate knows", note, tuple(view.arms), rows)


def _outcomes(view: View) -> Table:
    rows = tuple(
        (f"{address[3]}, {_kind(address[2])}", tuple(view.cell(arm, address) for arm in view.arms))
        for address in view.addresses("bubble_outcomes")
    )
    note = (
        "Mean true probability on the places of the slate that carry a bubble, by what it shows. Expressive: a friend "
        "shown reacted with more than a like. Differences between items that a ranker chose, and no effect of a cue."
    )
    return of_arms("What a bubble comes with", note, tuple(view.arms), rows)


def _kind(slice_: str) -> str:
    return f"{slice_.removeprefix('shown_')} shown" if slice_.startswith("shown_") else slice_
