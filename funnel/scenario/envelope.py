"""What every results folder has in common, whatever kind of scenario it is of: the one file that says it is whole, the
versions that made it, plain JSON, and writing that a kill cannot leave half done."""

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel.errors import ResultsError

SCHEMA_VERSION = 3
RESULTS, SPEC = "results.json", "spec.json"
HEAD = ("schema_version", "scenario", "fingerprint", "versions", "seconds")
"""keys of the summary of every kind of scenario"""
LIBRARIES = ("funnel", "torch", "faiss-cpu", "numpy", "scipy", "polars", "implicit")


def write(
    folder: Path, spec: dict[str, Any], summary: dict[str, Any], tables: dict[str, pl.DataFrame]
) -> dict[str, Any]:
    """Write a results folder, `results.json` last, so that a folder which has one is whole.

    Args:
        spec: what was run, as plain tables.
        tables: by name; each goes to `<name>.parquet`.

    Returns:
        The summary as `results.json` holds it.

    Raises:
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    summary = _plain(summary)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _replace(folder / f"{name}.parquet", table.write_parquet)
    _replace(folder / SPEC, lambda path: path.write_text(_json(spec)))
    _replace(folder / RESULTS, lambda path: path.write_text(_json(summary)))
    return summary


def read(folder: Path) -> dict[str, Any]:
    """The summary of a finished folder, of whatever kind of scenario.

    Raises:
        ResultsError: there is none, or it is unfinished, foreign, damaged or of another version.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        found = "an empty one" if folder.is_dir() else "none"
        raise ResultsError(f"{folder}: should be a results folder. Found {found}. Run the scenario first.")
    check_folder(folder)
    summary = _load(folder / RESULTS)
    missing = [key for key in HEAD if key not in summary]
    if missing:
        keys = ", ".join(f"`{key}`" for key in missing)
        raise ResultsError(f"{folder / RESULTS}: should hold {keys}. Found no such keys. Run the scenario again.")
    return summary


def check_folder(folder: Path) -> None:
    """That a run may write here: the folder is absent, empty, or holds finished results of this version.

    Raises:
        ResultsError: it holds something else, which is then left alone.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "Move or delete it, and run the scenario again."
    if not (folder / RESULTS).is_file():
        started = [path.name for path in sorted(folder.glob("*.parquet"))]
        found = f"an unfinished run ({', '.join(started)})" if started else "other files"
        raise ResultsError(f"{folder}: should hold {RESULTS}. Found {found}. {remedy}")
    version = _load(folder / RESULTS).get("schema_version")
    if version != SCHEMA_VERSION:
        raise ResultsError(
            f"{folder / RESULTS}: should have schema_version {SCHEMA_VERSION}. Found {json.dumps(version)}. {remedy}"
        )


def fingerprint(spec: dict[str, Any]) -> str:
    """The first 16 hex digits of the SHA-256 of `spec.json`."""
    return hashlib.sha256(_json(spec).encode()).hexdigest()[:16]


def versions() -> dict[str, str | None]:
    """Python, the package and the libraries that can change a number; None where one is not installed."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:  # run from a folder, not installed
            versions[library] = None
    return versions


def _plain(value: Any) -> Any:
    """Plain JSON values: keys are strings, floats have nine significant digits, and what is not finite is null."""
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case np.ndarray():
            return _plain(value.tolist())
        case np.generic():
            return _plain(value.item())
        case float():
            return float(f"{value:.9g}") if math.isfinite(value) else None
    return value


def _json(table: dict) -> str:
    return json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _load(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: should be JSON. Found {error}. Run the scenario again.") from None
    if not isinstance(summary, dict):
        raise ResultsError(f"{path}: should be a JSON object. Found {type(summary).__name__}. Run the scenario again.")
    return summary


def _replace(path: Path, save: Callable[[Path], Any]) -> None:
    """Write beside the path and rename, so that a reader finds the old file or the new one and never half of one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise ResultsError(f"{path}: should be written. Found {error.strerror}. Make room and run again.") from error
    finally:
        temporary.unlink(missing_ok=True)
