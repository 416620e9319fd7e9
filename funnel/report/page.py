"""The page of a report: reads a results folder and nothing else, writes figures and one self-contained `index.html`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from funnel.report import tables
from funnel.report.figures.catalogue import SECTIONS, Plot, of_diagnostics, save
from funnel.report.sections import diagnostics
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
    found = results.read(folder)
    view = View(found.summary)
    examined = diagnostics.section(view)
    with writing(folder):
        if examined:
            examined["figures"] = _drawn(of_diagnostics(view), view, folder)
        figures = {name: _drawn(plots, view, folder) for name, plots in SECTIONS.items()}
        return put_page(folder, "page.html.jinja", _context(view, found, figures, examined))


def _drawn(plots: Sequence[Plot[View]], view: View, folder: Path) -> list[dict[str, Any]]:
    """The figures as the template prints them."""
    inline = save(plots, view, folder / "figures")
    return [
        {"name": plot.name, "title": plot.title, "svg": Markup(inline[plot.name]), "caption": plot.caption(view)}
        for plot in plots
    ]


def _context(
    view: View, found: results.Results, figures: dict[str, list[dict[str, Any]]], examined: dict[str, Any] | None
) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": found.summary,
        "scenario": view.scenario,
        "seeds": view.seeds,
        "verdict": found.summary["verdict"],
        "tones": TONES,
        "levels": _levels(view),
        "behind": view.behind,
        "figures": figures,
        "tables": tables.main(view),
        "diagnostics": examined,
        # With diagnostics, what judges rankers stands among them.
        "more": [*tables.more(view), *([] if examined else tables.rankers(view)), tables.facts(view)],
        "certificates": tables.certificates(view, found.table("deaths")),
        "changes": tables.changes(found.summary),
    }


def _levels(view: View) -> list[tuple[str, str, list[Any]]]:
    """The three arms of the verdict: role, arm, and the cells that tell most."""
    addresses = [
        ("lost", "early", "all", ""),
        ("value", "late", "all", ""),
        ("rest_value", "late", "all", ""),
        ("recoverable", "early", "all", ""),
    ]
    roles = ("proposal", "reference", "baseline")
    named = [(role, view.scenario[role]) for role in roles]
    return [(role, arm, [view.cell(arm, address) for address in addresses]) for role, arm in named]
