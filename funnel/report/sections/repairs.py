"""The table of all arms as repairs: what each costs, gains and is credited with, and how it is judged."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from funnel.metrics.axes import MOST_SEEDS
from funnel.report.figures.arms import ordered, told
from funnel.report.table import Table
from funnel.report.view import Number, View, number, text

HEADER = (
    "early cost",
    "late cost",
    "lost candidates",
    "gain over the baseline",
    "credit over its control",
    "candidates, points",
    "value, % forgone",
)
NONE = Number("", "")


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints of the repairs, beside their figures."""
    found = view.summary["repairs"]
    return {"sentence": found["sentence"], "equal_keep": view.summary["equal_keep"]["sentence"], "table": _table(view)}


def _table(view: View) -> Table:
    rows = tuple((told(view, arm), _row(view, view.entries[arm])) for arm in ordered(view))
    note = (
        f"Costs are millions of multiply-adds a request. Gain and credit are of slate value, relative. The last two "
        f"columns hold each arm against `{view.scenario['reference']}`, corrected for "
        f"{len(view.summary['judgements'])} arms: the outcome of the axis, the Bonferroni interval of the difference, "
        "Holm's p, and for what is undecided the number of seeds that would decide it."
    )
    return Table("All arms, by cost and by gain", note, HEADER, rows, corner="arm")


def _row(view: View, entry: Mapping[str, Any]) -> tuple[Number, ...]:
    costs = (_cost(entry["macs"][stage]) for stage in ("early", "late"))
    gain = number(_alone(entry["gain"]), "share", view.seeds, signed=True)
    lost = number(_alone(entry["lost"]), "share", view.seeds)
    judged = view.summary["judgements"].get(entry["arm"])
    verdicts = (_axis(judged[axis]) if judged else NONE for axis in ("candidates", "value"))
    return (*costs, lost, gain, _credit(view, entry), *verdicts)


def _cost(found: Mapping[str, Any]) -> Number:
    """Millions; with an interval only where seeds differ, since most costs are a matter of the spec alone."""
    told = f"{found['value'] / 1e6:.2f}"
    same = found["low"] is None or found["low"] == found["high"]
    ends = "" if same else " to ".join(f"{found[end] / 1e6:.2f}" for end in ("low", "high"))
    return Number(told, ends, value=found["value"])


def _credit(view: View, entry: Mapping[str, Any]) -> Number:
    """What is the repair's own, and over which control."""
    if entry["credit"] is None:
        return NONE
    found = number(_alone(entry["credit"]), "share", view.seeds, signed=True)
    return replace(found, detail=f"{found.detail}\nover {entry['control']}")


def _alone(found: Mapping[str, Any]) -> dict[str, Any]:
    """An estimate that has no bootstrap beside it."""
    return {"bootstrap_low": None} | dict(found)


def _axis(axis: Mapping[str, Any]) -> Number:
    """The outcome, and under it what it rests on."""
    found, seeds, p = axis["difference"], axis["seeds_to_decide"], axis["p"]
    if found["low"] is None:
        return Number(axis["outcome"], "1 seed")
    if found["low"] == found["high"] == 0:
        return Number(axis["outcome"], "the same in every seed", value=0.0)
    ends = " to ".join(text(found[end], "points", signed=True).removesuffix(" pt") for end in ("low", "high"))
    told = "p < 0.001" if p < 0.001 else f"p {p:.3f}"
    more = f", {seeds if seeds <= MOST_SEEDS else f'over {MOST_SEEDS}'} seeds" if seeds else ""
    return Number(axis["outcome"], f"{ends}\n{told}{more}", value=found["value"])
