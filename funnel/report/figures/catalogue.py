"""The catalogue of figures. To add one: a function from a `View` to a `Figure`, one to its caption, one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import matplotlib
from matplotlib.figure import Figure

from funnel.report.figures import frontiers, funnel, learning, transfer
from funnel.report.figures.style import STYLE, inline, svg
from funnel.report.view import View

V = TypeVar("V")


@dataclass(frozen=True)
class Plot(Generic[V]):
    """One figure of a page, drawn from what the page's kind of scenario is viewed by."""

    name: str
    title: str
    draw: Callable[[V], Figure]
    caption: Callable[[V], str]


FIGURES: tuple[Plot[View], ...] = (
    Plot("funnel_recall", "Recall down the funnel", funnel.funnel_recall, funnel.recall_caption),
    Plot("value_waterfall", "Where value is lost", funnel.value_waterfall, funnel.waterfall_caption),
    Plot("oracle_fates", "Where the oracle's items ended", funnel.oracle_fates, funnel.fates_caption),
)

DIAGNOSTICS: dict[str, Plot[View]] = {
    "transfer": Plot("transfer", "Does learning together pay", transfer.transfer, transfer.transfer_caption),
    "pair_transfer": Plot(
        "pair_transfer", "What each task does to another", transfer.pair_transfer, transfer.pair_transfer_caption
    ),
    "cosine": Plot("cosine", "Do gradients agree", learning.cosine, learning.cosine_caption),
    "gate": Plot("gates", "Which experts the tasks mix", learning.gates, learning.gates_caption),
    "loss": Plot("learning", "Learning curves", learning.learning, learning.learning_caption),
    "ablation": Plot("ablation", "What could be dropped", transfer.ablation, transfer.ablation_caption),
    "slate_mean": Plot(
        "formula_frontier",
        "What the formula trades",
        frontiers.formula_frontier,
        frontiers.formula_frontier_caption,
    ),
    "weighted_loss": Plot(
        "training_frontier",
        "What training trades",
        frontiers.training_frontier,
        frontiers.training_frontier_caption,
    ),
}
"""by the measure that must have been found for the figure to be drawn"""


def of_diagnostics(view: View) -> list[Plot[View]]:
    """The figures of the diagnostics for which the run has numbers, in the order in which practitioners ask."""
    found = view.diagnosis
    return [
        plot for measure, plot in DIAGNOSTICS.items() if found and (found.having(measure) or found.frontiers(measure))
    ]


def save(plots: Sequence[Plot[V]], view: V, folder: Path) -> dict[str, str]:
    """Draw the figures into `folder` as SVG and PNG; return the SVG by name, ready to stand in a page."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    with matplotlib.rc_context(STYLE):
        for plot in plots:
            figure = plot.draw(view)
            (folder / f"{plot.name}.svg").write_text(svg(figure, transparent=False))
            figure.savefig(folder / f"{plot.name}.png", dpi=160, metadata={"Software": None})
            drawn[plot.name] = inline(svg(figure, transparent=True), plot.name, plot.title)
    return drawn
