"""What repairs cost and what they gain."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from funnel.report.figures import labels
from funnel.report.figures.arms import GREY, look_of
from funnel.report.figures.data import Rows
from funnel.report.figures.style import ARM_COLOURS, INK, whiskers
from funnel.report.view import View

FRONTIER = ARM_COLOURS[3]
"""no arm of the verdict has it"""
CONTROL: dict[str, Any] = {"marker": "s", "color": GREY, "markersize": 4, "label": "control"}
OTHER: dict[str, Any] = {"marker": "o", "color": INK, "markersize": 4.5, "fillstyle": "none", "label": "other arms"}
RING: dict[str, Any] = {
    "marker": "o",
    "color": FRONTIER,
    "markersize": 11,
    "markeredgewidth": 1.6,
    "fillstyle": "none",
    "label": "ringed: efficient",
}
"""around the mark of an efficient arm, whatever that is"""

BEYOND, LEAST = 0.25, 0.005
"""how far the axis of gains reaches beyond them: a share of their range, and a gain at least; whiskers may leave it"""

Entry = Mapping[str, Any]


def repairs(view: View) -> Figure:
    """Gain over the baseline against multiply-adds, a point an arm; the efficient ones joined."""
    entries = view.entries
    figure = Figure(figsize=(9.6, 4.2 + 0.1 * len(entries)), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=0.8)
    _links(axes, view)
    best = _frontier(axes, view)
    for entry in entries.values():
        _mark(axes, view, entry)
        if entry["efficient"]:
            axes.plot([_cost(entry)], [entry["gain"]["value"]], linestyle="none", zorder=4, **RING)
    _axes(axes, [entry["gain"]["value"] for entry in entries.values()])
    _legend(figure, axes)
    first = sorted(entries.values(), key=lambda entry: (entry["arm"] not in view.judged, not entry["efficient"]))
    points = [(_cost(entry), entry["gain"]["value"]) for entry in first]
    left, right = axes.get_xlim()
    lines = [(left, 0.0, right, 0.0), *best, *map(_whisker, first)]
    labels.write(axes, points, [entry["arm"] for entry in first], lines)
    return figure


def _mark(axes: Axes, view: View, entry: Entry) -> None:
    """One arm; intervals step back behind the points, since there are many."""
    look = {"elinewidth": 0.7, "capsize": 1.5} | _look(view, entry)
    look["ecolor"] = look["color"] if entry["arm"] in view.judged else GREY
    gain, front = entry["gain"], 5 if entry["arm"] in view.judged else 3
    axes.errorbar([_cost(entry)], [gain["value"]], yerr=whiskers([gain]), linestyle="none", zorder=front, **look)


def _whisker(entry: Entry) -> tuple[float, float, float, float]:
    """The interval of a point as a line."""
    below, above = (side[0] for side in whiskers([entry["gain"]]))
    return _cost(entry), entry["gain"]["value"] - below, _cost(entry), entry["gain"]["value"] + above


def _cost(entry: Entry) -> float:
    return entry["macs"]["total"]["value"]


def _look(view: View, entry: Entry) -> dict[str, Any]:
    """Arms of the verdict look as everywhere; of the others shape tells repairs from controls."""
    if entry["arm"] in view.judged:
        return look_of(view, entry["arm"]) | {"markersize": 8}
    return CONTROL if view.summary["arms"][entry["arm"]]["role"] == "control" else OTHER


def _links(axes: Axes, view: View) -> None:
    """A thin line from every arm to its control."""
    for entry in view.entries.values():
        if entry["control"]:
            control = view.entries[entry["control"]]
            costs, gains = (_cost(control), _cost(entry)), (control["gain"]["value"], entry["gain"]["value"])
            axes.plot(costs, gains, color=GREY, linewidth=0.9, linestyle=":", zorder=1)


def _frontier(axes: Axes, view: View) -> list[tuple[float, float, float, float]]:
    """Draw the steps that no arm is above, which is what a given cost can buy; returns them as lines."""
    best = sorted((_cost(entry), entry["gain"]["value"]) for entry in view.entries.values() if entry["efficient"])
    axes.plot(*zip(*best, strict=True), drawstyle="steps-post", color=FRONTIER, linewidth=1.4, zorder=2)
    steps = list(pairwise(best))
    return [(x, y, right, y) for (x, y), (right, _) in steps] + [
        (right, y, right, top) for (_, y), (right, top) in steps
    ]


def _axes(axes: Axes, gains: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.margins(x=0.12)
    beyond = max(BEYOND * (max(gains) - min(gains)), LEAST)
    axes.set_ylim(min(gains) - beyond, max(gains) + beyond)
    axes.set_xlabel("multiply-adds a request, early and late stage")
    axes.set_ylabel("slate value over the baseline's")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.3g} %"))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # it may span less than one power of ten
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color=INK, alpha=0.15)


def _short(count: float, _: int) -> str:
    for unit, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if count >= unit:
            return f"{count / unit:g}{word}"
    return f"{count:g}"


def _legend(figure: Figure, axes: Axes) -> None:
    """Only the kinds: arms are named where they stand."""
    kinds = (RING, OTHER, CONTROL)
    for kind in kinds:
        axes.plot([], [], linestyle="none", **kind)
    axes.plot([], [], color=GREY, linestyle=":", label="to its control")
    handles, names = axes.get_legend_handles_labels()
    told = [*(kind["label"] for kind in kinds), "to its control"]
    shown = dict(reversed([(name, handle) for handle, name in zip(handles, names, strict=True) if name in told]))
    figure.legend([shown[name] for name in told], told, loc="outside lower center", ncols=4, frameon=False)


def repairs_data(view: View) -> Rows:
    return [
        {
            "arm": entry["arm"],
            "role": view.summary["arms"][entry["arm"]]["role"],
            "control": entry["control"],
            **{f"macs_{stage}": cost["value"] for stage, cost in entry["macs"].items()},
            **{f"gain_{end}": entry["gain"][end] for end in ("value", "low", "high", "n")},
            "efficient": entry["efficient"],
            "adequate": entry["adequate"],
        }
        for entry in view.entries.values()
    ]


def repairs_caption(view: View) -> str:
    baseline = view.scenario["baseline"]
    return (
        f"True slate value over that of `{baseline}` against the multiply-adds of early and late stage. An arm is "
        "efficient (ringed) where no other costs less and gains as much; the step line joins those, and what lies "
        "under it pays for nothing. A dotted line leads from an arm to its control, which has the budget without the "
        "repair: only the height between the two is the repair's own. Means decide what is efficient; where whiskers "
        f"overlap, luck may have. A whisker that leaves the panel is cut off; the table gives all. {view.over_seeds}"
    )
