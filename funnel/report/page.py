"""The page of a report: reads a results folder and nothing else, writes figures and one self-contained `index.html`."""

from pathlib import Path
from typing import Any

from funnel.report import tables
from funnel.report.examples import examples
from funnel.report.figures.catalogue import SECTIONS, Drawn, of_diagnostics, save
from funnel.report.papers import papers
from funnel.report.sections import (
    diagnostics,
    friends,
    repairs,
    simulated,
    surfaces,
    trust,
    verdict,
    whatif,
    world,
)
from funnel.report.template import put_page, writing
from funnel.report.view import View
from funnel.scenario import results

TONES = {
    "lost": "bad",
    "forgone": "bad",
    "not lost": "good",
    "equivalent": "good",
    "gained": "good",
    "undecided": "open",
}
"""colour of an outcome; its word always stands beside it"""


def build(folder: Path) -> Path:
    """Draw the figures and write the page of a finished results folder.

    Returns:
        The path of the page.

    Raises:
        ResultsError: the folder is missing, unfinished, foreign, damaged or of another version, or the disk is full.
    """
    view = View(results.read(folder))
    examined = diagnostics.section(view)
    with writing(folder):
        if examined:
            examined["figures"] = save(of_diagnostics(view), view, folder / "figures")
        figures = {name: save(plots, view, folder / "figures") for name, plots in SECTIONS.items()}
        told = world.section(view.summary.get("world"), folder / "figures")
        by_surface = surfaces.section(view, folder / "figures")
        context = _context(view, figures, examined) | {"world": told, "surfaces": by_surface}
        return put_page(folder, "page.html.jinja", context)


def _context(view: View, figures: dict[str, Drawn], examined: dict[str, Any] | None) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": view.summary,
        "scenario": view.scenario,
        "seeds": view.seeds,
        "verdict": view.summary["verdict"],
        "tones": TONES,
        "brief": verdict.section(view),
        "behind": view.behind,
        "figures": figures,
        "tables": tables.main(view),
        "passage": tables.passage(view),
        "stagewise": tables.stagewise(view),
        "agreement": tables.agreement(view),
        "friends": friends.section(view),
        "repairs": repairs.section(view),
        "examples": examples(view),
        "diagnostics": examined,
        "whatif": whatif.section(view),
        # With diagnostics, what judges rankers stands among them.
        "more": [*tables.more(view), *([] if examined else tables.rankers(view)), tables.facts(view)],
        "certificates": tables.certificates(view, view.found.table("deaths")),
        "trust": trust.section(view),
        "simulated": simulated.section(view.summary["base"], view.spec),
        "papers": papers([view.spec]),
    }
