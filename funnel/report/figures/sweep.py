"""The figures of a sweep along one axis: how much worse the proposal is, what the arms reach, and the law beside it."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from funnel.report.figures.arms import look_of, named, ordered
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import legend
from funnel.report.figures.style import INK, PER_CENT, whiskers
from funnel.report.points import SweepView

FACTOR = 4
"""least ratio of the greatest to the least value of an axis that is drawn by its logarithm"""
ASIDE = 0.06
"""how far apart arms stand on an axis of words, whose places are 1 apart"""
WIDE = 12
"""letters that the labels of an axis may have together before they are turned"""
SIGNED = FuncFormatter(lambda share, _: f"{100 * share:+.3g} %")
DIFFERENCES = {"candidates": "Candidates lost beyond the reference", "value": "Value forgone"}
LEVELS = {"lost": ("early", "Lost candidates"), "value": ("late", "Slate value, per slot")}
FRIENDS = {
    "rest_value": "Value without the new tasks",
    "bubble_prevalence": "Places with a bubble",
    "bubble_engagement": "Engagement on one",
}


def standing(view: SweepView) -> Figure:
    """Both axes of the verdict along the axis of the sweep, with the margins and where the mean passes them."""
    figure, proposal = Figure(figsize=(9.6, 4.0), layout="constrained"), view.scenario["proposal"]
    for axes, (axis, title) in zip(figure.subplots(1, 2), DIFFERENCES.items(), strict=True):
        axes.set_title(title)
        _margin(axes, axis, view.margin(axis))
        _turn(axes, view, axis)
        for place, at in enumerate(_places(view)):
            found = view.difference(place, axis)
            look = look_of(view, proposal) | {"label": None, "markersize": 7}
            fill = "none" if view.outcome(place, axis) == "undecided" else "full"
            axes.errorbar(at, found["value"], yerr=whiskers([found]), fillstyle=fill, **look)
        means = [view.difference(place, axis)["value"] for place in range(len(view.points))]
        axes.plot(_places(view), means, color=look_of(view, proposal)["color"], linewidth=1.2, zorder=1)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.yaxis.set_major_formatter(SIGNED)
        along(axes, view)
    return figure


def levels(view: SweepView) -> Figure:
    """Lost candidates and slate value of every arm, and the share of the gain that the proposal captures."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    *panels, last = figure.subplots(1, 3)
    for axes, (measure, (stage, title)) in zip(panels, LEVELS.items(), strict=True):
        axes.set_title(title)
        for arm in named(view):
            line(axes, view, arm, [view.estimate(place, arm, measure, stage) for place in range(len(view.points))])
    panels[0].yaxis.set_major_formatter(PER_CENT)
    last.set_title("Share of the gain captured")
    line(last, view, view.scenario["proposal"], [view.captured(place) for place in range(len(view.points))])
    last.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    last.yaxis.set_major_formatter(PER_CENT)
    for axes in (*panels, last):
        along(axes, view)
    legend(figure, panels)
    return figure


def friends(view: SweepView) -> Figure:
    """What the slate is worth without the new tasks, how many of its places carry a bubble, and what one brings."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, (measure, title) in zip(panels, FRIENDS.items(), strict=True):
        axes.set_title(title)
        for arm in named(view):
            line(axes, view, arm, [view.estimate(place, arm, measure, "late") for place in range(len(view.points))])
        if measure != "rest_value":
            axes.yaxis.set_major_formatter(PER_CENT)
        along(axes, view)
    legend(figure, panels)
    return figure


def law(view: SweepView) -> Figure:
    """Lost candidates as measured and as the survival law expects them, of proposal and reference."""
    figure = Figure(figsize=(9.6, 4.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, role in zip(panels, ("proposal", "reference"), strict=True):
        arm = view.scenario[role]
        axes.set_title(f"{role.capitalize()}: {arm}")
        found = [view.law(place, arm) for place in range(len(view.points))]
        line(axes, view, arm, [one["lost"] for one in found], label="measured")
        expected = [one["predicted_lost"] for one in found]
        line(axes, view, arm, expected, label="survival law", linestyle="--", fillstyle="none", color=INK)
        axes.yaxis.set_major_formatter(PER_CENT)
        along(axes, view)
        axes.legend(frameon=False)
    panels[0].set_ylabel("lost candidates")
    return figure


def line(axes: Axes, view: SweepView, arm: str, found: Sequence[Any], **look: Any) -> None:
    """The estimates of an arm along the axis, where it has any."""
    known = [(at, one) for at, one in zip(_places(view), found, strict=True) if one is not None]
    if not known:
        axes.text(0.5, 0.5, "not defined at any point", transform=axes.transAxes, ha="center", va="center")
        axes.set_xlim(min(_places(view)), max(_places(view)))
        return
    places, estimates = zip(*known, strict=True)
    axes.errorbar(
        [_aside(view, at, ordered(view).index(arm)) for at in places],
        [one["value"] for one in estimates],
        yerr=whiskers(estimates),
        linewidth=1.2,
        **look_of(view, arm) | look,
    )


def _aside(view: SweepView, at: float, arm: int) -> float:
    """Arms side by side on an axis of words or a logarithmic one, so that no interval hides another."""
    off = arm - (len(named(view)) - 1) / 2
    if _logarithmic(view):
        return at * (1 + 0.02 * off)
    return at if view.axes[0]["numeric"] else at + ASIDE * off


def _margin(axes: Axes, axis: str, margin: float) -> None:
    """A line at the margin; value may also be gained by it."""
    if axis == "value":
        axes.axhspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
    axes.axhline(margin, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate("margin", (1, margin), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9)


def _turn(axes: Axes, view: SweepView, axis: str) -> None:
    """Where the loss passes the margin, with its interval."""
    place = (view.summary["turns"] or {}).get(axis, {}).get("place")
    if place:
        axes.axvline(place["value"], color=INK, linewidth=1, linestyle="--")
        if place["low"] is not None:
            axes.axvspan(place["low"], place["high"], color=INK, alpha=0.12, linewidth=0)


def _logarithmic(view: SweepView) -> bool:
    values = view.values()
    return view.axes[0]["numeric"] and min(values) > 0 and max(values) >= FACTOR * min(values)


def _places(view: SweepView) -> list[float]:
    """Where the points stand: at their value, or side by side where the axis has words."""
    values = view.values()
    return [float(value) for value in values] if view.axes[0]["numeric"] else [float(at) for at in range(len(values))]


def along(axes: Axes, view: SweepView) -> None:
    """The ticks, the name and the grid of the axis."""
    labels = [f"{value:g}" if view.axes[0]["numeric"] else str(value) for value in view.values()]
    if _logarithmic(view):
        axes.set_xscale("log")
    if not view.axes[0]["numeric"]:
        axes.margins(x=0.1)  # room for arms that stand aside, and for what is written at the edge
    axes.xaxis.set_major_locator(FixedLocator(_places(view)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, place: labels[place] if place is not None else f"{at:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", rotation=45 if max(map(len, labels)) * len(labels) > WIDE else 0)
    axes.set_xlabel(view.axes[0]["name"])
    axes.grid(color=INK, alpha=0.15)


def standing_data(view: SweepView) -> Rows:
    """By point and axis of the verdict: difference, margin, outcome."""
    return [
        dict(view.points[place]["coordinates"])
        | {"axis": axis, "outcome": view.outcome(place, axis), "margin": view.margin(axis)}
        | ends(view.difference(place, axis))
        for axis in DIFFERENCES
        for place in range(len(view.points))
    ]


def levels_data(view: SweepView) -> Rows:
    """By point and arm: lost candidates and slate value; by point: the share captured."""
    rows = [
        dict(point["coordinates"]) | {"arm": arm, "measure": measure} | ends(view.estimate(place, arm, measure, stage))
        for measure, (stage, _) in LEVELS.items()
        for place, point in enumerate(view.points)
        for arm in view.arms
    ]
    proposal = view.scenario["proposal"]
    return rows + [
        dict(point["coordinates"]) | {"arm": proposal, "measure": "captured"} | ends(view.captured(place))
        for place, point in enumerate(view.points)
    ]


def friends_data(view: SweepView) -> Rows:
    """By point and arm: value without the new tasks, prevalence of bubbles, engagement on one."""
    return [
        dict(point["coordinates"]) | {"arm": arm, "measure": measure} | ends(view.estimate(place, arm, measure, "late"))
        for measure in FRIENDS
        for place, point in enumerate(view.points)
        for arm in view.arms
    ]


def law_data(view: SweepView) -> Rows:
    """By point and arm: correlation, lost candidates as the law expects them, and as measured."""
    return [
        dict(point["coordinates"]) | {"arm": arm, "measure": measure} | ends(found)
        for place, point in enumerate(view.points)
        for arm in (view.scenario["proposal"], view.scenario["reference"])
        for measure, found in view.law(place, arm).items()
    ]


def ends(found: Any) -> dict[str, Any]:
    """The numbers of an estimate, as data has them."""
    return {name: found[name] if found else None for name in ("value", "low", "high", "n")}


def standing_caption(view: SweepView) -> str:
    turned = "The dashed lines mark where the loss passes the margin, the bands around them the intervals. "
    marked = any(turn["place"] for turn in (view.summary["turns"] or {}).values())
    return (
        f"How much worse `{view.scenario['proposal']}` is than `{view.scenario['reference']}`, along {view.along()}, "
        "paired by seed; higher is worse. A full mark is decided: its whole interval is on one side of the margin, or "
        "inside both; a hollow one is undecided. Safe is where the candidates are under the margin and the value "
        f"between its two. {turned if marked else ''}{view.behind}"
    )


def levels_caption(view: SweepView) -> str:
    return (
        f"What the arms reach {view.each}. Left, lower is better; middle and right, higher is. Captured is the share "
        f"of the gain of `{view.scenario['reference']}` over `{view.scenario['baseline']}` in slate value that "
        f"`{view.scenario['proposal']}` gets as well, left out where that gain is not clearly positive. {view.behind}"
    )


def friends_caption(view: SweepView) -> str:
    return (
        "Left, what a place of the slate is worth without the tasks of the change; middle, how many places carry a "
        "bubble; right, the true probability of engagement on a place that does. More bubbles need not each bring as "
        f"much. {view.behind}"
    )


def law_caption(view: SweepView) -> str:
    return (
        "Dashed: lost candidates that a bivariate normal with the measured correlation of the early score and the "
        "reference's late score would lose at the same pool and budget. Where the measured line is above it, the "
        "stages agree less on the top of the pool than on the bulk: what is lost is not noise but something that the "
        f"early stage does not know. {view.behind}"
    )
