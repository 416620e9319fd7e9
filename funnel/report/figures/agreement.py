"""Do the early and the late stage want the same items: overlap of their rankings, and one request score by score."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report import examples
from funnel.report.figures.arms import NAMED, ordered, quiet_look, told
from funnel.report.figures.data import Rows, of_arms
from funnel.report.figures.style import INK, PER_CENT, whiskers
from funnel.report.view import View

SLICES = {"impressed": "Among what was shown", "unimpressed": "Among the rest of the pool"}
FRIEND, OTHER = "#D55E00", "#0072B2"


def overlap(view: View) -> Figure:
    """Overlap of the early and the late ranking, a row an arm."""
    arms = ordered(view)
    figure = Figure(figsize=(9.6, 1.2 + (0.36 if len(arms) <= NAMED else 0.26) * len(arms)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (slice_, title) in zip(panels, SLICES.items(), strict=True):
        axes.set_title(title)
        for row, arm in enumerate(arms):
            found = view.estimate(arm, "overlap", "early", slice_)
            if found["value"] is None:
                axes.text(0.5, row, "no such items", ha="center", va="center", fontsize=8)
            else:
                axes.errorbar([found["value"]], [row], xerr=whiskers([found]), **quiet_look(view, arm))
        axes.set_yticks(range(len(arms)), [told(view, arm) for arm in arms])
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the top that both rankings have")
        axes.xaxis.set_major_formatter(PER_CENT)
        axes.grid(axis="x", color=INK, alpha=0.15)
    return figure


def overlap_data(view: View) -> Rows:
    return of_arms(view, "overlap", ("early",), SLICES)


def overlap_caption(view: View) -> str:
    return (
        "Common items of the early and the late top K of the same candidates, over K. On what was shown both stages "
        "had to agree already; on the rest of the pool they need not, and a late stage that wants what the early stage "
        f"does not see shows there. {view.behind}"
    )


def scores(view: View) -> Figure:
    """Early score against late score of one request's pool, for the proposal and the reference."""
    figure = Figure(figsize=(9.6, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, arm in zip(panels, view.compared, strict=True):
        axes.set_title(arm)
        _scatter(axes, _pool(view, arm))
        axes.set_xlabel("early score")
    panels[0].set_ylabel("late score")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _pool(view: View, arm: str) -> pl.DataFrame:
    """What retrieval found for the request."""
    rows = view.sample.filter((pl.col("arm") == arm) & pl.col("retrieved"))
    return rows.filter(pl.col("request") == examples.chosen(view)[0])


def _scatter(axes: Axes, pool: pl.DataFrame) -> None:
    """Friend items are triangles, others dots; the oracle's items are ringed; left of the line none survives."""
    for friend, colour, marker, label in ((False, OTHER, "o", "other items"), (True, FRIEND, "^", "friend items")):
        found = pool.filter(pl.col("friend") == friend)
        look: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "s": 14 if marker == "o" else 26,
            "alpha": 0.6,
            "linewidths": 0,
        }
        axes.scatter(found["early_score"], found["late_score"], label=label, **look)
    oracle = pool.filter(pl.col("oracle"))
    ring: dict[str, Any] = {"s": 70, "facecolors": "none", "edgecolors": INK, "linewidths": 1.1}
    axes.scatter(oracle["early_score"], oracle["late_score"], **ring, label="the oracle's items")
    kept = pool.filter(pl.col("early"))["early_score"].to_numpy()
    if len(kept):
        axes.axvline(float(np.min(kept)), color=INK, linewidth=1, linestyle="--", label="least score that survived")
    axes.grid(color=INK, alpha=0.15)


def scores_data(view: View) -> Rows:
    columns = ("arm", "request", "item", "friend", "oracle", "early", "slate", "early_score", "late_score", "value")
    return [row for arm in view.compared for row in _pool(view, arm).select(columns).to_dicts()]


def scores_caption(view: View) -> str:
    place = examples.place(view, examples.chosen(view)[0])
    return (
        f"Every candidate of request {place} of the sample, the first example below, by what the early stage sorts by "
        "and what the late stage sorts (or would sort) by. Left of the dashed line nothing comes through the early "
        "stage: what stands high there is what the late stage would have liked to see."
        f"{''.join(_beyond(view, arm) for arm in view.compared)} Ringed: the items of the oracle set. One request of "
        "one world, an example and no estimate, so it has no interval."
    )


def _beyond(view: View, arm: str) -> str:
    """Of an arm whose early stage cuts what scored better than something that it kept, that it does."""
    pool = _pool(view, arm)
    kept = pool.filter(pl.col("early"))["early_score"]
    if not len(kept) or pool.filter(~pl.col("early") & (pl.col("early_score") > kept.min())).is_empty():
        return ""
    return f" Right of it `{arm}` cuts, too, since there more than the score decides who comes through."
