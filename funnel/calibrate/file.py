"""The file face of calibrations: reading targets, and the base that they start from."""

from pathlib import Path
from typing import Any

from funnel.calibrate.base_file import check_place
from funnel.calibrate.resolve import Calibration, resolve
from funnel.calibrate.spec import CalibrationSpec
from funnel.errors import SpecError
from funnel.patch import Table
from funnel.scenario.file import SCENARIOS, named, read_toml

PATHS = ("targets", "knobs")
"""tables whose keys are paths, which may be written with or without quotes"""


def load(path: Path, trials: int | None = None, scenarios: Path = SCENARIOS) -> Calibration:
    """The calibration of a file.

    Args:
        trials: instead of the file's.
        scenarios: folder that holds `base/`.

    Raises:
        SpecError: no such file, no TOML, or every problem of what it says at once.
    """
    if not path.is_file():
        raise SpecError(f"{path}: should be a file of targets. Found none.")
    table = read_toml(path)
    table |= {word: _flat(table[word]) for word in PATHS if isinstance(table.get(word), dict)}
    spec = CalibrationSpec.parse(table if trials is None else {**table, "trials": trials}, "")
    check_place(spec.name, scenarios)
    return resolve(spec, read_toml(named(scenarios / "base", spec.base, "a base")))


def _flat(table: Table, before: str = "") -> dict[str, Any]:
    """The tables inside by their path: TOML reads `share.early.friend` without quotes as tables in tables."""
    found: dict[str, Any] = {}
    for key, inner in table.items():
        path = f"{before}.{key}" if before else key
        deeper = isinstance(inner, dict) and inner and all(isinstance(value, dict) for value in inner.values())
        found |= _flat(inner, path) if deeper else {path: inner}
    return found
