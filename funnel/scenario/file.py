"""The file face of scenarios: finding them, reading TOML, presets, and assignments from the command line.

Patches are laid over the base in this order, the later word winning: the scenario's `[patch]`, the preset's, and what
the user assigned. Arms patch what comes out of it.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field

from funnel.errors import SpecError, unknown
from funnel.patch import Table, assign
from funnel.scenario.spec import Scenario, ScenarioSpec, resolve
from funnel.spec import Spec

SCENARIOS = Path("scenarios")
"""seen from the project's folder, in which commands run"""


class Preset(Spec):
    """A size for any scenario: how many seeds, and a patch of its base."""

    seeds: int | None = Field(None, ge=1)
    patch: Table = Field(default_factory=dict)


def load(
    name: str | Path, *, preset: str | None = None, seeds: int | None = None, assignments: Iterable[str] = ()
) -> Scenario:
    """The scenario of a name, or of a path to its file, whose folder then holds `base/` and `presets/` too.

    Args:
        preset: name of a preset.
        seeds: instead of the file's.
        assignments: any field, as `base.world.users=5000` or `arms.both.stages.early.keep=50`; values as in TOML.

    Raises:
        SpecError: no such file, no TOML, or every problem of what it says at once.
    """
    path = _find(name)
    table = read_toml(path)
    patches: list[Table] = []
    if preset is not None:
        size = Preset.parse(read_toml(_named(path.parent / "presets", preset, "a preset")), f"presets.{preset}")
        patches.append(size.patch)
        table = table if size.seeds is None else {**table, "seeds": size.seeds}
    for text in assignments:
        at, value = _assignment(text)
        if at.startswith("base."):
            patches.append(assign({}, at.removeprefix("base."), value))
        else:
            table = assign(table, at, value)
    if seeds is not None:
        table = {**table, "seeds": seeds}
    return _resolved(path, table, patches)


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


def _resolved(path: Path, table: Table, patches: list[Table]) -> Scenario:
    """Resolves a scenario's table; what is wrong with the table and with its base is told together."""
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
    if spec.name != path.stem:
        problems.append(f"name: should be `{path.stem}`, as its file is called. Found `{spec.name}`.")
    if problems:
        raise SpecError(problems)
    return resolve(spec, base, *patches)


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
