"""Tables as text: CSV and TSV, all values as strings, so that ids stay what they were."""

import csv
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from funnel.intake.files import SEPARATORS, kind

BEYOND = "fields beyond the header"
"""the column that holds what a row has too much"""


def scan(path: Path, header: Sequence[str] | None) -> tuple[pl.LazyFrame, list[str]]:
    """The table, with `BEYOND` as its last column, and the names of its header.

    A field that a row has too little is null. Quotes mean something where commas separate, and nothing where tabs do.
    Bytes that are no UTF-8 become U+FFFD.

    Args:
        header: the names, if the file does not begin with them.
    """
    separator = SEPARATORS[kind(path)]
    quote = '"' if separator == "," else None
    names = list(header or _header(path, separator, quote))
    # A name that stands twice would be no schema; nobody can ask for the second.
    unique = [name if name not in names[:place] else f"{name}\0{place}" for place, name in enumerate(names)]
    lazy = pl.scan_csv(
        path,
        has_header=header is None,
        separator=separator,
        quote_char=quote,
        schema=dict.fromkeys([*unique, BEYOND], pl.String),
        missing_columns="insert",
        extra_columns="ignore",
        encoding="utf8-lossy",
        glob=False,
    )
    return lazy, names


def _header(path: Path, separator: str, quote: str | None) -> list[str]:
    opener: Callable = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        line = file.readline()
    if b"\0" in line:
        raise UnicodeError("text in another encoding than UTF-8")
    names = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
    return next(csv.reader([names], delimiter=separator, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE), [])
