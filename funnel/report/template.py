"""From a template to a page: what the pages of all kinds of scenario have in common."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from funnel.errors import ResultsError

PAGE = "index.html"
SCRIPTS = Path(__file__).parent / "scripts"


def put_page(folder: Path, template: str, context: Mapping[str, Any]) -> Path:
    """Write the page of a results folder, beside its place first, so that nobody ever finds half of one."""
    page = _environment().get_template(template).render(context)
    temporary = folder / f".{PAGE}.{os.getpid()}"
    temporary.write_text(page)
    os.replace(temporary, folder / PAGE)
    return folder / PAGE


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a full disk into a ResultsError that names the page."""
    try:
        yield
    except OSError as error:
        remedy = "Make room, and build the report again."
        raise ResultsError(f"{folder / PAGE}: should be written. Found {error.strerror}. {remedy}") from error


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("funnel.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    environment.globals["script"] = _script
    return environment


def _script(name: str) -> Markup:
    """A program of the page, to stand in it as it is: no page fetches anything."""
    return Markup((SCRIPTS / name).read_text())


def _code(sentence: str) -> Markup:
    """A sentence with `names` in back quotes set as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(sentence))))
