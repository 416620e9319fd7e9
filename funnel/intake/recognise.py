"""Which layout a folder has, and which of its files belong to it."""

from dataclasses import dataclass
from pathlib import Path

from funnel.errors import InputError
from funnel.intake.columns import COLUMNS, ColumnsSpec, columns_of
from funnel.intake.files import names, opened
from funnel.intake.layout import Files
from funnel.intake.layouts import LAYOUTS


@dataclass(frozen=True)
class Folder:
    """A folder whose layout is known; none of its tables has been read."""

    path: Path
    layout: str
    columns: ColumnsSpec
    files: Files

    @property
    def read(self) -> tuple[Path, ...]:
        """The files of all tables."""
        return tuple(path for paths in self.files.values() for path in paths)


def recognised(source: Path) -> Folder:
    """The folder by its TOML, or by the names of its files.

    Raises:
        InputError: no folder, no layout or two of them, or a TOML that does not fit.
    """
    folder = opened(source)
    columns = columns_of(folder)
    tried = [columns.layout] if columns.layout else LAYOUTS
    found = {name: files for name in tried if "interactions" in (files := LAYOUTS[name].files(folder, columns))}
    if not found:
        raise InputError(_foreign(folder, columns))
    if len(found) > 1:
        several = ", ".join(found)
        raise InputError(
            f"{folder}: should be of one layout. Found files of {several}. Name one as `layout` in {COLUMNS}."
        )
    layout, files = found.popitem()
    _heeded(folder, layout, columns)
    return Folder(folder, layout, columns, files)


def _foreign(folder: Path, columns: ColumnsSpec) -> str:
    there = names(folder)
    listed = ", ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    what = f"the interactions of the layout {columns.layout}" if columns.layout else "a table `interactions`"
    return f"{folder}: should hold {what}. Found {listed or 'no file'}. See docs/real_data.md for what a folder holds."


def _heeded(folder: Path, layout: str, columns: ColumnsSpec) -> None:
    """Nothing that the TOML says is passed over.

    Raises:
        InputError: it names columns of a layout whose columns have fixed names.
    """
    idle = sorted(columns.model_fields_set - LAYOUTS[layout].keys - {"layout"})
    if idle:
        where = f"{folder / COLUMNS}: {', '.join(idle)}"
        raise InputError(f"{where}: is heeded in the layout tables alone. Found the layout {layout}. Take it out.")
