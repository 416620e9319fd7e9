"""The artifact store: what a run makes on its way, each piece named by everything that it depends on.

A piece's name is the digest of its kind, its recipe, and the code and libraries that make it. So arms share what they
have in common, a changed line of code never meets a stale piece, and a run that was killed finds what it had finished.
A piece is built beside its place under a lock and moved there when it is whole: there is a finished piece or none.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from funnel.errors import ArmError, FunnelError, ResultsError
from funnel.scenario.folders import beside, disk_full, put, recover

PACKAGE = Path(__file__).resolve().parents[1]
PRESENTATION = ("report", "cli.py", "__main__.py")
"""parts of the package that cannot change a result"""
LIBRARIES = ("faiss-cpu", "numpy", "polars", "scipy", "torch")
"""libraries that can"""
MANIFEST = "manifest.json"
CHECKED: set[Path] = set()
"""pieces whose content this process has compared with their manifests; reading every byte again would tell no more"""


@dataclass(frozen=True)
class Piece:
    """One artifact that can be built."""

    kind: str
    """what it is: a world, a log, a ranker; one folder of the store each"""
    recipe: dict[str, Any]
    """everything that it depends on but code: specs and seed, as plain tables"""
    build: Callable[[Path], None]
    """writes its files into the empty folder that it is given"""

    @property
    def name(self) -> str:
        return fingerprint(self.kind, self.recipe)[:24]


@dataclass(frozen=True)
class Store:
    """A folder of finished pieces. It can be sent to other processes, which then share the pieces."""

    root: Path
    run: str | None = None
    """when given, only what this very run has built counts as finished: everything else is built anew and replaced"""

    def ensure(self, piece: Piece) -> Path:
        """The folder of the finished piece, which is built if there is none; a second process waits for the first.

        Raises:
            ArmError: it cannot be made. That is noted, and asking again, in this run or the next, raises it at once.
            ResultsError: what stands in its place is damaged or foreign, or the disk is full.
        """
        folder = self.root / piece.kind / piece.name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(beside(folder, "lock")):
            recover(folder)
            if not self._finished(folder, piece):
                self._recall_failure(folder)
                self._build(folder, piece)
        return folder

    def clean(self) -> None:
        """Removes what killed builds have left, unless a live process is at work on it."""
        for partial in self.root.glob("*/*.partial"):
            folder = partial.with_suffix("")
            try:
                with FileLock(beside(folder, "lock"), timeout=0):
                    recover(folder)
                    shutil.rmtree(partial, ignore_errors=True)
            except Timeout:
                continue

    def _finished(self, folder: Path, piece: Piece) -> bool:
        if not folder.exists() or (self.run and _built_by(folder) != self.run):
            return False
        _check(folder, piece, content=folder not in CHECKED)
        CHECKED.add(folder)
        return True

    def _recall_failure(self, folder: Path) -> None:
        """Raises what building the piece has raised before; a run that builds everything anew tries again."""
        note = _read(beside(folder, "failed"))
        if isinstance(note, dict) and self.run in (None, note.get("run")):
            kinds = {kind.__name__: kind for kind in ArmError.__subclasses__()}
            raise kinds.get(note["error"], ArmError)(note["message"])

    def _build(self, folder: Path, piece: Piece) -> None:
        partial = beside(folder, "partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            piece.build(partial)
            manifest = {
                "kind": piece.kind,
                "fingerprint": fingerprint(piece.kind, piece.recipe),
                "run": self.run,
                "recipe": piece.recipe,
                "versions": versions(),
                "files": {name: _described(partial / name) for name in _files(partial)},
            }
            (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
        except Exception as error:
            if isinstance(error, ArmError):
                note = {"run": self.run, "error": type(error).__name__, "message": str(error)}
                beside(folder, "failed").write_text(json.dumps(note))
            full = not isinstance(error, FunnelError) and disk_full(error, partial)
            shutil.rmtree(partial, ignore_errors=True)
            if full:
                raise ResultsError(full) from error
            raise
        put(partial, folder)
        beside(folder, "failed").unlink(missing_ok=True)
        CHECKED.add(folder)


def fingerprint(kind: str, recipe: dict[str, Any]) -> str:
    """The digest that names a piece: sha256, hexadecimal, of kind, recipe, code and libraries."""
    # The order of keys stays in: sources get their bits, and sums are taken, in the order of a table.
    text = json.dumps([kind, recipe, source_digest(), versions()], allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Digest of all code of this package that can change a result, as it stood when this process first asked."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] not in PRESENTATION:
            content = path.read_bytes()
            digest.update(f"{name.as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """The version of every library that can change a result."""
    return {name: version(name) for name in LIBRARIES}


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _read(path: Path) -> Any:
    """What a JSON file holds; None where there is none."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _built_by(folder: Path) -> str | None:
    manifest = _read(folder / MANIFEST)
    return manifest.get("run") if isinstance(manifest, dict) else None


def _check(folder: Path, piece: Piece, content: bool) -> None:
    """Compares a folder with its manifest and with the piece that should be in it: sizes, and the content if asked."""
    remedy = "Delete that folder, or run with --fresh."
    manifest = _read(folder / MANIFEST)
    try:
        named = manifest["kind"], manifest["fingerprint"]
        files = {name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()}
    except (TypeError, KeyError, AttributeError):
        raise ResultsError(
            f"{folder}: should hold a finished {piece.kind} with its {MANIFEST}. Found none. {remedy}"
        ) from None
    if named != (piece.kind, fingerprint(piece.kind, piece.recipe)):
        raise ResultsError(
            f"{folder}: should hold {piece.kind} {piece.name}. Found {named[0]} {named[1][:24]}. {remedy}"
        )
    for name, (size, sha256) in files.items():
        path = folder / name
        if not path.is_file():
            raise ResultsError(f"{path}: should be a file of {size} bytes. Found none. {remedy}")
        if path.stat().st_size != size:
            raise ResultsError(f"{path}: should have {size} bytes. Found {path.stat().st_size}. {remedy}")
        if content and _described(path)["sha256"] != sha256:
            raise ResultsError(f"{path}: content should be what its manifest says. Found other content. {remedy}")
