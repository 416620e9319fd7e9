"""The figures of the funnel: who lost the best items, and what they were worth."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from funnel.report.figures.arms import GREY, NAMED, look_of, named, ordered, rest, told
from funnel.report.figures.data import Rows, of_arms
from funnel.report.figures.panels import legend
from funnel.report.figures.style import INK, PER_CENT, whiskers
from funnel.report.view import View

FATES = {
    "shown": ("shown", "#0072B2", "white"),
    "late": ("lost at late", "#E69F00", "black"),
    "early": ("lost at early", "#D55E00", "white"),
    "retrieval": ("lost at retrieval", "#B8BDC4", "black"),
}
"""what became of an item or of value: label, colour, and colour of the text on it"""
LOST = ("retrieval", "early", "late")
WHISKER: dict[str, Any] = {"color": INK, "capsize": 2, "elinewidth": 1}
BELOW = 0.43
"""where below a bar's middle its interval stands: between the bars, on the ground of the page"""
STAGES = ("retrieval", "early", "late")
PANELS = (("friend", "Friend items"), ("other", "Other items"))
READABLE = 0.035
"""share of a figure's width from which a part of a bar is wide enough for its label"""


def funnel_recall(view: View) -> Figure:
    """Recall of the oracle set after every stage, a line an arm, friend items and others apart."""
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (slice_, title) in zip(panels, PANELS, strict=True):
        axes.set_title(title)
        for arm in ordered(view):
            _recall_line(axes, view, arm, slice_)
        axes.set_xticks(range(len(STAGES)), STAGES)
        axes.set_xlim(-0.35, len(STAGES) - 0.65)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PER_CENT)
        axes.grid(axis="y", color=INK, alpha=0.15)
        if not axes.lines:
            axes.text(0.5, 0.5, "no such items in the oracle set", transform=axes.transAxes, ha="center")
    panels[0].set_ylabel("share of the oracle set")
    legend(figure, panels)
    return figure


def _recall_line(axes: Axes, view: View, arm: str, slice_: str) -> None:
    """Draw one arm, if the slice has items."""
    found = [view.estimate(arm, "recall", stage, slice_) for stage in STAGES]
    if any(estimate["value"] is None for estimate in found):
        return
    shares, coloured = [estimate["value"] for estimate in found], named(view)
    if arm not in coloured:
        axes.plot(range(len(STAGES)), shares, color=GREY, linewidth=0.8, alpha=0.6, zorder=1)
        return
    shift = 0.07 * (coloured.index(arm) - (len(coloured) - 1) / 2)  # side by side: no interval hides another
    stations = [shift + stage for stage in range(len(STAGES))]
    axes.errorbar(stations, shares, yerr=whiskers(found), linewidth=1.2, **look_of(view, arm))


def value_waterfall(view: View) -> Figure:
    """The oracle's value by what became of it, a bar an arm: all of it, and what was lost on a scale of its own."""
    figure = Figure(figsize=(9.6, 1.4 + _height(view)), layout=ConstrainedLayoutEngine(wspace=0.06))
    whole, lost = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    _stacked(whole, view, "waterfall", "all", tuple(FATES), readable=2.5 * READABLE)
    whole.set_xlabel("share of the oracle's value")
    whole.set_xticks([0, 0.5, 1])
    _stacked(lost, view, "waterfall", "all", LOST, readable=READABLE)
    lost.set_xlabel("of it lost, on a scale of its own")
    _fates_legend(figure, whole)
    return figure


def oracle_fates(view: View) -> Figure:
    """Where the oracle's items ended, a bar an arm, friend items and others apart."""
    figure = Figure(figsize=(9.6, 1.5 + _height(view)), layout=ConstrainedLayoutEngine(wspace=0.06))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (slice_, title) in zip(panels, PANELS, strict=True):
        axes.set_title(title)
        _stacked(axes, view, "terminal", slice_, tuple(FATES), readable=2 * READABLE)  # half the width
        axes.set_xlabel("share of the oracle's items")
        axes.set_xticks([0, 0.5, 1])  # fewer, so that the panels' end labels do not meet
    _fates_legend(figure, *panels)
    return figure


def _height(view: View) -> float:
    """Inches of the bars of all arms."""
    return (0.42 if len(view.arms) <= NAMED else 0.3) * len(view.arms)


def _stacked(axes: Axes, view: View, measure: str, slice_: str, fates: tuple[str, ...], readable: float) -> None:
    """One horizontal bar an arm; parts from the share `readable` of the axis on carry their number.

    The parts of all fates add up to 1, so one interval is enough: of what was shown, or of all that was lost.
    """
    arms, widest = ordered(view), _widest(view, measure, slice_, fates)
    for row, arm in enumerate(arms):
        found = {fate: view.estimate(arm, measure, fate, slice_) for fate in FATES}
        if any(estimate["value"] is None for estimate in found.values()):
            axes.text(widest / 2, row, "no such items", ha="center", va="center")
            continue
        left = 0.0
        for fate in fates:
            left = _part(axes, row, left, fate, found[fate]["value"], readable * widest)
        ends = whiskers([found["shown"]])
        if "shown" in fates:
            axes.errorbar([found["shown"]["value"]], [row + BELOW], xerr=ends, **WHISKER)
        else:
            axes.errorbar([left], [row + BELOW], xerr=ends[::-1], **WHISKER)
    axes.set_yticks(range(len(arms)), [told(view, arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlim(0, widest)
    axes.xaxis.set_major_formatter(PER_CENT)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _widest(view: View, measure: str, slice_: str, fates: tuple[str, ...]) -> float:
    """Where the axis ends: at 1, or beyond the longest bar and its interval."""
    if "shown" in fates:
        return 1.0
    shown = [view.estimate(arm, measure, "shown", slice_) for arm in view.arms]
    known = [estimate for estimate in shown if estimate["value"] is not None]
    lows = [estimate["value"] - below for estimate, below in zip(known, whiskers(known)[0], strict=True)]
    return 1.04 * (1 - min(lows, default=0.0))


def _part(axes: Axes, row: int, left: float, fate: str, share: float, readable: float) -> float:
    """One part of a bar, its number in its middle; returns where the next begins."""
    label, colour, ink = FATES[fate]
    axes.barh(row, share, left=left, color=colour, height=0.72, label=label if row == 0 else "_")
    if share >= readable:
        axes.text(left + share / 2, row, f"{100 * share:.1f}", ha="center", va="center", color=ink, fontsize=9)
    return left + share


def _fates_legend(figure: Figure, *panels: Axes) -> None:
    found = {label: bar for axes in panels for bar, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if found:
        figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=len(FATES), frameon=False)


def recall_data(view: View) -> Rows:
    return of_arms(view, "recall", STAGES, [slice_ for slice_, _ in PANELS])


def waterfall_data(view: View) -> Rows:
    return of_arms(view, "waterfall", FATES)


def fates_data(view: View) -> Rows:
    return of_arms(view, "terminal", FATES, [slice_ for slice_, _ in PANELS])


def recall_caption(view: View) -> str:
    return (
        "Recall of the oracle set, the items of the whole corpus with the greatest true value, after each stage. Look "
        "for the step at which arms part, and whether it is the same step for friend items and for others. A change "
        f"that the early stage cannot see leaves the arms together up to `early`.{rest(view)} {view.behind}"
    )


def waterfall_caption(view: View) -> str:
    return (
        "Left, each bar is the oracle's value: what the slate realises, and what the best slate lost at each stage; "
        "the parts add up to 100. Right, the lost parts alone, larger. Since parts add up one interval is enough, the "
        "thin line at the end of what is shown, or of all that is lost; the tables give those of all parts. Narrow "
        f"parts are not labelled. {view.behind}"
    )


def fates_caption(view: View) -> str:
    return (
        "Where the items of the oracle set ended. A wide `lost at early` among friend items beside a narrow one among "
        "others is a change that the early stage does not follow. Bars add up to 100; the thin line is the interval "
        f"of the part shown, which is recall after late. {view.behind}"
    )
