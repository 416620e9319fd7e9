"""What the figures of the diagnostics have in common: panels, legends, what stands behind them."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.diagnosis import Diagnosis, Ranker
from funnel.report.view import View
from funnel.scenario.estimates import Estimate

WIDTH = 9.6
"""of a figure, in inches"""


def behind(view: View) -> str:
    if view.seeds == 1:
        return "n = 1 seed (one world), so there are no intervals."
    return f"n = {view.seeds} seeds (worlds). Intervals: 95 % t intervals over seeds."


def diagnosed(view: View) -> Diagnosis:
    """The diagnostics, which the catalogue draws only where there are some."""
    assert view.diagnosis
    return view.diagnosis


def grid(things: Sequence, height: float, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure with one panel a thing, `columns` side by side; those that are over are left empty."""
    rows = -(-len(things) // columns)
    figure = Figure(figsize=(WIDTH, 0.4 + height * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[len(things) :]:
        axes.set_axis_off()
    return figure, panels


def tasks_of(rankers: Sequence[Ranker]) -> list[str]:
    return list(dict.fromkeys(task for ranker in rankers for task in ranker["tasks"]))


def words(found: Sequence[Estimate], key: str) -> list[str]:
    return list(dict.fromkeys(entry[key] for entry in found))


def side_by_side(place: int, count: int) -> float:
    """Where in a row the mark of one of `count` rankers stands, so that intervals do not hide one another."""
    return (place - (count - 1) / 2) * min(0.14, 0.7 / count)


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    found = {label: part for axes in panels for part, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if found:
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=5, frameon=False)
