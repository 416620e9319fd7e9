"""The page of a sweep: reads its results folder and nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from funnel import patch
from funnel.report.figures import maps, sweep
from funnel.report.figures.catalogue import Drawn, Plot, save
from funnel.report.page import TONES
from funnel.report.papers import papers
from funnel.report.points import SweepView
from funnel.report.sections import simulated, world
from funnel.report.settings import plain
from funnel.report.template import put_page, writing
from funnel.scenario import envelope

STANDINGS = {"safe": "good", "not safe": "bad", "undecided": "open"}
"""colour of what is said of a point; its word always stands beside it"""

LINES: tuple[Plot[SweepView], ...] = (
    Plot("standing", "Where it matters", sweep.standing, sweep.standing_caption, sweep.standing_data),
    Plot("levels", "What the arms reach", sweep.levels, sweep.levels_caption, sweep.levels_data),
    Plot("friends", "Friends in the slate", sweep.friends, sweep.friends_caption, sweep.friends_data),
    Plot("law", "The survival law beside it", sweep.law, sweep.law_caption, sweep.law_data),
)
"""of one axis"""
MAPS: tuple[Plot[SweepView], ...] = (
    Plot("standing", "Where it matters", maps.standing_map, maps.standing_map_caption, sweep.standing_data),
    Plot("levels", "What the arms reach", maps.levels_map, maps.levels_map_caption, sweep.levels_data),
    Plot("law", "The survival law beside it", maps.law_map, maps.law_map_caption, sweep.law_data),
)
"""of two"""


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    view, spec = SweepView(envelope.read(folder)), json.loads((folder / envelope.SPEC).read_text())
    plots = LINES if len(view.axes) == 1 else MAPS
    with writing(folder):
        drawn = save(plots, view, folder / "figures")
        told = world.section(view.summary.get("world"), folder / "figures")
        return put_page(folder, "sweep.html.jinja", _context(view, spec, drawn) | {"world": told})


def _context(view: SweepView, spec: dict[str, Any], drawn: Drawn) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": view.summary,
        "scenario": view.scenario,
        "verdict": view.summary["verdict"],
        "tones": TONES | STANDINGS,
        "behind": view.behind,
        "points": view.verdicts(),
        "levels": view.levels(),
        "law": view.laws(),
        "axes": [_axis(axis) for axis in spec["axes"]],
        "simulated": simulated.section(view.summary["base"], spec["first"], view.label(0)),
        "papers": papers([spec["first"], *(patch.merge(spec["first"], other) for other in spec["others"])]),
        "figures": drawn,
        "failed": [
            (view.label(place), arm, why)
            for place, point in enumerate(view.points)
            for arm, why in point["failed"].items()
        ],
    }


def _axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    """What moves along an axis: its fields, and by label the value of each."""
    places = zip(axis["values"], zip(*axis["fields"].values(), strict=True), strict=True)
    return {
        "name": axis["name"],
        "fields": list(axis["fields"]),
        "places": [(plain(label), [plain(value) for value in values]) for label, values in places],
    }
