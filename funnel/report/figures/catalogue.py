"""The catalogue of figures. To add one: a function from a `View` to a `Figure`, one to its caption, one to the rows of
its data, one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import matplotlib
import polars as pl
from markupsafe import Markup
from matplotlib.figure import Figure

from funnel.report.account import Account
from funnel.report.figures import (
    agreement,
    budgets,
    flow,
    friends,
    frontiers,
    funnel,
    learning,
    repairs,
    surfaces,
    transfer,
    world,
)
from funnel.report.figures.data import Rows, of_diagnosis
from funnel.report.figures.style import STYLE, grounded, inline, svg
from funnel.report.view import View

V = TypeVar("V")


@dataclass(frozen=True)
class Plot(Generic[V]):
    """One figure of a page, drawn from what the page's kind of scenario is viewed by."""

    name: str
    title: str
    draw: Callable[[V], Figure]
    caption: Callable[[V], str]
    data: Callable[[V], Rows]
    """the numbers behind it, which are written beside it as `<name>.csv`"""


SECTIONS: dict[str, tuple[Plot[View], ...]] = {
    "funnel": (
        Plot(
            "funnel_recall", "Recall down the funnel", funnel.funnel_recall, funnel.recall_caption, funnel.recall_data
        ),
        Plot("oracle_flow", "The oracle's items on their way", flow.oracle_flow, flow.flow_caption, flow.flow_data),
        Plot(
            "oracle_fates",
            "Where the oracle's items ended",
            funnel.oracle_fates,
            funnel.fates_caption,
            funnel.fates_data,
        ),
    ),
    "value": (
        Plot(
            "value_waterfall",
            "Where value is lost",
            funnel.value_waterfall,
            funnel.waterfall_caption,
            funnel.waterfall_data,
        ),
    ),
    "repairs": (
        Plot(
            "repair_costs", "What repairs cost and gain", repairs.repairs, repairs.repairs_caption, repairs.repairs_data
        ),
        Plot("keep_curve", "Other early budgets", budgets.keep_curve, budgets.keep_caption, budgets.keep_data),
    ),
    "agreement": (
        Plot(
            "overlap", "Overlap of the rankings", agreement.overlap, agreement.overlap_caption, agreement.overlap_data
        ),
        Plot(
            "scores", "One request, score by score", agreement.scores, agreement.scores_caption, agreement.scores_data
        ),
    ),
    "friends": (
        Plot("bubbles", "Bubbles by friend count", friends.bubbles, friends.bubbles_caption, friends.bubbles_data),
        Plot(
            "closeness",
            "What the closeness estimate knows",
            friends.closeness,
            friends.closeness_caption,
            friends.closeness_data,
        ),
    ),
}
"""the figures of a page's sections, in the order of the page"""

FIGURES = tuple(plot for plots in SECTIONS.values() for plot in plots)


def _of(measure: str, name: str, title: str, draw: Callable[[View], Figure], caption: Callable[[View], str]):
    """A figure of the diagnostics, by the measure that must have been found for it to be drawn."""
    return measure, Plot(name, title, draw, caption, partial(of_diagnosis, measure=measure))


DIAGNOSTICS: dict[str, Plot[View]] = dict(
    (
        _of("transfer", "transfer", "Does learning together pay", transfer.transfer, transfer.transfer_caption),
        _of(
            "pair_transfer",
            "pair_transfer",
            "What each task does to another",
            transfer.pair_transfer,
            transfer.pair_transfer_caption,
        ),
        _of("cosine", "cosine", "Do gradients agree", learning.cosine, learning.cosine_caption),
        _of("gate", "gates", "Which experts the tasks mix", learning.gates, learning.gates_caption),
        _of("loss", "learning", "Learning curves", learning.learning, learning.learning_caption),
        _of("ablation", "ablation", "What could be dropped", transfer.ablation, transfer.ablation_caption),
        _of(
            "slate_mean",
            "formula_frontier",
            "What the formula trades",
            frontiers.formula_frontier,
            frontiers.formula_frontier_caption,
        ),
        _of(
            "weighted_loss",
            "training_frontier",
            "What training trades",
            frontiers.training_frontier,
            frontiers.training_frontier_caption,
        ),
    )
)
"""by the measure that must have been found for the figure to be drawn"""


def of_diagnostics(view: View) -> list[Plot[View]]:
    """The figures of the diagnostics for which the run has numbers, in the order in which practitioners ask."""
    found = view.diagnosis
    return [
        plot for measure, plot in DIAGNOSTICS.items() if found and (found.having(measure) or found.frontiers(measure))
    ]


LAWS = Plot("world_laws", "The data's laws in its world", world.laws, world.laws_caption, world.laws_data)
RANKING = Plot("world_ranking", "What was held out, ranked", world.ranking, world.ranking_caption, world.ranking_data)
SOCIAL = Plot("world_social", "What friends tell", world.social, world.social_caption, world.social_data)


def of_world(account: Account) -> list[Plot[Account]]:
    """The figures of a fitted world; what friends tell where the data has friends."""
    return [LAWS, RANKING, *([SOCIAL] if account.lifts else [])]


SURFACES = Plot(
    "surface_calibration",
    "Calibration by surface",
    surfaces.calibration,
    surfaces.calibration_caption,
    surfaces.calibration_data,
)
"""drawn where the world tells surfaces apart"""

Drawn = list[dict[str, Any]]
"""figures as a template prints them: name, title, svg, caption"""


def save(plots: Sequence[Plot[V]], view: V, folder: Path) -> Drawn:
    """Draw the figures into `folder` as SVG and PNG, with their data as CSV.

    Returns:
        The figures, ready to stand in a page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        return [_saved(plot, view, folder) for plot in plots]


def _saved(plot: Plot[V], view: V, folder: Path) -> dict[str, Any]:
    figure = plot.draw(view)
    drawing = svg(figure)
    (folder / f"{plot.name}.svg").write_text(grounded(drawing))
    figure.set_layout_engine("none")  # it is settled, and takes as long as the drawing
    figure.savefig(folder / f"{plot.name}.png", dpi=160, metadata={"Software": None})
    pl.DataFrame(plot.data(view), infer_schema_length=None).write_csv(folder / f"{plot.name}.csv")
    standing = Markup(inline(drawing, plot.name, plot.title))
    return {"name": plot.name, "title": plot.title, "svg": standing, "caption": plot.caption(view)}
