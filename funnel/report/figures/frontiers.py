"""What one task costs another, as a weight of the formula or of training is swept."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.arms import look_of
from funnel.report.figures.panels import WIDTH, behind, diagnosed, legend
from funnel.report.figures.style import INK
from funnel.report.view import View

NEAR = 0.05
"""share of a frontier's extent within which a second point is not named"""


def formula_frontier(view: View) -> Figure:
    """True means of the two tasks over the slate as the formula's weight of the second is swept, a curve an arm."""
    return _frontier(view, "slate_mean", "true mean of {} over the slate", "{:g} x")


def formula_frontier_caption(view: View) -> str:
    _, second = diagnosed(view).frontiers("slate_mean")[0]["tasks"]
    return (
        f"The weight of `{second}` in each arm's late formula is swept and nothing is trained again; numbers are "
        "multiples of the formula's weight (of 1 where it has none). Both axes are true means per slot; hollow points "
        f"are dominated by another point of the same arm. {_volumes(view, 'slate_mean')} {behind(view)}"
    )


def training_frontier(view: View) -> Figure:
    """Held-out losses of the two tasks as their static training weights are swept."""
    return _frontier(view, "weighted_loss", "held-out loss of {} (less is better)", "{:g}")


def training_frontier_caption(view: View) -> str:
    first, second = diagnosed(view).frontiers("weighted_loss")[0]["tasks"]
    return (
        f"The proposal's late ranker, fitted with static weights of `{first}` and `{second}`; numbers are the share of "
        f"`{second}` in their sum. Both axes are held-out losses, so less is better; hollow points are dominated. "
        f"{_volumes(view, 'weighted_loss')} {behind(view)}"
    )


def _frontier(view: View, measure: str, label: str, step: str) -> Figure:
    """Dominated points are hollow; the points of one arm are joined in the order of the sweep."""
    found = diagnosed(view).frontiers(measure)
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axes = figure.subplots()
    for frontier in found:
        x, y = np.array(frontier["points"], float).T
        look = look_of(view, frontier["arm"])
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
    legend(figure, [axes])
    return figure


def _annotate(axes: Axes, points: np.ndarray, words: Sequence[str]) -> None:
    """Words beside the points (n, 2), but for those that would cover one another."""
    size = np.maximum(np.ptp(points, axis=0), 1e-12)
    named: list[np.ndarray] = []
    for point, word in zip(points, words, strict=True):
        if all(np.abs((point - other) / size).max() > NEAR for other in named):
            axes.annotate(word, tuple(point), xytext=(5, 4), textcoords="offset points", fontsize=8)
            named.append(point)


def _volumes(view: View, measure: str) -> str:
    """The hypervolume of every frontier of a sweep, with its reference point."""
    told = []
    for frontier in diagnosed(view).frontiers(measure):
        volume = frontier["hypervolume"]
        if volume["value"] is not None:
            ends = f" ({volume['low']:.3f} to {volume['high']:.3f})" if volume["low"] is not None else ""
            told.append(f"`{frontier['arm']}` {volume['value']:.3f}{ends}")
    return (
        f"Hypervolume: {', '.join(told)}; in each seed a share of the box between the worst value of either task that "
        "any point reached, which is the reference point, and the best."
    )
