"""The page of a calibration: reads its results folder and nothing else."""

from pathlib import Path

from funnel.report.figures.calibration import FIGURES
from funnel.report.figures.catalogue import save
from funnel.report.fit import Fit
from funnel.report.settings import plain
from funnel.report.template import put_page, writing
from funnel.scenario import envelope


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    fit = Fit(envelope.read(folder))
    with writing(folder):
        context = {
            "summary": fit.summary,
            "scenario": fit.summary["scenario"],
            "verdict": fit.summary["verdict"],
            "targets": fit.rows(),
            "geometry": [(stage, plain(size)) for stage, size in fit.summary["geometry"].items() if size is not None],
            "plain": plain,
            "figures": save(FIGURES, fit, folder / "figures"),
        }
        return put_page(folder, "calibration.html.jinja", context)
