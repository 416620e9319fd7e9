"""The page of a `bubble_dose` scenario: reads its results folder and nothing else."""

import json
from pathlib import Path
from typing import Any

from funnel.report.figures.catalogue import Drawn, save
from funnel.report.figures.dose import FIGURES
from funnel.report.settings import lines
from funnel.report.template import put_page, writing
from funnel.report.trial import Trial
from funnel.scenario import envelope

TONES = {"holds": "good", "above": "bad", "below": "bad", "undecided": "open", "unknown": "open"}
"""colour of an outcome; its word always stands beside it"""


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    trial = Trial(envelope.read(folder))
    with writing(folder):
        drawn = save(FIGURES, trial, folder / "figures")
        return put_page(folder, "dose.html.jinja", _context(trial, folder, drawn))


def _context(trial: Trial, folder: Path, drawn: Drawn) -> dict[str, Any]:
    """Everything that the template prints."""
    summary = trial.summary
    return {
        "summary": summary,
        "scenario": summary["scenario"],
        "verdict": summary["verdict"],
        "tones": TONES,
        "behind": trial.behind,
        "spec": json.loads((folder / envelope.SPEC).read_text()),
        "changes": lines(summary["base"]["changes"]),
        "figures": drawn,
        "tables": trial.tables(),
        "counts": trial.counts(),
    }
