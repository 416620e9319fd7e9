"""The oracle's items on their way down the funnel: what goes on is a band, what is lost at a stage leaves it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.data import Rows, of_arms
from funnel.report.figures.funnel import FATES, PANELS, STAGES
from funnel.report.figures.style import INK
from funnel.report.view import View, number

SIDES = {"friend": 1, "other": -1}
"""friend items above the middle line, others below: place tells them apart, and a hatch"""
OUTWARD: dict[int, dict[str, Any]] = {1: {"va": "bottom", "fontsize": 8}, -1: {"va": "top", "fontsize": 8}}
"""how words stand on either side of the middle line"""
AWAY = 0.16
"""how far beyond the widest band the lost parts end, in units of the oracle's items"""
LEAVES, ENDS = 0.12, 0.7
"""where between two stages a lost part leaves the band, and where it ends"""
STEPS = np.linspace(0, 1, 24)
SMOOTH = STEPS * STEPS * (3 - 2 * STEPS)
"""a curve from 0 to 1 that is level at both ends"""


def oracle_flow(view: View) -> Figure:
    """The flow of the proposal above that of the reference, so that numbers have room between the stages."""
    figure = Figure(figsize=(9.6, 7.6), layout="constrained")
    panels = figure.subplots(2, 1, sharey=True)
    for axes, arm in zip(panels, view.compared, strict=True):
        axes.set_title(arm)
        for slice_ in SIDES:
            _flow(axes, view, arm, slice_)
        _stations(axes, view, arm)
    return figure


def _flow(axes: Axes, view: View, arm: str, slice_: str) -> None:
    """One side of a panel: a band that narrows, and the parts that leave it."""
    side, width = SIDES[slice_], _width(view, arm, slice_)
    lost = [view.estimate(arm, "terminal", stage, slice_) for stage in STAGES]
    if not width or any(estimate["value"] is None for estimate in lost):
        axes.text(0.1, side * AWAY, f"no {slice_} items in the oracle set", va="center", fontsize=9)
        return
    heights = [width]
    far = max(_width(view, arm, one) for one in SIDES) + AWAY
    for place, (stage, estimate) in enumerate(zip(STAGES, lost, strict=True)):
        heights.append(heights[-1] - width * estimate["value"])
        _leave(axes, side, place, (heights[-1], heights[-2]), far, FATES[stage][1])
        _tell(axes, side, place + ENDS, far + heights[-2] - heights[-1], view, estimate)
    _band(axes, side, heights, slice_)
    shown = view.estimate(arm, "terminal", "shown", slice_)
    axes.text(len(STAGES) + 0.18, side * 0.015, _said(view, shown), **OUTWARD[side])
    title = dict(PANELS)[slice_].lower()
    axes.text(-0.06, side * width / 2, f"{title}\n{100 * width:.0f} % of the set", ha="right", va="center", fontsize=8)


def _width(view: View, arm: str, slice_: str) -> float:
    """Share of the oracle's items that are of a slice."""
    friend = view.estimate(arm, "share", "oracle", "friend")["value"] or 0.0
    return friend if slice_ == "friend" else 1 - friend


def _band(axes: Axes, side: int, heights: list[float], slice_: str) -> None:
    """What goes on, narrower after every stage; friend items are hatched."""
    ends = [0.0, *(place + LEAVES for place in range(len(STAGES))), len(STAGES) + LEAVES]
    hatch: dict[str, Any] = {"hatch": "////", "edgecolor": "white"} if slice_ == "friend" else {}
    outline = side * np.array([*heights, heights[-1]])
    axes.fill_between(ends, 0, outline, step="post", facecolor=FATES["shown"][1], linewidth=0, **hatch)


def _leave(axes: Axes, side: int, place: int, part: tuple[float, float], far: float, colour: str) -> None:
    """The part of a band between two heights bends away and ends beyond `far`."""
    x = place + LEAVES + (ENDS - LEAVES) * STEPS
    inner = part[0] + (far - part[0]) * SMOOTH
    axes.fill_between(x, side * inner, side * (inner + part[1] - part[0]), color=colour, linewidth=0)


def _tell(axes: Axes, side: int, x: float, y: float, view: View, estimate: dict) -> None:
    axes.text(x, side * (y + 0.02), _said(view, estimate), ha="center", **OUTWARD[side])


def _said(view: View, estimate: dict) -> str:
    """A share in per cent over its interval."""
    cell = number(estimate, "share", view.seeds)
    return f"{cell.text}\n{cell.detail.replace(' %', '')}"


def _stations(axes: Axes, view: View, arm: str) -> None:
    """The stages below the flow, with how many candidates each puts out."""
    counts = [view.estimate(arm, "candidates", stage)["value"] for stage in STAGES]
    labels = [f"{stage}\n{count:,.0f} candidates" for stage, count in zip(STAGES, counts, strict=True)]
    axes.set_xticks([place + 0.5 for place in range(len(STAGES))], labels, fontsize=9)
    axes.set_xlim(-0.6, len(STAGES) + 0.7)
    axes.margins(y=0.1)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def flow_data(view: View) -> Rows:
    return [
        row
        for row in (
            *of_arms(view, "terminal", FATES, SIDES),
            *of_arms(view, "share", ("oracle",), ("friend",)),
            *of_arms(view, "candidates", STAGES),
        )
        if row["arm"] in view.compared
    ]


def flow_caption(view: View) -> str:
    proposal, reference = view.scenario["proposal"], view.scenario["reference"]
    return (
        f"Where the oracle's items go under `{proposal}` and under `{reference}`: friend items above the line and "
        "hatched, others below. A band is what reaches a stage; what the stage loses leaves it (grey at retrieval, "
        "vermilion at early, amber at late), and what is left at the end is shown. Widths are shares of the oracle "
        "set, so both panels begin equally wide; numbers are shares of the friend items and of the others, with their "
        f"intervals. Compare how much leaves at early above the line. {view.behind}"
    )
