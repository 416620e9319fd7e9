"""The page of a `task_conflict` scenario: reads its results folder and nothing else."""

import json
from pathlib import Path
from typing import Any

from funnel.report.figures.catalogue import Drawn, save
from funnel.report.figures.conflict import FIGURES
from funnel.report.study import Study
from funnel.report.template import put_page, writing
from funnel.report.view import text
from funnel.scenario import envelope

TONES = {"lower": "good", "higher": "bad", "undecided": "open"}
"""colour of an outcome; its word always stands beside it"""


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    summary = envelope.read(folder)
    study = Study(summary)
    with writing(folder):
        drawn = save(FIGURES, study, folder / "figures")
        return put_page(folder, "conflict.html.jinja", _context(study, folder, drawn))


def _context(study: Study, folder: Path, drawn: Drawn) -> dict[str, Any]:
    """Everything that the template prints."""
    facts = study.facts
    return {
        "summary": study.summary,
        "scenario": study.summary["scenario"],
        "verdict": study.summary["verdict"],
        "tones": TONES,
        "behind": study.behind,
        "spec": json.loads((folder / envelope.SPEC).read_text()),
        "figures": drawn,
        "tables": study.tables(),
        "parameters": [(model, f"{count:,}") for model, count in facts["parameters"].items()],
        "floor": text(facts["floor"]["value"], "loss"),
        "labels": [(one["correlation"], text(one["value"], "ratio")) for one in facts["label_correlation"]],
    }
