"""The page of a report: reads a results folder and nothing else, writes figures and one self-contained `index.html`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from funnel.report import tables
from funnel.report.examples import examples
from funnel.report.figures.catalogue import SECTIONS, Plot, of_diagnostics, save
from funnel.report.sections import diagnostics, repairs, trust, verdict, whatif
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

Figures = list[dict[str, Any]]
"""as the template prints them"""


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
            examined["figures"] = _drawn(of_diagnostics(view), view, folder)
        figures = {name: _drawn(plots, view, folder) for name, plots in SECTIONS.items()}
        return put_page(folder, "page.html.jinja", _context(view, figures, examined))


def _drawn(plots: Sequence[Plot[View]], view: View, folder: Path) -> Figures:
    inline = save(plots, view, folder / "figures")
    return [
        {"name": plot.name, "title": plot.title, "svg": Markup(inline[plot.name]), "caption": plot.caption(view)}
        for plot in plots
    ]


def _context(view: View, figures: dict[str, Figures], examined: dict[str, Any] | None) -> dict[str, Any]:
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
        "repairs": repairs.section(view),
        "examples": examples(view),
        "diagnostics": examined,
        "whatif": whatif.section(view),
        # With diagnostics, what judges rankers stands among them.
        "more": [*tables.more(view), *([] if examined else tables.rankers(view)), tables.facts(view)],
        "certificates": tables.certificates(view, view.found.table("deaths")),
        "trust": trust.section(view),
    }
