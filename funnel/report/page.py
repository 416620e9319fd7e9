"""The page of a report: reads a results folder and nothing else, writes figures and one self-contained `index.html`."""

import os
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from funnel.errors import ResultsError
from funnel.report import tables
from funnel.report.figures.catalogue import FIGURES, save
from funnel.report.view import View
from funnel.scenario import results

PAGE = "index.html"
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
    try:
        inline = save(FIGURES, view, folder / "figures")
        page = _environment().get_template("page.html.jinja").render(_context(view, found, inline))
        temporary = folder / f".{PAGE}.{os.getpid()}"
        temporary.write_text(page)
        os.replace(temporary, folder / PAGE)
    except OSError as error:
        remedy = "Make room, and build the report again."
        raise ResultsError(f"{folder / PAGE}: should be written. Found {error.strerror}. {remedy}") from error
    return folder / PAGE


def _context(view: View, found: results.Results, inline: dict[str, str]) -> dict[str, Any]:
    """Everything that the template prints."""
    return {
        "summary": found.summary,
        "scenario": view.scenario,
        "seeds": view.seeds,
        "verdict": found.summary["verdict"],
        "tones": TONES,
        "levels": _levels(view),
        "behind": view.behind,
        "figures": [
            {"name": plot.name, "title": plot.title, "svg": Markup(inline[plot.name]), "caption": plot.caption(view)}
            for plot in FIGURES
        ],
        "tables": tables.main(view),
        "more": [*tables.more(view), tables.facts(view)],
        "certificates": tables.certificates(view, found.deaths),
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


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("funnel.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    return environment


def _code(sentence: str) -> Markup:
    """A sentence with `names` in back quotes set as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(sentence))))
