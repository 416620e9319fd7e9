"""Files of a user's folder: which there are, what they are called, what they hold in bytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from funnel.errors import InputError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".dat": "\t", ".data": "\t", ".inter": "\t"}
"""what stands between the fields of a text file, by its suffix"""
TEXTS = (".csv", ".tsv", ".dat", *(f"{suffix}.gz" for suffix in (".csv", ".tsv", ".dat")))
BINARIES = (".parquet", ".feather")
SUFFIXES = (*BINARIES, *TEXTS)
"""what a table's file may end in"""


def opened(source: Path) -> Path:
    """The folder itself.

    Raises:
        InputError: there is none, or it is a file.
    """
    if source.is_dir():
        return source
    if source.exists():
        raise InputError(f"{source}: should be a folder. Found a file. Name the folder that holds it.")
    raise InputError(f"{source}: should be a folder. Found nothing there. Put the data there, or correct the path.")


def names(folder: Path) -> list[str]:
    """Names of all files of a folder, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def find(folder: Path, stem: str) -> Path | None:
    """The file of a table: its stem and one of the known suffixes; None if there is none.

    Raises:
        InputError: there are several.
    """
    found = [name for name in names(folder) if name in {stem + suffix for suffix in SUFFIXES}]
    if len(found) > 1:
        raise InputError(f"{folder}: should hold one table `{stem}`. Found {', '.join(found)}. Keep one of them.")
    return folder / found[0] if found else None


def kind(path: Path) -> str:
    """The suffix that says how a file is read; that of a compressed file is the one before."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def digest(paths: Iterable[Path]) -> str:
    """Hash (sha256, in hex) of the names and contents of files, whatever their order and folder."""
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.name}\0{content}\n".encode())
    return total.hexdigest()
