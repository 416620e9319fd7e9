"""The file face of scenarios: finding them, reading TOML, presets, and assignments from the command line.

Patches are laid over the base in this order, the later word winning: the scenario's `[patch]`, the preset's, what the
user assigned, and the axes of a sweep. Arms patch what comes out of it.
"""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import Field

from funnel.errors import SpecError, unknown
from funnel.patch import Table, assign, merge
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.heading import Heading
from funnel.scenario.resolve import resolve
from funnel.scenario.spec import Scenario, ScenarioSpec
from funnel.scenario.sweep.resolve import resolve_sweep
from funnel.scenario.sweep.spec import Sweep
from funnel.spec import Spec

SCENARIOS = Path("scenarios")
"""seen from the project's folder, in which commands run"""


AnyScenario = Scenario | Sweep | ConflictSpec


class Preset(Spec):
    """A size for any scenario: how many seeds, and a patch for each kind."""

    seeds: int | None = Field(None, ge=1)
    patch: Table = Field(default_factory=dict)
    """of the base of a funnel"""
    task_conflict: Table = Field(default_factory=dict)
    """of a whole `task_conflict` scenario"""
    axis: int | None = Field(None, ge=2)
    """values that an axis of a sweep keeps, evenly spread from its first to its last"""


def load(
    name: str | Path, *, preset: str | None = None, seeds: int | None = None, assignments: Iterable[str] = ()
) -> AnyScenario:
    """The scenario of a name, or of a path to its file, whose folder then holds `base/` and `presets/` too.

    Args:
        preset: name of a preset.
        seeds: instead of the file's.
        assignments: any field, as `base.world.users=5000` or `arms.both.stages.early.keep=50`; values as in TOML.

    Raises:
        SpecError: no such file, no TOML, or every problem of what it says at once.
    """
    path = _find(name)
    table, size = read_toml(path), _size(path, preset)
    kind = table.get("kind", "funnel")
    if kind not in KINDS:
        raise SpecError(f"kind: {unknown(str(kind), KINDS, 'a kind of scenario')}")
    table = table if size.seeds is None else {**table, "seeds": size.seeds}
    chosen = [] if seeds is None else [("seeds", seeds)]
    return KINDS[kind](path, table, size, [*map(_assignment, assignments), *chosen])


def listing(folder: Path = SCENARIOS) -> dict[str, str]:
    """The question of every scenario, by name."""
    return {path.stem: str(read_toml(path).get("question", "")) for path in sorted(folder.glob("*.toml"))}


def read_toml(path: Path) -> Table:
    """The tables of a file.

    Raises:
        SpecError: it cannot be read, or is no TOML; names file and line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: should be a readable text file. Found: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: should be TOML. Found: {error}.") from None


def _funnel(path: Path, table: Table, size: Preset, assigned: list[tuple[str, Any]]) -> Scenario | Sweep:
    """Resolves a scenario's table; what is wrong with the table and with its base is told together."""
    patches = [size.patch]
    for at, value in assigned:
        if at.startswith("base."):
            patches.append(assign({}, at.removeprefix("base."), value))
        else:
            table = assign(table, at, value)
    problems: list[str] = []
    base: Table = {}
    try:
        if isinstance(table.get("base"), str):
            base = read_toml(_named(path.parent / "base", table["base"], "a base"))
    except SpecError as error:
        problems += error.problems
    try:
        spec = ScenarioSpec.parse(table, "")
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from None
    problems += _called(path, spec)
    if problems:
        raise SpecError(problems)
    if not spec.sweep:
        return resolve(spec, base, *patches)
    if size.axis:
        axes = {name: axis.thinned(size.axis) for name, axis in spec.sweep.items()}
        spec = spec.model_copy(update={"sweep": axes})
    return resolve_sweep(spec, base, *patches)


def _task_conflict(path: Path, table: Table, size: Preset, assigned: list[tuple[str, Any]]) -> ConflictSpec:
    table = merge(table, size.task_conflict, "presets.task_conflict")
    for at, value in assigned:
        table = merge(table, assign({}, at, value))
    spec = ConflictSpec.parse(table, "")
    if problems := _called(path, spec):
        raise SpecError(problems)
    return spec


KINDS: dict[str, Callable[[Path, Table, Preset, list[tuple[str, Any]]], AnyScenario]] = {
    "funnel": _funnel,
    "task_conflict": _task_conflict,
}


def _called(path: Path, spec: Heading) -> list[str]:
    if spec.name == path.stem:
        return []
    return [f"name: should be `{path.stem}`, as its file is called. Found `{spec.name}`."]


def _size(path: Path, preset: str | None) -> Preset:
    if preset is None:
        return Preset()
    return Preset.parse(read_toml(_named(path.parent / "presets", preset, "a preset")), f"presets.{preset}")


def _assignment(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals:
        raise SpecError(f"--set {text}: should be `path=value`, as in `base.world.users=5000`.")
    return path.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """What TOML reads, and where it reads nothing the text itself: words need no quotes on a command line."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise SpecError(f"{path}: should be a scenario file. Found none.")
        return path
    return _named(SCENARIOS, str(name), "a scenario")


def _named(folder: Path, name: str, what: str) -> Path:
    known = [path.stem for path in folder.glob("*.toml")]
    if name in known:
        return folder / f"{name}.toml"
    if not known:
        raise SpecError(f"{folder}: should be a folder with TOML files. Found none. Run from the project's folder.")
    raise SpecError(unknown(name, known, f"{what} in {folder}"))
