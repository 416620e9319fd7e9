"""What other budgets of the early stage would do with an arm's own predictions."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from funnel.metrics.intervals import t_interval
from funnel.report.figures.arms import GREY, look_of, ordered, told_apart
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import legend
from funnel.report.figures.style import INK, PER_CENT, whiskers
from funnel.report.view import View

TITLES = {"lost": "Lost candidates", "value": "Slate value against the reference's"}


def keep_curve(view: View) -> Figure:
    """Candidates lost, and slate value against that of the reference at its own budget, a line an arm."""
    rows = keep_data(view)
    figure = Figure(figsize=(9.6, 4.0), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, (measure, title) in zip(panels, TITLES.items(), strict=True):
        axes.set_title(title)
        for arm in ordered(view):
            _curve(axes, view, arm, [row for row in rows if row["arm"] == arm and row["measure"] == measure])
        _equal(axes, view)
        _budget_axis(axes, sorted({row["keep"] for row in rows if row["arm"] in view.judged}))
    margin = view.summary["verdict"]["value"]["margin"]
    panels[1].axhspan(-margin, margin, color=INK, alpha=0.1, linewidth=0)
    panels[0].set_ylim(0, min(1.0, panels[0].get_ylim()[1]))
    panels[0].yaxis.set_major_formatter(PER_CENT)
    panels[1].yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.3g} %"))
    legend(figure, panels)
    return figure


def _curve(axes: Axes, view: View, arm: str, rows: Rows) -> None:
    coloured = told_apart(view)
    if arm not in coloured:
        axes.plot(*_points(rows), color=GREY, linewidth=0.8, alpha=0.5, zorder=1)
        return
    keeps, values = _points(rows)
    aside = 1 + 0.02 * (coloured.index(arm) - (len(coloured) - 1) / 2)  # side by side: no interval hides another
    axes.errorbar(aside * keeps, values, yerr=whiskers(rows), linewidth=1.2, **look_of(view, arm) | {"markersize": 4})


def _points(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row["keep"] for row in rows], float), np.array([row["value"] for row in rows], float)


def _budget_axis(axes: Axes, budgets: list[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(budgets))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda keep, _: f"{keep:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("candidates that the early stage keeps")
    axes.grid(color=INK, alpha=0.15)


def _equal(axes: Axes, view: View) -> None:
    """Where the proposal is worth what the reference is at its own budget."""
    keep = view.summary["equal_keep"]["keep"]
    if keep:
        axes.axvline(keep["value"], color=INK, linewidth=1, linestyle="--")
        if keep["low"] is not None:
            axes.axvspan(keep["low"], keep["high"], color=INK, alpha=0.1, linewidth=0)


def keep_data(view: View) -> Rows:
    """By arm and budget: `lost` as it is, `value` relative to the reference at its own budget, paired by seed."""
    curve = view.found.table("keep_curve")
    reference = view.scenario["reference"]
    own = view.spec["arms"][reference]["stages"]["early"]["keep"]
    worth = curve.filter((pl.col("arm") == reference) & (pl.col("keep") == own)).select("seed", worth="value")
    paired = curve.join(worth, on="seed").with_columns(value=pl.col("value") / pl.col("worth") - 1)
    return [
        {"arm": arm, "keep": keep, "measure": measure} | _interval(seeds[measure])
        for (arm, keep), seeds in paired.sort("keep").group_by("arm", "keep", maintain_order=True)
        for measure in TITLES
    ]


def _interval(values: pl.Series) -> dict[str, float | int | None]:
    found = t_interval(values.to_numpy())
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def keep_caption(view: View) -> str:
    return (
        "What other budgets of the early stage would do with the predictions that an arm has: nothing is trained anew, "
        "and late costs grow with the budget. Right, paired by seed; the level band is the verdict's margin."
        f"{_marked(view)}{_grey(view)} {view.over_seeds}"
    )


def _marked(view: View) -> str:
    keep, (proposal, reference) = view.summary["equal_keep"]["keep"], view.compared
    if not keep:
        return ""
    band = "" if keep["low"] is None else ", the band around it the interval"
    return f" The dashed line marks the budget at which `{proposal}` is worth what `{reference}` is at its own{band}."


def _grey(view: View) -> str:
    others = len(view.arms) - len(told_apart(view))
    if not others:
        return ""
    bare = "" if view.seeds == 1 else ", drawn without their intervals, which the data has"
    return f" Grey: the {others} other arms{bare}; those with the same predictions share a curve."
