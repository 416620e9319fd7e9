"""The file face of scenarios: finding them, reading TOML, presets, and assignments from the command line.

Patches are laid over the base in this order, the later word winning: the scenario's `[patch]`, the preset's, what the
user assigned, and the axes of a sweep. Arms patch what comes out of it. A folder of data that the user names makes the
world one that is fitted to it, under the scenario's patch; see `funnel.scenario.resolve`.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from funnel.errors import SpecError, unknown
from funnel.patch import Table, assign, merge
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.dose.spec import DoseFile, DoseSpec
from funnel.scenario.heading import BasedHeading, Heading
from funnel.scenario.resolve import resolve, resolve_base
from funnel.scenario.rounds.resolve import resolve_rounds
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import Scenario, ScenarioSpec
from funnel.scenario.sweep.resolve import resolve_sweep
from funnel.scenario.sweep.spec import Sweep
from funnel.spec import Spec

SCENARIOS = Path("scenarios")
"""seen from the project's folder, in which commands run"""

AnyScenario = Scenario | Sweep | Rounds | ConflictSpec | DoseSpec


class Preset(Spec):
    """A size for any scenario: how many seeds, and a patch for each kind."""

    seeds: int | None = Field(None, ge=1)
    patch: Table = Field(default_factory=dict)
    """of the base of a funnel, whatever its world"""
    synthetic: Table = Field(default_factory=dict)
    """of the base of a funnel in a synthetic world"""
    fitted: Table = Field(default_factory=dict)
    """of the base of a funnel in a world that is fitted to data"""
    task_conflict: Table = Field(default_factory=dict)
    """of a whole `task_conflict` scenario"""
    rounds: int | None = Field(None, ge=1)
    """rounds that a feedback loop has at most"""
    axis: int | None = Field(None, ge=2)
    """values that an axis of a sweep keeps, evenly spread from its first to its last"""

    def of_world(self, kind: str) -> Table:
        """The patch for a kind of world."""
        return {"synthetic": self.synthetic, "fitted": self.fitted}.get(kind, {})


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the file of a scenario."""

    size: Preset
    assigned: list[tuple[str, Any]]
    """fields by path, with their values"""
    world: str | None
    """folder that the world is fitted to"""
    lenient: bool
    """whether bad rows of that folder are dropped"""


def load(
    name: str | Path,
    *,
    preset: str | None = None,
    seeds: int | None = None,
    assignments: Iterable[str] = (),
    world: str | Path | None = None,
    lenient: bool = False,
) -> AnyScenario:
    """The scenario of a name, or of a path to its file, whose folder then holds `base/` and `presets/` too.

    Args:
        preset: name of a preset.
        seeds: instead of the file's.
        assignments: any field, as `base.world.users=5000` or `arms.both.stages.early.keep=50`; values as in TOML.
        world: a folder of data; the world is then fitted to it. lenient: drop its bad rows instead of refusing it.

    Raises:
        SpecError: no such file, no TOML, or every problem of what it says at once.
    """
    path = _find(name)
    table, size = read_toml(path), _size(path, preset)
    kind = table.get("kind", "funnel")
    if kind not in KINDS:
        raise SpecError(f"kind: {unknown(str(kind), KINDS, 'a kind of scenario')}")
    table = table if size.seeds is None else {**table, "seeds": size.seeds}
    if size.rounds is not None and isinstance(rounds := table.get("rounds"), int):
        table = {**table, "rounds": min(rounds, size.rounds)}
    chosen = [] if seeds is None else [("seeds", seeds)]
    assigned = [*map(_assignment, assignments), *chosen]
    return KINDS[kind](path, table, Asked(size, assigned, None if world is None else str(world), lenient))


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


def _funnel(path: Path, table: Table, asked: Asked) -> Scenario | Sweep | Rounds:
    """Resolves a scenario's table."""
    spec, base, world, patches = _parsed(ScenarioSpec, path, table, asked)
    if spec.rounds > 1:
        return resolve_rounds(spec, base, *patches, world=world)
    if not spec.sweep:
        return resolve(spec, base, *patches, world=world)
    if asked.size.axis:
        axes = {name: axis.thinned(asked.size.axis) for name, axis in spec.sweep.items()}
        spec = spec.model_copy(update={"sweep": axes})
    return resolve_sweep(spec, base, *patches, world=world)


def _bubble_dose(path: Path, table: Table, asked: Asked) -> DoseSpec:
    """As `_funnel`, of a scenario that has a base and no arms."""
    spec, base, world, patches = _parsed(DoseFile, path, table, asked)
    funnel, origin = resolve_base(spec.base, base, world, spec.patch, world, *patches)
    return DoseSpec(**spec.model_dump(exclude={"base", "patch"}), base=funnel, origin=origin)


Written = TypeVar("Written", bound=BasedHeading)


def _parsed(kind: type[Written], path: Path, table: Table, asked: Asked) -> tuple[Written, Table, Table, list[Table]]:
    """The spec of a scenario that has a base, the table of that base, the world that the user chose, and the patches
    after the scenario's own. What is wrong with the table and with its base is told together."""
    table, chosen = _assigned(table, asked.assigned)
    base, problems = _base(path, table)
    try:
        spec = kind.parse(table, "")
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from None
    world = _chosen_world(asked)
    of_world = _world_kind(base, world, spec.patch, world, *chosen)
    problems += _called(path, spec) + _lenient(asked, of_world)
    if problems:
        raise SpecError(problems)
    return spec, base, world, _patches(asked, of_world, chosen)


def _chosen_world(asked: Asked) -> Table:
    """The patch by which the user chose a world of data."""
    return {} if asked.world is None else {"world": {"kind": "fitted", "source": asked.world}}


def _patches(asked: Asked, kind: str, chosen: list[Table]) -> list[Table]:
    """What is laid over a base after the scenario's own patch."""
    lenient: list[Table] = [{"world": {"lenient": True}}] if asked.lenient else []
    return [asked.size.patch, asked.size.of_world(kind), *chosen, *lenient]


def _assigned(table: Table, assigned: list[tuple[str, Any]]) -> tuple[Table, list[Table]]:
    """The scenario's table with what the user assigned to it, and patches with what the user assigned to its base."""
    patches = []
    for at, value in assigned:
        if at.startswith("base."):
            patches.append(assign({}, at.removeprefix("base."), value))
        else:
            table = assign(table, at, value)
    return table, patches


def _base(path: Path, table: Table) -> tuple[Table, list[str]]:
    """The table of the base that a scenario's table names, and what keeps it from being read."""
    if not isinstance(table.get("base"), str):
        return {}, []  # which the scenario's spec tells
    try:
        return read_toml(named(path.parent / "base", table["base"], "a base")), []
    except SpecError as error:
        return {}, [*error.problems]


def _lenient(asked: Asked, kind: str) -> list[str]:
    if not asked.lenient or kind == "fitted":
        return []
    return [
        f"--lenient: should go with a world that is fitted to data. Found a {kind} one. Name a folder of data by "
        "`--world FOLDER`, or leave `--lenient` out."
    ]


def _world_kind(*tables: Table) -> str:
    """The kind of world of tables that are laid over each other: the last one that names a kind decides."""
    worlds = [world for table in tables if isinstance(world := table.get("world"), dict)]
    return next((str(world["kind"]) for world in reversed(worlds) if "kind" in world), "synthetic")


def _task_conflict(path: Path, table: Table, asked: Asked) -> ConflictSpec:
    table = merge(table, asked.size.task_conflict, "presets.task_conflict")
    for at, value in asked.assigned:
        table = merge(table, assign({}, at, value))
    spec = ConflictSpec.parse(table, "")
    options = {"--world": asked.world is not None, "--lenient": asked.lenient}
    problems = _called(path, spec) + [
        f'{option}: should go with a scenario of a funnel. Found `kind = "task_conflict"`, which has no world. '
        "Leave it out."
        for option, given in options.items()
        if given
    ]
    if problems:
        raise SpecError(problems)
    return spec


KINDS: dict[str, Callable[[Path, Table, Asked], AnyScenario]] = {
    "funnel": _funnel,
    "task_conflict": _task_conflict,
    "bubble_dose": _bubble_dose,
}


def _called(path: Path, spec: Heading) -> list[str]:
    if spec.name == path.stem:
        return []
    return [f"name: should be `{path.stem}`, as its file is called. Found `{spec.name}`."]


def _size(path: Path, preset: str | None) -> Preset:
    if preset is None:
        return Preset()
    return Preset.parse(read_toml(named(path.parent / "presets", preset, "a preset")), f"presets.{preset}")


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
    return named(SCENARIOS, str(name), "a scenario")


def named(folder: Path, name: str, what: str) -> Path:
    known = [path.stem for path in folder.glob("*.toml")]
    if name in known:
        return folder / f"{name}.toml"
    if not known:
        raise SpecError(f"{folder}: should be a folder with TOML files. Found none. Run from the project's folder.")
    raise SpecError(unknown(name, known, f"{what} in {folder}"))
