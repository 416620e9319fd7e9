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
LEAST = 0.0005
"""difference in cost from which it is told, as a share"""


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints of the repairs, beside their figures."""
    found = view.summary["repairs"]
    return {"sentence": found["sentence"], "equal_keep": view.summary["equal_keep"]["sentence"], "table": _table(view)}


def _table(view: View) -> Table:
    rows = tuple((told(view, arm), _row(view, view.entries[arm])) for arm in ordered(view))
    note = (
        "Costs are millions of multiply-adds a request. Gain and credit are of slate value, relative; under the credit "
        "stands the control, and by how much the arm costs more or less than that: an early stage that learns from the "
        f"late one has one more tower, which its control may not have. {_intervals(view)}"
    )
    return Table("All arms, by cost and by gain", note, HEADER, rows, corner="arm")


def _intervals(view: View) -> str:
    """What the table's intervals are, or why it has none."""
    reference = view.scenario["reference"]
    if view.seeds == 1:
        return (
            f"The last two columns hold each arm against `{reference}`. n = 1 seed: nothing here has an interval, so "
            "nothing is decided."
        )
    return (
        "Gain, credit and lost candidates have plain 95 % intervals, corrected for nothing. The last two columns hold "
        f"each arm against `{reference}`, corrected for {len(view.summary['judgements'])} arms: the outcome of the "
        "axis, the Bonferroni interval of the difference, Holm's p, and for what is undecided the number of seeds that "
        "would decide it."
    )


def _row(view: View, entry: Mapping[str, Any]) -> tuple[Number, ...]:
    costs = (_cost(entry["macs"][stage]) for stage in ("early", "late"))
    gain = _number(view, entry["gain"], signed=True)
    lost = _number(view, entry["lost"])
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
    """What is the repair's own, over which control, and how the two differ in cost."""
    if entry["credit"] is None:
        return NONE
    found, control = _number(view, entry["credit"], signed=True), view.entries[entry["control"]]
    dearer = entry["macs"]["total"]["value"] / control["macs"]["total"]["value"] - 1
    cost = [f"at {text(dearer, 'share', signed=True)} cost"] if abs(dearer) >= LEAST else []
    lines = [found.detail, f"over {entry['control']}", *cost]
    return replace(found, detail="\n".join(filter(None, lines)))


def _number(view: View, found: Mapping[str, Any], signed: bool = False) -> Number:
    """A share that has no bootstrap beside it; of one seed bare, since the table's note says so once."""
    told = number({"bootstrap_low": None} | dict(found), "share", view.seeds, signed)
    return replace(told, detail="") if view.seeds == 1 else told


def _axis(axis: Mapping[str, Any]) -> Number:
    """The outcome, and under it what it rests on."""
    found, seeds, p = axis["difference"], axis["seeds_to_decide"], axis["p"]
    if found["low"] is None:
        return Number(axis["outcome"], "")
    if found["low"] == found["high"] == 0:
        return Number(axis["outcome"], "the same in every seed", value=0.0)
    ends = " to ".join(text(found[end], "points", signed=True).removesuffix(" pt") for end in ("low", "high"))
    told = "p < 0.001" if p < 0.001 else f"p {p:.3f}"
    more = f", {seeds if seeds <= MOST_SEEDS else f'over {MOST_SEEDS}'} seeds" if seeds else ""
    return Number(axis["outcome"], f"{ends}\n{told}{more}", value=found["value"])
