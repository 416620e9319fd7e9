"""The world and the data: what the data is, what of the world comes from it and how well, and what is assumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from funnel.report import settings
from funnel.report.account import LAWS, SCORERS, Account
from funnel.report.figures.catalogue import of_world, save
from funnel.report.table import Table
from funnel.report.view import Number, text

SHAPES = {
    "gini": ("Gini coefficient", "ratio"),
    "top": ("share of the top per cent", "share"),
    "mean": ("mean", "count"),
}


def section(found: Mapping[str, Any] | None, folder: Path) -> dict[str, Any] | None:
    """Everything that the template prints, the figures drawn into the folder; None of a world that is not fitted.

    Args:
        found: the key `world` of a summary.
    """
    if found is None:
        return None
    account = Account(found)
    return {
        "figures": {plot["name"]: plot for plot in save(of_world(account), account, folder)},
        "source": found["source"],
        "layout": found["layout"],
        "counts": [(name, _of(count, found["whole"][name])) for name, count in account.counts.items()],
        "graph": found["graph"],
        "dropped": found["dropped"],
        "fitted": found["fitted"],
        "assumed": [part | {"value": settings.plain(part["value"])} for part in found["assumed"]],
        "gains": _gains(account),
        "laws": _laws(account.laws),
        "balance": _balance(account.social),
        "social": account.social,
    }


def _of(count: int, whole: int) -> str:
    """How many the world has, and of how many in the data if it has not all."""
    return f"{count:,}" if count == whole else f"{count:,} of {whole:,}"


def _gains(account: Account) -> Table:
    measures = account.quality["measures"]
    rows = [
        (f"{measure}, {SCORERS[name]} less popularity", (_estimate(gain),))
        for measure, found in (
            ("AUC", measures["auc"]),
            (f"recall of the first {account.quality['first']}", measures["recall"]),
        )
        for name, gain in found["over_popularity"].items()
    ]
    note = f"Paired by user. Bold: the interval leaves out zero. {account.behind(account.quality)}"
    return Table("What the fit adds to popularity", note, ("difference",), tuple(rows))


def _estimate(found: Mapping[str, float]) -> Number:
    ends = (text(found[end], "points", signed=True) for end in ("low", "high"))
    clear = found["low"] > 0 or found["high"] < 0
    return Number(text(found["value"], "points", signed=True), " to ".join(ends), clear, found["value"])


def _laws(laws: Mapping[str, Any]) -> Table:
    rows = []
    for name, law in laws.items():
        for key, (word, unit) in SHAPES.items():
            cells = (Number(text(law[key][side], unit), "", value=law[key][side]) for side in ("data", "world"))
            rows.append((f"{LAWS[name]}, {word}", (*cells, _distance(law) if key == "gini" else Number("", ""))))
    return Table(
        "Laws, in numbers",
        "Distance: Kolmogorov-Smirnov, the greatest gap of the shares with at most so many.",
        ("data", "world", "distance"),
        tuple(rows),
    )


def _distance(law: Mapping[str, Any]) -> Number:
    return Number(text(law["distance"], "ratio"), "of the whole law", value=law["distance"])


def _balance(social: Mapping[str, Any]) -> Table | None:
    """How alike friends and stand-ins are; None where there are none."""
    if not social["measured"]:
        return None
    words = {"friend": "friends", "alike": "strangers of the friends' tastes", "stranger": "strangers at random"}
    columns = ("match", "activity", "overlap")
    rows = tuple(
        (label, tuple(Number(text(social["balance"][side][column], "ratio"), "") for column in columns))
        for side, label in words.items()
    )
    note = (
        "Match: of fitted tastes with the user's, about standard normal over random pairs. Activity: log of known "
        "interactions. Overlap: items that both have over items that either has."
    )
    return Table("How alike those are who stand beside a user", note, ("match", "log activity", "overlap"), rows, "who")
