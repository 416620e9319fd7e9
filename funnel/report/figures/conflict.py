"""The figures of a `task_conflict` page: final losses, learning curves, gradient cosines, gates; a colour a model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.catalogue import Plot
from funnel.report.figures.data import Rows
from funnel.report.figures.style import ARM_COLOURS, ARM_MARKERS, INK, whiskers
from funnel.report.study import Study

ENDS = ("value", "low", "high")
"""what a point of a curve holds"""


def final_loss(study: Study) -> Figure:
    """Final loss by correlation, a line a model."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.subplots()
    for place, model in enumerate(study.models):
        _by_correlation(axes, place, study.estimates(model), model, ARM_COLOURS[place % len(ARM_COLOURS)])
    floor = study.facts["floor"]["value"]
    axes.axhline(floor, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate("the true law", (1, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9)
    axes.set_ylim(bottom=0)
    _correlation_axis(axes, study)
    axes.set_ylabel("final loss, share of the label's variance")
    _legend(figure, axes)
    return figure


def learning(study: Study) -> Figure:
    """Loss on fresh batches over the steps, at some correlations, a line a model."""
    return _over_steps(study, "loss", "loss, share of the label's variance", _log_loss)


def cosines(study: Study) -> Figure:
    """Cosine of the two tasks' gradients on the shared parameters over the steps."""
    return _over_steps(study, "cosine", "cosine", _cosine_axis)


def gates(study: Study) -> Figure:
    """How far apart the gates of the tasks are, and the greatest share of one expert, by correlation."""
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = {"apart": "Distance of the tasks' gates", "largest": "Greatest share of one expert"}
    for axes, (what, title) in zip(panels, titles.items(), strict=True):
        axes.set_title(title)
        for place, (label, model, found) in enumerate(study.gates()):
            colour = ARM_COLOURS[study.models.index(model) % len(ARM_COLOURS)]
            _by_correlation(axes, place, [one[what] for one in found], label, colour)
        axes.set_ylim(0, 1)
        _correlation_axis(axes, study)
    _legend(figure, panels[0])
    return figure


def _by_correlation(axes: Axes, place: int, found: Sequence[dict[str, Any]], label: str, colour: str) -> None:
    shift = 0.05 * (place - 2)  # side by side, so that intervals do not hide one another
    axes.errorbar(
        [shift + position for position in range(len(found))],
        [one["value"] for one in found],
        yerr=whiskers(found),
        label=label,
        color=colour,
        marker=ARM_MARKERS[place % len(ARM_MARKERS)],
        markersize=5,
        linewidth=1.2,
        elinewidth=1.2,
        capsize=2.5,
    )


def _correlation_axis(axes: Axes, study: Study) -> None:
    axes.set_xticks(range(len(study.correlations)), [f"{correlation:g}" for correlation in study.correlations])
    axes.set_xlabel("correlation of the tasks")
    axes.grid(axis="y", color=INK, alpha=0.15)


def _over_steps(study: Study, what: str, unit: str, finish: Callable[[Axes], None]) -> Figure:
    shown = study.telling
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, correlation in zip(panels, shown, strict=True):
        axes.set_title(f"Correlation {correlation:g}")
        for place, model in enumerate(study.models):
            curve = study.curve(model, correlation)
            if curve[what]:
                _line(axes, model, place, curve["step"], curve[what])
        finish(axes)
        axes.set_xlabel("step")
        axes.grid(axis="y", color=INK, alpha=0.15)
    panels[0].set_ylabel(unit)
    _legend(figure, panels[0])
    return figure


def _line(axes: Axes, model: str, place: int, step: list[int], points: list[list[float | None]]) -> None:
    colour = ARM_COLOURS[place % len(ARM_COLOURS)]
    known = [(at, *point) for at, point in zip(step, points, strict=True) if point[0] is not None]
    at, value, low, high = zip(*known, strict=True)
    axes.plot(at, value, label=model, color=colour, linewidth=1.4)
    if None not in low:
        axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)


def _log_loss(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
    axes.yaxis.set_minor_formatter(lambda loss, _: "")


def _cosine_axis(axes: Axes) -> None:
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylim(-1, 1)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)), frameon=False)


def _final_caption(study: Study) -> str:
    return (
        "Mean of both tasks' losses on 32,768 fresh rows after training. A loss of 1 is that of saying the mean; the "
        "dotted line is the loss of the law itself, which is noise. Lines that fall apart from left to right part by "
        f"conflict; lines that are apart at correlation 1 already are apart for another reason. {study.behind}"
    )


def _learning_caption(study: Study) -> str:
    return (
        "Loss on batches that have not been seen yet, mean of both tasks, at the greatest correlation, the one nearest "
        f"to 0 and the least. Bands: intervals over seeds. {study.behind}"
    )


def _cosines_caption(study: Study) -> str:
    return (
        "Cosine of the gradients of the two losses on the shared parameters, of single batches. Above 0 tasks pull the "
        "same way, below 0 they pull against each other; near 0 they pull in unrelated directions. Networks without "
        f"shared parameters have none. Bands: intervals over seeds. {study.behind}"
    )


def _gates_caption(study: Study) -> str:
    return (
        "Left: half the sum of absolute differences of the two tasks' mean shares of the experts, 0 where both mix "
        "alike, 1 where they use different ones; private experts are different ones by construction. Right: the "
        f"greatest mean share that a task gives to one expert; near 1 it is a collapse. {study.behind}"
    )


def _final_data(study: Study) -> Rows:
    return [{"model": model} | one for model in study.models for one in study.estimates(model)]


def _steps_data(study: Study, what: str) -> Rows:
    """One row a step of a curve of the figure."""
    return [
        {"model": model, "correlation": correlation, "step": step} | dict(zip(ENDS, point, strict=True))
        for correlation in study.telling
        for model in study.models
        for curve in [study.curve(model, correlation)]
        if curve[what]
        for step, point in zip(curve["step"], curve[what], strict=True)
    ]


def _gates_data(study: Study) -> Rows:
    return [
        {"model": model, "layer": one["layer"], "correlation": one["correlation"], "measure": what} | one[what]
        for _, model, found in study.gates()
        for one in found
        for what in ("apart", "largest")
    ]


FIGURES: tuple[Plot[Study], ...] = (
    Plot("final_loss", "Final loss by correlation", final_loss, _final_caption, _final_data),
    Plot("learning", "Loss over the steps", learning, _learning_caption, partial(_steps_data, what="loss")),
    Plot("cosines", "Gradient cosine over the steps", cosines, _cosines_caption, partial(_steps_data, what="cosine")),
    Plot("gates", "What the gates do", gates, _gates_caption, _gates_data),
)
"""To add one: a function from a `Study` to a `Figure`, one to its caption, one to its rows of data, one line here."""
