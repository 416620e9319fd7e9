"""How figures look: colour-blind safe (Okabe and Ito 2008), the same bytes every time, and in the page's own ink."""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from funnel.scenario.estimates import Estimate

INK = "#1b1f24"
"""text and axes; becomes the page's own text colour where a figure stands in a page"""
ARM_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
ARM_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
PER_CENT = FuncFormatter(lambda share, _: f"{100 * share:.0f} %")
"""of an axis of shares"""
FINE_PER_CENT = FuncFormatter(lambda share, _: f"{100 * share:.3g} %")
"""of an axis of rates that may be far below one per cent"""
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "funnel",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
}


def whiskers(found: Sequence[Estimate]) -> list[list[float]]:
    """How far the interval of each estimate reaches below and above its value, as matplotlib wants it.

    The interval is the one over seeds; with one seed the bootstrap's, where there is one.
    """
    ends = [_ends(estimate) for estimate in found]
    return [
        [max(0.0, estimate["value"] - low) for estimate, (low, _) in zip(found, ends, strict=True)],
        [max(0.0, high - estimate["value"]) for estimate, (_, high) in zip(found, ends, strict=True)],
    ]


def _ends(estimate: Estimate) -> tuple[float, float]:
    for low, high in (("low", "high"), ("bootstrap_low", "bootstrap_high")):
        if estimate.get(low) is not None:
            return estimate[low], estimate[high]
    return estimate["value"], estimate["value"]


def svg(figure: Figure) -> str:
    """The drawing without a ground, so that it takes the one that it stands on."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def grounded(svg: str) -> str:
    """The drawing on white, as a file of its own: its ink would not show on a dark ground."""
    opening = svg.index(">", svg.index("<svg")) + 1
    return f'{svg[:opening]}<rect width="100%" height="100%" fill="#ffffff"/>{svg[opening:]}'


def inline(svg: str, name: str, title: str) -> str:
    """The drawing alone, in the page's text colour, with ids that no other figure of the page has."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = svg.replace(INK, "currentColor")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
