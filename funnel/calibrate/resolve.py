"""From a calibration as written to one that can run, with every problem told at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from funnel.calibrate.geometry import shaped
from funnel.calibrate.knobs import Knob, catalogue, ranged
from funnel.calibrate.spec import CalibrationSpec
from funnel.calibrate.targets import Target, targets_of
from funnel.errors import SpecError, unknown
from funnel.patch import Table, assign, leaves, merge
from funnel.stages.spec import FunnelSpec

Knobs = dict[str, float]
"""value of each knob, by path"""


@dataclass(frozen=True)
class Calibration:
    """A calibration that can run."""

    spec: CalibrationSpec
    start: FunnelSpec
    """the base with its patch and its geometry, before any knob is turned"""
    targets: tuple[Target, ...]
    knobs: tuple[Knob, ...]

    @property
    def before(self) -> Knobs:
        """What the start says of each knob."""
        table = dict(leaves(self.start.table()))
        return {knob.path: table[knob.path] for knob in self.knobs}

    @property
    def begin(self) -> Knobs:
        """The first setting: the start, moved into the ranges."""
        return {knob.path: knob.inside(self.before[knob.path]) for knob in self.knobs}

    def funnel(self, knobs: Knobs, small: bool = False) -> FunnelSpec:
        """The start with its knobs turned; `small`, at the size of a trial.

        Raises:
            SpecError: the knobs contradict each other.
        """
        table = self.start.table()
        for path, value in knobs.items():
            table = assign(table, path, value)
        return FunnelSpec.parse(merge(table, self.spec.size) if small else table, "base")


def resolve(spec: CalibrationSpec, base: Table) -> Calibration:
    """The calibration over the table of its base.

    Raises:
        SpecError: every problem of base, geometry, targets and knobs at once.
    """
    start = _start(spec, base)
    targets, problems = targets_of(spec.targets, start)
    knobs, strange = _knobs(spec, start, targets)
    found = Calibration(spec, start, targets, knobs)
    problems += strange or _cannot(found)
    if problems:
        raise SpecError(problems)
    return found


def _start(spec: CalibrationSpec, base: Table) -> FunnelSpec:
    whole = FunnelSpec.parse(base, "base").table()
    patched = FunnelSpec.parse(merge(whole, spec.patch, "base"), "base").table()
    return FunnelSpec.parse(shaped(patched, spec.geometry), "base")


def _knobs(spec: CalibrationSpec, start: FunnelSpec, targets: Iterable[Target]) -> tuple[tuple[Knob, ...], list[str]]:
    """The knobs to turn, and what is wrong with those that the file names."""
    numbers = {path: value for path, value in leaves(start.table()) if _is_number(value)}
    known = {knob.path: knob for knob in catalogue(start) if knob.path in numbers}
    if not spec.knobs:
        keys = [target.key for target in targets]
        return tuple(knob for knob in known.values() if any(map(knob.moves_target, keys))), []
    problems = [
        f"knobs.{path}: {unknown(path, numbers, 'a number of the base')}" for path in spec.knobs if path not in numbers
    ]
    named = {path: one for path, one in spec.knobs.items() if path in numbers}
    knobs = tuple(ranged(path, one, known, isinstance(numbers[path], int)) for path, one in named.items())
    narrow = [
        f"knobs.{knob.path}: should hold two whole numbers at least. Found {named[knob.path].low:g} to "
        f"{named[knob.path].high:g}."
        for knob in knobs
        if knob.low >= knob.high
    ]
    return knobs, problems + narrow


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cannot(calibration: Calibration) -> list[str]:
    """What makes either end of a knob's range, or the size of a trial, no funnel at all."""
    problems = _faults(calibration, {}, "size")
    if problems:
        return problems
    if not calibration.knobs:
        return ["knobs: no knob of the catalogue moves these targets. Name some in `[knobs]`."]
    # A knob of the catalogue may be too wide for this base: such a trial is left out, and nobody is told to mend it.
    for knob in [knob for knob in calibration.knobs if knob.path in calibration.spec.knobs]:
        for end, value in (("low", knob.low), ("high", knob.high)):
            problems += _faults(calibration, {knob.path: value}, f"knobs.{knob.path}.{end}")
    return problems


def _faults(calibration: Calibration, knobs: Mapping[str, float], where: str) -> list[str]:
    try:
        calibration.funnel(dict(knobs), small=True)
    except SpecError as error:
        return [f"{where}: {problem}" for problem in error.problems]
    return []
