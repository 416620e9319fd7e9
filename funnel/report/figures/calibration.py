"""The figures of a calibration: targets in tolerances, knobs in their ranges, the loss over the trials."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.catalogue import Plot
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import WIDTH, legend
from funnel.report.figures.style import ARM_COLOURS, INK
from funnel.report.fit import TRIED, Fit, off, place

LOOKS: dict[str, dict[str, Any]] = {
    "start": {"color": ARM_COLOURS[1], "marker": "s", "fillstyle": "none"},
    "found": {"color": ARM_COLOURS[0], "marker": "o"},
}
LINEAR = 2.0
"""tolerances up to which the axis is linear; beyond it is logarithmic, for a start may be far off"""


def targets(fit: Fit) -> Figure:
    """How far the start and what was found are off each target, in tolerances."""
    figure, axes = _rows([one["key"] for one in fit.targets])
    axes.axvspan(-1, 1, color=INK, alpha=0.1, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    _moves(axes, fit.targets, off)
    axes.set_xscale("symlog", linthresh=LINEAR)
    axes.xaxis.set_major_formatter(lambda tolerances, _: f"{tolerances:g}")
    axes.set_xlabel("off the target, in tolerances")
    legend(figure, [axes])
    return figure


def knobs(fit: Fit) -> Figure:
    """Where each knob stood in its range, and where it stands."""
    figure, axes = _rows([one["path"] for one in fit.knobs])
    _moves(axes, fit.knobs, place)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.5, 1], ["low end", "middle", "high end"])
    axes.set_xlabel("place in the range")
    legend(figure, [axes])
    return figure


def _rows(labels: Sequence[str]) -> tuple[Figure, Axes]:
    """One row a label, the first at the top."""
    figure = Figure(figsize=(WIDTH, 1.4 + 0.28 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", color=INK, alpha=0.15)
    return figure, axes


def _moves(axes: Axes, things: Sequence[Mapping[str, Any]], at: Callable[[Mapping[str, Any], str], Any]) -> None:
    """A mark for the start and one for what was found, joined in each row where both are known."""
    for tried in TRIED:
        known = [(value, row) for row, one in enumerate(things) if (value := at(one, tried)) is not None]
        if known:
            axes.plot(*zip(*known, strict=True), label=tried, linestyle="none", **LOOKS[tried])
    for row, one in enumerate(things):
        ends = [at(one, tried) for tried in TRIED]
        if None not in ends:
            axes.plot(ends, [row, row], color=INK, alpha=0.4, linewidth=0.8, zorder=1)


def search(fit: Fit) -> Figure:
    """The loss of every trial, the least so far, and the losses of the checks at full size."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    checks = [(check["trial"], check["loss"]) for check in fit.checks]
    _line(axes, enumerate(fit.losses), label="a trial", linestyle="none", marker=".", color=ARM_COLOURS[5])
    _line(axes, enumerate(fit.best()), label="the least so far", color=ARM_COLOURS[0], drawstyle="steps-post")
    _line(axes, checks, label="checked at full size", linestyle="none", marker="D", color=ARM_COLOURS[1])
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
    axes.set_xlabel("trial")
    axes.set_ylabel("loss")
    axes.grid(axis="y", color=INK, alpha=0.15)
    legend(figure, [axes])
    return figure


def _line(axes: Axes, losses: Iterable[tuple[int, float | None]], **look: Any) -> None:
    """Losses by trial, as far as there are any."""
    known = [(trial, loss) for trial, loss in losses if loss is not None]
    if known:
        axes.plot(*zip(*known, strict=True), **look)


def _caption(words: str, fit: Fit) -> str:
    seeds = len(fit.targets[0]["by_seed"])
    return f"{words} Checked at full size under {seeds} seed{'' if seeds == 1 else 's'}; there is no interval."


def _search_caption(fit: Fit) -> str:
    failed = len(fit.summary["trials"]["failed"])
    told = f" {failed} of {len(fit.losses)} trials could not be made and have no mark." if failed else ""
    return (
        "Loss of each trial, as its funnel would have it at full size by the last check, and losses that were measured "
        f"there. The axis is linear up to 1 and logarithmic beyond.{told}"
    )


def _targets_data(fit: Fit) -> Rows:
    kept = ("key", "unit", "value", "tolerance", *TRIED, "met")
    return [{key: one[key] for key in kept} | {"off": off(one, "found")} for one in fit.targets]


def _knobs_data(fit: Fit) -> Rows:
    return [{key: one[key] for key in ("path", "low", "high", "log", *TRIED, "border")} for one in fit.knobs]


def _search_data(fit: Fit) -> Rows:
    checked = {check["trial"]: check["loss"] for check in fit.checks}
    trials = enumerate(zip(fit.losses, fit.best(), strict=True))
    return [
        {"trial": trial, "loss": loss, "least": least, "checked": checked.get(trial)} for trial, (loss, least) in trials
    ]


FIGURES: tuple[Plot[Fit], ...] = (
    Plot(
        "off_target",
        "How near it came",
        targets,
        partial(
            _caption,
            "Each row is a target: where the start was and where the calibrated funnel is, in tolerances of that "
            "target; grey is within. The axis is linear up to 2 tolerances and logarithmic beyond.",
        ),
        _targets_data,
    ),
    Plot(
        "turned",
        "What was turned",
        knobs,
        partial(
            _caption,
            "Each row is a knob in its range. One that stands at an end says that the targets ask for a world beyond "
            "what was allowed.",
        ),
        _knobs_data,
    ),
    Plot("search", "How the search went", search, _search_caption, _search_data),
)
"""To add one: a function from a `Fit` to a `Figure`, one to its caption, one to its rows of data, one line here."""
