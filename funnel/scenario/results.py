"""The results folder: the only bridge from a run to its report. `docs/results.md` documents every file and key.

`results.json` is written last, so a folder that has one is whole.
"""

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel import patch, schema
from funnel.errors import ResultsError
from funnel.metrics.catalogue import METRICS
from funnel.metrics.verdict import Arm, judge
from funnel.scenario.estimates import Estimates
from funnel.scenario.spec import Scenario

SCHEMA_VERSION = 1
RESULTS, SPEC = "results.json", "spec.json"
TABLES = {"rows": schema.ROWS, "request_rows": schema.REQUEST_ROWS, "deaths": schema.DEATHS}
LIBRARIES = ("funnel", "torch", "faiss-cpu", "numpy", "scipy", "polars")


@dataclass(frozen=True)
class Results:
    """A finished results folder, read."""

    folder: Path
    summary: dict[str, Any]
    """results.json"""
    deaths: pl.DataFrame


def write(
    folder: Path,
    scenario: Scenario,
    rows: pl.DataFrame,
    request_rows: pl.DataFrame,
    deaths: pl.DataFrame,
    facts: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Summarise a run and write its folder.

    Args:
        rows, request_rows, deaths: tables of `funnel.schema`, all arms and seeds.
        facts: by arm and by seed, named numbers that are no measures (index recall, label rates).
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        DataError: a table breaks its schema.
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    tables = {"rows": rows, "request_rows": request_rows, "deaths": deaths}
    tables = {name: schema.check(table, TABLES[name], name) for name, table in tables.items()}
    spec = _spec(scenario)
    summary = _plain(_summary(scenario, spec, rows, request_rows, facts, seconds))
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _replace(folder / f"{name}.parquet", table.write_parquet)
    _replace(folder / SPEC, lambda path: path.write_text(_json(spec)))
    _replace(folder / RESULTS, lambda path: path.write_text(_json(summary)))
    return summary


def read(folder: Path) -> Results:
    """A finished folder.

    Raises:
        ResultsError: there is none, or it is unfinished, foreign, damaged or of another version.
    """
    if not folder.is_dir():
        raise ResultsError(f"{folder}: should be a results folder. Found none. Run the scenario first.")
    check_folder(folder)
    summary = _load(folder / RESULTS)
    try:
        deaths = schema.check(pl.read_parquet(folder / "deaths.parquet"), schema.DEATHS, "deaths")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(
            f"{folder / 'deaths.parquet'}: should be a parquet table. Found {error}. Run the scenario again."
        ) from None
    return Results(folder, summary, deaths)


def check_folder(folder: Path) -> None:
    """That a run may write here: the folder is absent, empty, or holds finished results of this version.

    Raises:
        ResultsError: it holds something else, which is then left alone.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "Move or delete it, and run the scenario again."
    if not (folder / RESULTS).is_file():
        started = [f"{name}.parquet" for name in TABLES if (folder / f"{name}.parquet").exists()]
        found = f"an unfinished run ({', '.join(started)})" if started else "other files"
        raise ResultsError(f"{folder}: should hold {RESULTS}. Found {found}. {remedy}")
    version = _load(folder / RESULTS).get("schema_version")
    if version != SCHEMA_VERSION:
        raise ResultsError(
            f"{folder / RESULTS}: should have schema_version {SCHEMA_VERSION}. Found {json.dumps(version)}. {remedy}"
        )


def _summary(
    scenario: Scenario, spec: dict, rows: pl.DataFrame, request_rows: pl.DataFrame, facts: dict, seconds: float
) -> dict[str, Any]:
    arms, verdict = list(scenario.arms), scenario.verdict
    estimates = Estimates(rows, request_rows)
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": {
            "name": scenario.name,
            "question": scenario.question,
            "arms": arms,
            "seeds": estimates.seeds,
            "requests": estimates.requests,
            "proposal": verdict.proposal,
            "reference": verdict.reference,
            "baseline": verdict.baseline,
        },
        "fingerprint": hashlib.sha256(_json(spec).encode()).hexdigest()[:16],
        "versions": _versions(),
        "verdict": judge(
            _arm(estimates, verdict.proposal),
            _arm(estimates, verdict.reference),
            _arm(estimates, verdict.baseline),
            margin_lost=verdict.margin.lost,
            margin_value=verdict.margin.value,
        ).table(),
        "measures": {metric.name: {"unit": metric.unit, "definition": metric.definition} for metric in METRICS},
        "estimates": {arm: estimates.of(arm) for arm in arms},
        "differences": {
            against: {arm: estimates.between(arm, other) for arm in arms if arm != other}
            for against, other in (("baseline", verdict.baseline), ("reference", verdict.reference))
        },
        "changes": {arm: patch.diff(spec["base"], spec["arms"][arm]) for arm in arms},
        "facts": facts,
        "seconds": seconds,
    }


def _arm(estimates: Estimates, name: str) -> Arm:
    return Arm(name, estimates.by_seed(name, "lost", "early"), estimates.by_seed(name, "value", "late"))


def _spec(scenario: Scenario) -> dict[str, Any]:
    """The resolved scenario as plain tables: what was run, whatever becomes of the files it was read from."""
    return {
        "name": scenario.name,
        "question": scenario.question,
        "seeds": scenario.seeds,
        "verdict": scenario.verdict.table(),
        "base": scenario.base.table(),
        "arms": {name: arm.table() for name, arm in scenario.arms.items()},
    }


def _versions() -> dict[str, str | None]:
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
