"""MovieLens: who rated what, how well and when; as an atomic file (`.inter`) or as the classic `u.data`.

Source: F. M. Harper, J. A. Konstan, "The MovieLens Datasets: History and Context", ACM TiiS 2015. No friendships.
"""

from pathlib import Path

from funnel.errors import InputError
from funnel.intake.columns import ColumnsSpec
from funnel.intake.drops import Gate
from funnel.intake.files import names
from funnel.intake.layout import Files, Layout, Tables
from funnel.intake.table import table
from funnel.intake.values import Column

CLASSIC = "u.data"
HEADER = ("user_id", "item_id", "rating", "timestamp")
"""the columns of the classic file, which has no header"""


def _files(folder: Path, columns: ColumnsSpec) -> Files:
    found = [name for name in names(folder) if name.endswith(".inter") or name == CLASSIC]
    if len(found) > 1:
        raise InputError(f"{folder}: should hold one table of ratings. Found {', '.join(found)}. Keep one of them.")
    return {"interactions": [folder / name for name in found]} if found else {}


def _read(files: Files, columns: ColumnsSpec, gate: Gate) -> Tables:
    path = files["interactions"][0]
    header = HEADER if path.name == CLASSIC else None
    return Tables(table(path, _columns(typed=header is None), gate, header), "rating")


def _columns(typed: bool) -> dict[str, Column]:
    """The columns of a file; an atomic one says the type of each in its header."""
    token, number = (":token", ":float") if typed else ("", "")
    return {
        "user": Column("user_id" + token),
        "item": Column("item_id" + token),
        "weight": Column("rating" + number, "number"),
        "time": Column("timestamp" + number, "time"),
    }


LAYOUT = Layout(_files, _read)
