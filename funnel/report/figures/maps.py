"""The figures of a sweep along two axes: maps whose cells hold their number and, where there is one, their outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from funnel.report.figures.style import INK
from funnel.report.figures.sweep import DIFFERENCES
from funnel.report.points import SweepView

LETTERS = {
    "lost": "L",
    "not lost": "N",
    "forgone": "F",
    "equivalent": "E",
    "gained": "G",
    "undecided": "U",
}
"""what a cell says of an outcome"""
WORSE, LEVEL = "PuOr_r", "cividis"
"""colours of differences around zero, and of levels; both told apart by colour-blind eyes"""
LEAST = 0.1
"""difference at which a map's colours reach their end at the earliest, so that specks look like specks"""
DARK = 0.45
"""luminance of a cell under which its text is white"""


def standing_map(view: SweepView) -> Figure:
    """How much worse the proposal is than the reference at every point, on both axes of the verdict."""
    figure, panels = _maps(view, 2)
    places = range(len(view.points))
    for axes, (axis, title) in zip(panels, DIFFERENCES.items(), strict=True):
        letters = [LETTERS[view.outcome(place, axis)] for place in places]
        _map(axes, view, title, [view.difference(place, axis)["value"] for place in places], letters, signed=True)
        _outline(axes, view)
    return figure


def levels_map(view: SweepView) -> Figure:
    """Lost candidates of proposal and reference, and the share of the gain that the proposal captures."""
    figure, panels = _maps(view, 3)
    places = range(len(view.points))
    for axes, role in zip(panels, ("proposal", "reference"), strict=False):
        arm = view.scenario[role]
        _map(axes, view, f"Lost by {arm}", [_value(view.estimate(place, arm, "lost", "early")) for place in places])
    _map(panels[2], view, "Gain captured", [_value(view.captured(place)) for place in places])
    return figure


def law_map(view: SweepView) -> Figure:
    """Correlation of the proposal's stages, what the survival law expects it to lose, and how much more it loses."""
    figure, panels = _maps(view, 3)
    found = [view.law(place, view.scenario["proposal"]) for place in range(len(view.points))]
    expected, lost = ([law[measure]["value"] for law in found] for measure in ("predicted_lost", "lost"))
    _map(panels[0], view, "Correlation", [law["correlation"]["value"] for law in found], decimals=2, times=1)
    _map(panels[1], view, "Lost, by the law", expected)
    _map(panels[2], view, "Measured beyond the law", list(np.subtract(lost, expected)), signed=True)
    return figure


def _maps(view: SweepView, count: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(9.6, 1.4 + 0.52 * len(view.values(0))), layout="constrained")
    panels = figure.subplots(1, count, sharey=True)
    panels[0].set_ylabel(view.axes[0]["name"])
    return figure, panels


def _value(found: Mapping[str, Any] | None) -> float:
    return found["value"] if found else np.nan


def _map(
    axes: Axes,
    view: SweepView,
    title: str,
    found: Sequence[float],
    letters: Sequence[str] = (),
    signed: bool = False,
    decimals: int = 1,
    times: float = 100,
) -> None:
    """A map of values by point, nan where there is none, with its numbers in the cells; shares in hundredths."""
    values = np.array(found, np.float64).reshape(len(view.values(0)), len(view.values(1)))
    most = max(LEAST, np.nanmax(np.abs(values), initial=0.0)) if signed else 1.0
    edges = (np.arange(size + 1) - 0.5 for size in reversed(values.shape))
    image = axes.pcolormesh(*edges, values, cmap=WORSE if signed else LEVEL, vmin=-most if signed else 0, vmax=most)
    axes.set_ylim(len(values) - 0.5, -0.5)  # the first value of the axis on top
    axes.set_title(title)
    for place, value in enumerate(found):
        told = f"{times * value:{'+' if signed else ''}.{decimals}f}" if np.isfinite(value) else "n/a"
        row, column = divmod(place, len(view.values(1)))
        ink = _ink(image.to_rgba(np.array([value]))[0]) if np.isfinite(value) else INK
        axes.text(column, row, f"{letters[place]}  {told}" if letters else told, ha="center", va="center", color=ink)
    axes.set_xticks(range(len(view.values(1))), [str(value) for value in view.values(1)])
    axes.set_yticks(range(len(view.values(0))), [str(value) for value in view.values(0)])
    axes.set_xlabel(view.axes[1]["name"])
    axes.spines[:].set_visible(False)


def _ink(cell: np.ndarray) -> str:
    """What can be read on a cell of this colour."""
    red, green, blue, _ = cell
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < DARK else "#000000"


def _outline(axes: Axes, view: SweepView) -> None:
    """A frame around every point at which the proposal is safe."""
    across = len(view.values(1))
    for place, word in enumerate(view.summary["verdict"]["standing"]):
        if word == "safe":
            corner = (place % across - 0.46, place // across - 0.44)
            axes.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="#000000", linewidth=2))


def standing_map_caption(view: SweepView) -> str:
    told = ", ".join(f"{letter} {outcome}" for outcome, letter in LETTERS.items())
    return (
        f"How much worse `{view.scenario['proposal']}` is than `{view.scenario['reference']}`, in points of the share "
        f"lost and in per cent of value, paired by seed; brown is worse, purple better. {told}: the verdict of each "
        f"point by its interval, at margins of {100 * view.margin('candidates'):g} points and "
        f"{100 * view.margin('value'):g} %. Framed: safe, no candidates lost and no value forgone. Down: "
        f"{view.along(0)}; across: {view.along(1)}. Intervals stand in the table of points. {view.behind}"
    )


def levels_map_caption(view: SweepView) -> str:
    return (
        "Per cent. Left and middle: lost candidates as measured, bright is more. Right: the share of the gain of "
        f"`{view.scenario['reference']}` over `{view.scenario['baseline']}` in slate value that "
        f"`{view.scenario['proposal']}` gets as well; n/a where that gain is not clearly positive. Intervals stand in "
        f"the tables of points. {view.behind}"
    )


def law_map_caption(view: SweepView) -> str:
    return (
        f"Left: correlation of the early score of `{view.scenario['proposal']}` with the reference's late score inside "
        "a pool, by normal scores. Middle: the per cent of candidates that a bivariate normal of that correlation "
        "would lose at the same pool and budget. Right: how many points more were lost; brown is more. More is lost "
        "where the stages agree less on the top of the pool than on the bulk. Intervals stand in "
        f"the table of the law. {view.behind}"
    )
