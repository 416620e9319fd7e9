"""How training went: do gradients agree, do gates choose, do losses fall."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from funnel.report.diagnosis import Ranker
from funnel.report.figures.arms import look_of
from funnel.report.figures.panels import behind, diagnosed, grid, legend, tasks_of, words
from funnel.report.figures.style import ARM_COLOURS, INK
from funnel.report.view import View
from funnel.scenario.estimates import Estimate

OWN_COLOURS = ("#0072B2", "#56B4E9")
"""of the experts private to a task"""
SHARED_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#F0E442", "#666666", "#B8BDC4", "#8C6D31")
"""of the experts that all tasks mix"""
DARK = {"#0072B2", "#D55E00", "#009E73", "#666666", "#8C6D31"}
"""colours on which text is white"""
NAMED = 4
"""curves of a panel that are drawn in colour and named; the others are grey"""
SHOWN = 0.1
"""share of a bar from which a part carries its number"""


def cosine(view: View) -> Figure:
    """Cosine of the task gradients over the training steps, a panel a ranker, a curve a pair."""
    diagnosis = diagnosed(view)
    rankers = diagnosis.having("cosine")
    figure, panels = grid(rankers, height=2.7)
    for axes, ranker in zip(panels, rankers, strict=False):
        curves = sorted(diagnosis.series(ranker, "cosine"), key=_mean)
        for place, curve in reversed(list(enumerate(curves))):
            named = place < NAMED
            axes.plot(
                curve["steps"],
                [np.nan if value is None else value for value in curve["value"]],
                color=ARM_COLOURS[place] if named else INK,
                alpha=1.0 if named else 0.25,
                linewidth=1.6 if named else 0.8,
                label=f"{curve['task']}, {curve['other']}" if named else "_",
                zorder=2 + named,
            )
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_title(f"{ranker['stage'].capitalize()} ranker of {ranker['arm']}")
        axes.set_xlabel("training step")
        axes.set_ylabel("cosine")
        axes.grid(axis="y", color=INK, alpha=0.15)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], fontsize=8, frameon=False, ncols=2, loc="best")
    return figure


def cosine_caption(view: View) -> str:
    return (
        "Cosine of the gradients of two tasks on the parameters that they share, over training: mean over seeds, a "
        f"curve a pair. The {NAMED} pairs with the least mean are coloured and named, all others grey. Below 0 for "
        f"long means conflict. {behind(view)}"
    )


def _mean(curve: Estimate) -> float:
    return float(np.mean([value for value in curve["value"] if value is not None]))


def gates(view: View) -> Figure:
    """Mean share of each expert in each task's mixture, a panel a gated layer."""
    diagnosis = diagnosed(view)
    layers = [
        (ranker, part)
        for ranker in diagnosis.having("gate")
        for part in words(diagnosis.estimates(ranker, "gate"), "part")
    ]
    rows = max(len(ranker["tasks"]) for ranker, _ in layers)
    figure, panels = grid(layers, height=1.1 + 0.27 * rows)
    for axes, (ranker, part) in zip(panels, layers, strict=False):
        found = [entry for entry in diagnosis.estimates(ranker, "gate") if entry["part"] == part]
        _gate_bars(axes, found, ranker["tasks"])
        axes.set_title(f"{ranker['stage'].capitalize()} ranker of {ranker['arm']}, {part}", fontsize=10)
    legend(figure, panels)
    return figure


def gates_caption(view: View) -> str:
    thresholds = diagnosed(view).thresholds
    return (
        "Mean share of each expert in each task's mixture, on held-out rows; private experts are `own`. Bars that "
        f"look alike mean no specialisation (flagged under a distance of {thresholds['alike']:g}), one colour nearly "
        f"alone means collapse (flagged above {100 * thresholds['collapse']:g} %). {behind(view)}"
    )


def _gate_bars(axes: Axes, found: Sequence[Estimate], tasks: Sequence[str]) -> None:
    """One bar a task whose parts, one an expert, add up to 1."""
    left = dict.fromkeys(tasks, 0.0)
    for entry in found:
        row, share, colour = tasks.index(entry["task"]), entry["value"], _expert_colour(entry["other"])
        label = entry["other"] if row == 0 else "_"
        axes.barh(row, share, left=left[entry["task"]], color=colour, height=0.78, label=label)
        if share >= SHOWN:
            middle = left[entry["task"]] + share / 2
            ink = "white" if colour in DARK else "black"
            axes.text(middle, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=ink)
        left[entry["task"]] += share
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)


def _expert_colour(name: str) -> str:
    """The colour of `own 1`, `shared 2` and so on."""
    side, number = name.split()
    colours = OWN_COLOURS if side == "own" else SHARED_COLOURS
    return colours[(int(number) - 1) % len(colours)]


def learning(view: View) -> Figure:
    """Loss of every task over the epochs, a panel a task and stage: training dashed, held out solid."""
    diagnosis = diagnosed(view)
    panels_of = [(stage, task) for stage in diagnosis.stages for task in tasks_of(diagnosis.of_stage(stage))]
    figure, panels = grid(panels_of, height=1.9, columns=4)
    for axes, (stage, task) in zip(panels, panels_of, strict=False):
        for ranker in diagnosis.of_stage(stage):
            _loss_curves(axes, view, ranker, task)
        axes.set_title(f"{task}, {stage}", fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(labelsize=8)
    legend(figure, panels)
    return figure


def learning_caption(view: View) -> str:
    return (
        "Loss of each task over the epochs, mean over seeds: held out solid, training dashed and at the middle of its "
        "epoch. A solid line that turns up overfits. The training loss of a task that its model chains to a parent is "
        f"that of the whole chain, and not on the scale of the held-out one. {behind(view)}"
    )


def _loss_curves(axes: Axes, view: View, ranker: Ranker, task: str) -> None:
    for curve in diagnosed(view).series(ranker, "loss"):
        if curve["task"] == task:
            held_out = curve["part"] == "held out"
            look = look_of(view, ranker["arm"]) | {"capsize": 0, "elinewidth": 0, "markersize": 4}
            axes.plot(
                # The training loss is the mean over an epoch, so it belongs to the epoch's middle.
                [step if held_out else step - 0.5 for step in curve["steps"]],
                curve["value"],
                color=look["color"],
                marker=look["marker"] if held_out else "",
                markersize=4,
                linewidth=1.3,
                linestyle="-" if held_out else "--",
                label=look["label"] if held_out else "_",
            )
