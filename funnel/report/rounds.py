"""The page of a feedback loop: reads its results folder and nothing else."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from funnel import patch
from funnel.report.feedback import RoundsView
from funnel.report.figures import rounds, sweep
from funnel.report.figures.catalogue import Drawn, Plot, save
from funnel.report.page import TONES
from funnel.report.papers import papers
from funnel.report.sections import simulated
from funnel.report.sweep import STANDINGS
from funnel.report.template import put_page, writing
from funnel.scenario import envelope

LOOP = {
    "requests that an arm serves a round": "loop.requests",
    "rounds of logs that models are trained on": "loop.window",
    "training starts": "loop.start",
    "closeness estimate": "closeness.kind",
    "rounds between two of its fits": "closeness.every",
    "days that pass in a round": "world.drift.days",
    "mean age of items, days": "world.age_mean",
    "public reactions that leave the window a round": "world.drift.reactions",
    "friendships drawn anew a round": "world.drift.closeness",
}
"""the numbers of the base that tell of its loop"""


def _over(name: str, title: str, panels: rounds.Panels, caption: Callable[[RoundsView], str]) -> Plot[RoundsView]:
    draw, data = partial(rounds.over_rounds, panels=panels), partial(rounds.over_rounds_data, panels=panels)
    return Plot(name, title, draw, caption, data)


PLOTS: tuple[Plot[RoundsView], ...] = (
    Plot("standing", "How the verdict moves", sweep.standing, sweep.standing_caption, sweep.standing_data),
    Plot("levels", "What the arms reach", sweep.levels, sweep.levels_caption, sweep.levels_data),
    _over("head", "Does the new head starve", rounds.head, rounds.head_caption),
    _over("people", "What it is worth to people", rounds.people, rounds.people_caption),
    _over("exposure", "What people are exposed to", rounds.exposure, rounds.exposure_caption),
    _over("calibration", "Calibration", rounds.calibration, rounds.calibration_caption),
    _over("passage", "What comes down the funnel", rounds.passage, rounds.passage_caption),
)


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    summary, spec = envelope.read(folder), json.loads((folder / envelope.SPEC).read_text())
    view = RoundsView(summary, spec)
    with writing(folder):
        drawn = save(PLOTS, view, folder / "figures")
        return put_page(folder, "rounds.html.jinja", _context(view, spec, drawn))


def _context(view: RoundsView, spec: dict[str, Any], drawn: Drawn) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": view.summary,
        "scenario": view.scenario,
        "verdict": view.summary["verdict"],
        "tones": TONES | STANDINGS,
        "behind": view.behind,
        "points": view.verdicts(),
        "journey": view.journey(),
        "ends": view.ends(),
        "levels": view.levels(),
        "schedule": view.schedule(),
        "simulated": simulated.section(view.summary["base"], spec["first"], more=LOOP),
        "papers": papers([spec["first"], *(patch.merge(spec["first"], other) for other in spec["others"])]),
        "figures": drawn,
        "failed": [
            (view.label(place), arm, why)
            for place, point in enumerate(view.points)
            for arm, why in point["failed"].items()
        ],
    }
