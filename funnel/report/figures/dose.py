"""The figures of a `bubble_dose` page: slopes by estimator, and what every further friend shown does."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from funnel.report.figures.catalogue import Plot
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import grid, legend
from funnel.report.figures.style import ARM_COLOURS, ARM_MARKERS, FINE_PER_CENT, INK, whiskers
from funnel.report.trial import RATES, WORLD, Trial

LOTS, OTHERS = ARM_COLOURS[0], ARM_COLOURS[1]
CURVES: dict[str, dict[str, Any]] = {
    "randomised": {"label": "lots", "color": LOTS, "marker": "o"},
    "others": {"label": "others", "color": OTHERS, "marker": "s"},
    "world": {"label": "the world's own", "color": INK, "marker": "D", "linestyle": ":"},
}
SEEN: dict[str, dict[str, Any]] = {
    "others_seen": {"color": OTHERS, "marker": "s"},
    "others_true": {"color": OTHERS, "marker": "", "linestyle": ":"},
    "randomised_seen": {"color": LOTS, "marker": "o"},
    "randomised_true": {"color": LOTS, "marker": "", "linestyle": ":"},
}


def slopes(trial: Trial) -> Figure:
    """Log odds per further friend, a panel a task and a row an estimator; the world's own as a line and a band."""
    figure, panels = grid(trial.tasks, 0.5 + 0.32 * len(trial.estimators), columns=2)
    for axes, task in zip(panels, trial.tasks, strict=False):
        axes.set_title(task)
        _own(axes, trial.slope(WORLD, task))
        for row, name in enumerate(trial.estimators):
            found = trial.slope(name, task)
            if found["value"] is None:
                axes.annotate("too little happened", (0.02, row), xycoords=("axes fraction", "data"), va="center")
            else:
                colour, marker = ARM_COLOURS[row % len(ARM_COLOURS)], ARM_MARKERS[row % len(ARM_MARKERS)]
                ends = whiskers([found])
                axes.errorbar([found["value"]], [row], xerr=ends, capsize=2.5, color=colour, marker=marker)
        axes.set_yticks(range(len(trial.estimators)), trial.estimators)
        axes.set_ylim(len(trial.estimators) - 0.5, -0.5)
        axes.set_xlabel("log odds per further friend shown")
        axes.grid(axis="x", color=INK, alpha=0.15)
    return figure


def _own(axes: Axes, found: dict[str, Any]) -> None:
    if found["value"] is not None:
        axes.axvline(found["value"], color=INK, linewidth=1, linestyle="--")
    if found["low"] is not None:
        axes.axvspan(found["low"], found["high"], color=INK, alpha=0.1, linewidth=0)


def curves(trial: Trial) -> Figure:
    """Log odds against nobody shown, by friends shown."""
    figure, panels = grid(trial.tasks, 2.4, columns=3)
    for axes, task in zip(panels, trial.tasks, strict=False):
        for place, (source, look) in enumerate(CURVES.items()):
            _line(axes, place, trial.points("curves", source, task), look)
        axes.axhline(0, color=INK, linewidth=0.8)
        _friends_axis(axes, task)
    panels[0].set_ylabel("log odds against nobody shown")
    legend(figure, panels)
    return figure


def rates(trial: Trial) -> Figure:
    """How often a task happens, by friends shown."""
    figure, panels = grid(trial.tasks, 2.4, columns=3)
    for axes, task in zip(panels, trial.tasks, strict=False):
        for place, (key, look) in enumerate(SEEN.items()):
            _line(axes, place, trial.points("rates", key, task), look | {"label": RATES[key]})
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FINE_PER_CENT)
        _friends_axis(axes, task)
    legend(figure, panels)
    return figure


def _line(axes: Axes, place: int, found: Sequence[dict[str, Any]], look: dict[str, Any]) -> None:
    if found:
        shown = [one["shown"] + 0.05 * (place - 1) for one in found]  # side by side: no interval hides another
        values = [one["value"] for one in found]
        axes.errorbar(shown, values, yerr=whiskers(found), markersize=4, linewidth=1.2, capsize=2.5, **look)


def _friends_axis(axes: Axes, task: str) -> None:
    axes.set_title(task)
    axes.set_xlabel("friends shown")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=INK, alpha=0.15)


def _slopes_caption(trial: Trial) -> str:
    return (
        "`causal` reads the impressions of the lots; `observational` all others, `shown_only` those of them with a "
        "friend shown, `adjusted` all others with observable controls. Dashed, its interval as a band: the world's own "
        f"slope, the truth that the lots estimate. {trial.behind}"
    )


def _curves_caption(trial: Trial) -> str:
    return (
        "What showing a friend or more does against showing nobody. Among the lots items with as many friends to show "
        f"are compared; among the others an item with a friend is compared with one without. {trial.behind}"
    )


def _rates_caption(trial: Trial) -> str:
    return (
        "What a dashboard would show. Of the lots those are taken on which most friends could be shown, so that the "
        f"same kind of impression stands at every number. Dotted: the true probabilities. {trial.behind}"
    )


def _slopes_data(trial: Trial) -> Rows:
    return [
        {"estimator": name, "task": task} | trial.slope(name, task)
        for task in trial.tasks
        for name in (WORLD, *trial.estimators)
    ]


def _curves_data(trial: Trial) -> Rows:
    return [
        {"source": source} | one
        for task in trial.tasks
        for source in CURVES
        for one in trial.points("curves", source, task)
    ]


def _rates_data(trial: Trial) -> Rows:
    return [
        {"rate": RATES[key]} | one for task in trial.tasks for key in RATES for one in trial.points("rates", key, task)
    ]


FIGURES: tuple[Plot[Trial], ...] = (
    Plot("slopes", "Who finds the world's slope", slopes, _slopes_caption, _slopes_data),
    Plot("curves", "Every further friend", curves, _curves_caption, _curves_data),
    Plot("rates", "Rates by friends shown", rates, _rates_caption, _rates_data),
)
"""To add one: a function from a `Trial` to a `Figure`, one to its caption, one to its rows of data, one line here."""
