"""The figures of the diagnostics, in the order in which practitioners ask: does sharing pay, do gradients agree, do
gates choose, do losses fall, what could be dropped, what does one task cost another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from funnel.report.diagnosis import Diagnosis, Ranker
from funnel.report.figures.style import ARM_COLOURS, ARM_MARKERS, INK, whiskers
from funnel.report.view import View
from funnel.scenario.estimates import Estimate

WIDTH = 9.6
"""of a figure, in inches"""
OWN_COLOURS = ("#0072B2", "#56B4E9")
"""of the experts private to a task"""
SHARED_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#F0E442", "#666666", "#B8BDC4", "#8C6D31")
"""of the experts that all tasks mix"""
DARK = {"#0072B2", "#D55E00", "#009E73", "#666666", "#8C6D31"}
"""colours on which text is white"""
DIVERGING = LinearSegmentedColormap.from_list("transfer", ["#D55E00", "#f7f7f7", "#0072B2"])
"""vermilion is worse, blue is better"""
NAMED = 4
"""curves of a panel that are drawn in colour and named; the others are grey"""
NEAR = 0.05
"""share of a frontier's extent within which a second point is not named"""
WIDEST = 0.5
"""transfer up to which a panel reaches; a task whose own loss is nearly 0 may have any"""
STRONGEST = 0.2
"""improvement from which colours get no stronger"""
SHOWN = 0.1
"""share of a bar from which a part carries its number"""


def transfer(view: View) -> Figure:
    """Transfer improvement ratio of every head, a panel a stage, a row a task, a mark a ranker."""
    diagnosis = _diagnosis(view)
    tasks = {stage: _tasks(diagnosis.of_stage(stage)) for stage in diagnosis.stages}
    figure = Figure(figsize=(WIDTH, 1.5 + 0.34 * max(map(len, tasks.values()))), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axes, stage in zip(panels, tasks, strict=True):
        axes.set_title(f"{stage.capitalize()} rankers")
        rankers = diagnosis.of_stage(stage)
        for place, ranker in enumerate(rankers):
            _transfer_marks(axes, view, ranker, tasks[stage], _side_by_side(place, len(rankers)))
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
    _legend(figure, panels)
    return figure


def _around(values: Sequence[float]) -> tuple[float, float]:
    """Limits that show the values well; an interval may be far wider, and would flatten them."""
    low, high = max(-WIDEST, min([-0.06, *values])), min(WIDEST, max([0.02, *values]))
    return low - 0.4 * (high - low), high + 0.4 * (high - low)


def _transfer_marks(axes: Axes, view: View, ranker: Ranker, tasks: Sequence[str], shift: float) -> None:
    found = _diagnosis(view).estimates(ranker, "transfer")
    if found:
        axes.errorbar(
            [entry["value"] for entry in found],
            [tasks.index(entry["task"]) + shift for entry in found],
            xerr=whiskers(found),
            linestyle="none",
            **_look(view, ranker["arm"]),
        )


def pair_transfer(view: View) -> Figure:
    """What training with another task does to each, a panel a ranker of the proposal."""
    return _heat_maps(view, "pair_transfer", "other", "trained with", "effect on")


def ablation(view: View) -> Figure:
    """What dropping a part does to each task, a panel a ranker of the proposal."""
    return _heat_maps(view, "ablation", "part", "", "effect on")


def _heat_maps(view: View, measure: str, by: str, below: str, beside: str) -> Figure:
    diagnosis = _diagnosis(view)
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
    names = _words(found, by)
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


def cosine(view: View) -> Figure:
    """Cosine of the task gradients over the training steps, a panel a ranker, a curve a pair."""
    diagnosis = _diagnosis(view)
    rankers = diagnosis.having("cosine")
    figure, panels = _panels(rankers, height=2.7)
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


def _mean(curve: Estimate) -> float:
    return float(np.mean([value for value in curve["value"] if value is not None]))


def gates(view: View) -> Figure:
    """Mean share of each expert in each task's mixture, a panel a gated layer."""
    diagnosis = _diagnosis(view)
    layers = [
        (ranker, part)
        for ranker in diagnosis.having("gate")
        for part in _words(diagnosis.estimates(ranker, "gate"), "part")
    ]
    rows = max(len(ranker["tasks"]) for ranker, _ in layers)
    figure, panels = _panels(layers, height=1.1 + 0.27 * rows)
    for axes, (ranker, part) in zip(panels, layers, strict=False):
        found = [entry for entry in diagnosis.estimates(ranker, "gate") if entry["part"] == part]
        _gate_bars(axes, found, ranker["tasks"])
        axes.set_title(f"{ranker['stage'].capitalize()} ranker of {ranker['arm']}, {part}", fontsize=10)
    _legend(figure, panels)
    return figure


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
    diagnosis = _diagnosis(view)
    panels_of = [(stage, task) for stage in diagnosis.stages for task in _tasks(diagnosis.of_stage(stage))]
    figure, panels = _panels(panels_of, height=1.9, columns=4)
    for axes, (stage, task) in zip(panels, panels_of, strict=False):
        for ranker in diagnosis.of_stage(stage):
            _loss_curves(axes, view, ranker, task)
        axes.set_title(f"{task}, {stage}", fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(labelsize=8)
    _legend(figure, panels)
    return figure


def _loss_curves(axes: Axes, view: View, ranker: Ranker, task: str) -> None:
    for curve in _diagnosis(view).series(ranker, "loss"):
        if curve["task"] == task:
            held_out = curve["part"] == "held out"
            look = _look(view, ranker["arm"]) | {"capsize": 0, "elinewidth": 0, "markersize": 4}
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


def formula_frontier(view: View) -> Figure:
    """True means of the two tasks over the slate as the formula's weight of the second is swept, a curve an arm."""
    return _frontier(view, "slate_mean", "true mean of {} over the slate", "{:g} x")


def training_frontier(view: View) -> Figure:
    """Held-out losses of the two tasks as their static training weights are swept."""
    return _frontier(view, "weighted_loss", "held-out loss of {} (less is better)", "{:g}")


def _frontier(view: View, measure: str, label: str, step: str) -> Figure:
    """Dominated points are hollow; the points of one arm are joined in the order of the sweep."""
    found = _diagnosis(view).frontiers(measure)
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axes = figure.subplots()
    for frontier in found:
        x, y = np.array(frontier["points"], float).T
        look = _look(view, frontier["arm"])
        axes.plot(x, y, color=look["color"], linewidth=0.8, alpha=0.6)
        for place, dominated in enumerate(frontier["dominated"]):
            axes.plot(
                *(x[place], y[place]),
                color=look["color"],
                marker=look["marker"],
                markersize=6,
                linestyle="none",
                fillstyle="none" if dominated else "full",
                label=look["label"] if place == frontier["dominated"].index(False) else "_",
            )
        if frontier["arm"] == view.scenario["proposal"]:
            _annotate(axes, np.stack([x, y], 1), [step.format(weight) for weight in frontier["steps"]])
    first, second = found[0]["tasks"]
    axes.set_xlabel(label.format(first))
    axes.set_ylabel(label.format(second))
    axes.grid(color=INK, alpha=0.15)
    _legend(figure, [axes])
    return figure


def _annotate(axes: Axes, points: np.ndarray, words: Sequence[str]) -> None:
    """Words beside the points (n, 2), but for those that would cover one another."""
    size = np.maximum(np.ptp(points, axis=0), 1e-12)
    named: list[np.ndarray] = []
    for point, word in zip(points, words, strict=True):
        if all(np.abs((point - other) / size).max() > NEAR for other in named):
            axes.annotate(word, tuple(point), xytext=(5, 4), textcoords="offset points", fontsize=8)
            named.append(point)


def transfer_caption(view: View) -> str:
    sinks = _diagnosis(view).thresholds["sinks"]
    return (
        "Transfer improvement ratio of every head: how much lower its held-out loss is in the ranker than in a "
        "well-trained network that the task has to itself. Left of 0 sharing costs the task; with the whole interval "
        f"left of the dotted line ({100 * sinks:g} %) it should be taken out or get experts of its own. What "
        f"leaves its panel is cut off; the table gives all. {_behind(view)}"
    )


def pair_transfer_caption(view: View) -> str:
    return (
        "The pairwise transfer matrix of the proposal's rankers, in per cent: each row a task, each column the one "
        "that it was trained with, against the row's task alone. Blue helps, vermilion harms; bold where the interval "
        f"leaves out 0. {_behind(view)}"
    )


def cosine_caption(view: View) -> str:
    return (
        "Cosine of the gradients of two tasks on the parameters that they share, over training: mean over seeds, a "
        f"curve a pair. The {NAMED} pairs with the least mean are coloured and named, all others grey. Below 0 for "
        f"long means conflict. {_behind(view)}"
    )


def gates_caption(view: View) -> str:
    thresholds = _diagnosis(view).thresholds
    return (
        "Mean share of each expert in each task's mixture, on held-out rows; private experts are `own`. Bars that "
        f"look alike mean no specialisation (flagged under a distance of {thresholds['alike']:g}), one colour nearly "
        f"alone means collapse (flagged above {100 * thresholds['collapse']:g} %). {_behind(view)}"
    )


def learning_caption(view: View) -> str:
    return (
        "Loss of each task over the epochs, mean over seeds: held out solid, training dashed and at the middle of its "
        "epoch. A solid line that turns up overfits. The training loss of a task that its model chains to a parent is "
        f"that of the whole chain, and not on the scale of the held-out one. {_behind(view)}"
    )


def ablation_caption(view: View) -> str:
    return (
        "What happens to the held-out loss of each task, in per cent, when a part of the proposal's rankers is dropped "
        "and the rest is fitted anew. Blue is better off without, vermilion misses it; bold where the interval leaves "
        f"out 0. {_without_balancer(view)}{_behind(view)}"
    )


def _without_balancer(view: View) -> str:
    """Where there is no balancer to drop, that is said."""
    diagnosis = _diagnosis(view)
    found = [
        ranker["stage"]
        for ranker in diagnosis.having("ablation")
        if "without its balancer" not in _words(diagnosis.estimates(ranker, "ablation"), "part")
    ]
    told = " and ".join(f"the {stage} ranker" for stage in found)
    return f"In {told} losses are summed as they are, so there is no balancer to drop. " if found else ""


def formula_frontier_caption(view: View) -> str:
    _, second = _diagnosis(view).frontiers("slate_mean")[0]["tasks"]
    return (
        f"The weight of `{second}` in each arm's late formula is swept and nothing is trained again; numbers are "
        "multiples of the formula's weight (of 1 where it has none). Both axes are true means per slot; hollow points "
        f"are dominated by another point of the same arm. {_volumes(view, 'slate_mean')} {_behind(view)}"
    )


def training_frontier_caption(view: View) -> str:
    first, second = _diagnosis(view).frontiers("weighted_loss")[0]["tasks"]
    return (
        f"The proposal's late ranker, fitted with static weights of `{first}` and `{second}`; numbers are the share of "
        f"`{second}` in their sum. Both axes are held-out losses, so less is better; hollow points are dominated. "
        f"{_volumes(view, 'weighted_loss')} {_behind(view)}"
    )


def _volumes(view: View, measure: str) -> str:
    """The hypervolume of every frontier of a sweep, with its reference point."""
    told = []
    for frontier in _diagnosis(view).frontiers(measure):
        volume = frontier["hypervolume"]
        if volume["value"] is not None:
            ends = f" ({volume['low']:.3f} to {volume['high']:.3f})" if volume["low"] is not None else ""
            told.append(f"`{frontier['arm']}` {volume['value']:.3f}{ends}")
    return (
        f"Hypervolume: {', '.join(told)}; in each seed a share of the box between the worst value of either task that "
        "any point reached, which is the reference point, and the best."
    )


def _behind(view: View) -> str:
    if view.seeds == 1:
        return "n = 1 seed (one world), so there are no intervals."
    return f"n = {view.seeds} seeds (worlds). Intervals: 95 % t intervals over seeds."


def _diagnosis(view: View) -> Diagnosis:
    """The diagnostics, which the catalogue draws only where there are some."""
    assert view.diagnosis
    return view.diagnosis


def _panels(things: Sequence, height: float, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure with one panel a thing, `columns` side by side; those that are over are left empty."""
    rows = -(-len(things) // columns)
    figure = Figure(figsize=(WIDTH, 0.4 + height * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[len(things) :]:
        axes.set_axis_off()
    return figure, panels


def _tasks(rankers: Sequence[Ranker]) -> list[str]:
    return list(dict.fromkeys(task for ranker in rankers for task in ranker["tasks"]))


def _words(found: Sequence[Estimate], key: str) -> list[str]:
    return list(dict.fromkeys(entry[key] for entry in found))


def _look(view: View, arm: str) -> dict:
    """Colour and marker of an arm, as in every figure of the page."""
    place = view.arms.index(arm)
    return {
        "label": arm,
        "color": ARM_COLOURS[place % len(ARM_COLOURS)],
        "marker": ARM_MARKERS[place % len(ARM_MARKERS)],
        "markersize": 5,
        "elinewidth": 1.2,
        "capsize": 2.5,
    }


def _side_by_side(place: int, count: int) -> float:
    """Where in a row the mark of one of `count` rankers stands, so that intervals do not hide one another."""
    return (place - (count - 1) / 2) * min(0.14, 0.7 / count)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    found = {label: part for axes in panels for part, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if found:
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=5, frameon=False)
