"""Does learning together pay: transfer of every head, of every pair of tasks, and what could be dropped."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from funnel.report.diagnosis import Ranker
from funnel.report.figures.arms import look_of
from funnel.report.figures.panels import WIDTH, behind, diagnosed, legend, side_by_side, tasks_of, words
from funnel.report.figures.style import INK, whiskers
from funnel.report.view import View
from funnel.scenario.estimates import Estimate

DIVERGING = LinearSegmentedColormap.from_list("transfer", ["#D55E00", "#f7f7f7", "#0072B2"])
"""vermilion is worse, blue is better"""
WIDEST = 0.5
"""transfer up to which a panel reaches; a task whose own loss is nearly 0 may have any"""
STRONGEST = 0.2
"""improvement from which colours get no stronger"""


def transfer(view: View) -> Figure:
    """Transfer improvement ratio of every head, a panel a stage, a row a task, a mark a ranker."""
    diagnosis = diagnosed(view)
    tasks = {stage: tasks_of(diagnosis.of_stage(stage)) for stage in diagnosis.stages}
    figure = Figure(figsize=(WIDTH, 1.5 + 0.34 * max(map(len, tasks.values()))), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axes, stage in zip(panels, tasks, strict=True):
        axes.set_title(f"{stage.capitalize()} rankers")
        rankers = diagnosis.of_stage(stage)
        for place, ranker in enumerate(rankers):
            _transfer_marks(axes, view, ranker, tasks[stage], side_by_side(place, len(rankers)))
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.axvline(diagnosis.thresholds["sinks"], color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(tasks[stage])), tasks[stage])
        axes.set_ylim(len(tasks[stage]) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        axes.set_xlabel("improvement of the held-out loss")
        found = [entry for ranker in rankers for entry in diagnosis.estimates(ranker, "transfer")]
        axes.set_xlim(_around([entry["value"] for entry in found]))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="x", color=INK, alpha=0.15)
    legend(figure, panels)
    return figure


def transfer_caption(view: View) -> str:
    sinks = diagnosed(view).thresholds["sinks"]
    return (
        "Transfer improvement ratio of every head: how much lower its held-out loss is in the ranker than in a "
        "well-trained network that the task has to itself. Left of 0 sharing costs the task; with the whole interval "
        f"left of the dotted line ({100 * sinks:g} %) it should be taken out or get experts of its own. What "
        f"leaves its panel is cut off; the table gives all. {behind(view)}"
    )


def _around(values: Sequence[float]) -> tuple[float, float]:
    """Limits that show the values well; an interval may be far wider, and would flatten them."""
    low, high = max(-WIDEST, min([-0.06, *values])), min(WIDEST, max([0.02, *values]))
    return low - 0.4 * (high - low), high + 0.4 * (high - low)


def _transfer_marks(axes: Axes, view: View, ranker: Ranker, tasks: Sequence[str], shift: float) -> None:
    found = diagnosed(view).estimates(ranker, "transfer")
    if found:
        axes.errorbar(
            [entry["value"] for entry in found],
            [tasks.index(entry["task"]) + shift for entry in found],
            xerr=whiskers(found),
            linestyle="none",
            **look_of(view, ranker["arm"]),
        )


def pair_transfer(view: View) -> Figure:
    """What training with another task does to each, a panel a ranker of the proposal."""
    return _heat_maps(view, "pair_transfer", "other", "trained with", "effect on")


def pair_transfer_caption(view: View) -> str:
    return (
        "The pairwise transfer matrix of the proposal's rankers, in per cent: each row a task, each column the one "
        "that it was trained with, against the row's task alone. Blue helps, vermilion harms; bold where the interval "
        f"leaves out 0. {behind(view)}"
    )


def ablation(view: View) -> Figure:
    """What dropping a part does to each task, a panel a ranker of the proposal."""
    return _heat_maps(view, "ablation", "part", "", "effect on")


def ablation_caption(view: View) -> str:
    return (
        "What happens to the held-out loss of each task, in per cent, when a part of the proposal's rankers is dropped "
        "and the rest is fitted anew. Blue is better off without, vermilion misses it; bold where the interval leaves "
        f"out 0. {_without_balancer(view)}{behind(view)}"
    )


def _without_balancer(view: View) -> str:
    """Where there is no balancer to drop, that is said."""
    diagnosis = diagnosed(view)
    found = [
        ranker["stage"]
        for ranker in diagnosis.having("ablation")
        if "without its balancer" not in words(diagnosis.estimates(ranker, "ablation"), "part")
    ]
    told = " and ".join(f"the {stage} ranker" for stage in found)
    return f"In {told} losses are summed as they are, so there is no balancer to drop. " if found else ""


def _heat_maps(view: View, measure: str, by: str, below: str, beside: str) -> Figure:
    diagnosis = diagnosed(view)
    rankers = diagnosis.having(measure)
    rows = max(len(ranker["tasks"]) for ranker in rankers)
    figure = Figure(figsize=(WIDTH, 2.0 + 0.42 * rows), layout="constrained")
    columns = [_columns(ranker, diagnosis.estimates(ranker, measure), by) for ranker in rankers]
    panels = figure.subplots(1, len(rankers), squeeze=False, width_ratios=[1 + len(names) for names in columns])[0]
    for axes, ranker, names in zip(panels, rankers, columns, strict=True):
        _heat_map(axes, diagnosis.estimates(ranker, measure), ranker["tasks"], names, by)
        axes.set_title(f"{ranker['stage'].capitalize()} ranker of {ranker['arm']}")
        axes.set_xlabel(below)
    panels[0].set_ylabel(beside)
    return figure


def _columns(ranker: Ranker, found: Sequence[Estimate], by: str) -> list[str]:
    """Tasks in the ranker's order, parts as they come."""
    names = words(found, by)
    return [task for task in ranker["tasks"] if task in names] if by == "other" else names


def _heat_map(axes: Axes, found: Sequence[Estimate], rows: Sequence[str], columns: Sequence[str], by: str) -> None:
    """Percentages in a coloured grid; bold where the interval leaves out zero, empty where there is none."""
    grid = np.full((len(rows), len(columns)), np.nan)
    places = {(rows.index(entry["task"]), columns.index(entry[by])): entry for entry in found}
    for place, entry in places.items():
        grid[place] = entry["value"]
    limit = min(STRONGEST, max(0.01, float(np.nanmax(np.abs(grid)))))
    axes.pcolormesh(np.ma.masked_invalid(grid), cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.invert_yaxis()
    for (row, column), entry in places.items():
        clear = entry["low"] is not None and (entry["low"] > 0 or entry["high"] < 0)
        axes.text(
            *(column + 0.5, row + 0.5, f"{100 * entry['value']:+.1f}"),
            color="white" if abs(entry["value"]) > 0.7 * limit else "black",
            fontweight="bold" if clear else "normal",
            ha="center",
            va="center",
            fontsize=9,
        )
    axes.set_xticks(np.arange(len(columns)) + 0.5, [name.replace("`", "") for name in columns], rotation=30, ha="right")
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
