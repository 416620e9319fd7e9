"""Worlds that are fitted to data: what a scenario needs of the files before any work, and how they name its pieces.

A piece is named by what the files hold and not by where they lie, so the same data in another folder is the same world,
and a changed row is another.
"""

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from funnel.errors import InputError
from funnel.intake.dataset import Dataset
from funnel.intake.load import content, load
from funnel.patch import Table
from funnel.scenario.dose.spec import DoseSpec
from funnel.scenario.memory import Memory
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import FunnelSpec
from funnel.world.fitted.source import cut
from funnel.world.fitted.spec import FittedSpec
from funnel.world.spec import WorldSpec

LIBRARY = "implicit"
"""what fits the tastes; an extra, since no other world needs it"""
MISSING = (
    f"world: a world that is fitted to data needs the library {LIBRARY}. Found none. Install the extra `data`: "
    "python -m pip install -e '.[data]' -c constraints.txt."
)

SEED = 0
"""the world that the account of the data is of: all seeds share the data, and differ in what is assumed"""
ACCOUNT = "account.json"

Placed = tuple[str, FunnelSpec, FittedSpec]
"""where a funnel stands, the funnel, and its world"""


def recipe(world: WorldSpec, memory: Memory) -> Table:
    """What decides a world beside its seed: the spec, and of a fitted one the content of the files and the library."""
    table = world.table()
    if not isinstance(world, FittedSpec):
        return table
    source = table.pop("source")
    return table | {
        "content": memory.once("content", source, lambda: content(Path(source))),
        LIBRARY: version(LIBRARY),
    }


def account_piece(world: FittedSpec) -> Piece:
    """What is told of a world and the data that it is fitted to."""

    def build(folder: Path) -> None:
        from funnel.world.fitted.account import account  # late: it loads the library

        (folder / ACCOUNT).write_text(json.dumps(account(world, SEED)))

    return Piece("account", {"seed": SEED, "world": recipe(world, Memory())}, build)


def read_account(world: WorldSpec, store: Store) -> dict[str, Any] | None:
    """The account of a fitted world; None of any other."""
    if not isinstance(world, FittedSpec):
        return None
    told = json.loads((store.ensure(account_piece(world)) / ACCOUNT).read_text())
    # The piece may have been made of the same files in another folder.
    return told | {"source": Path(world.source).resolve().name}


def check(scenarios: Iterable[Scenario | DoseSpec]) -> None:
    """That every folder which a world is fitted to can be read, and holds more items than a request retrieves.

    Args:
        scenarios: one, or those of all points of a sweep.

    Raises:
        InputError: every problem of every folder.
    """
    folders: dict[tuple[str, bool], list[Placed]] = {}
    for where, funnel, world in (found for scenario in scenarios for found in _funnels(scenario)):
        folders.setdefault((world.source, world.lenient), []).append((where, funnel, world))
    problems = [] if find_spec(LIBRARY) or not folders else [MISSING]
    for (source, lenient), funnels in folders.items():
        try:
            problems += _too_greedy(funnels, load(Path(source), lenient))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(dict.fromkeys(problems))


def _funnels(scenario: Scenario | DoseSpec) -> Iterator[Placed]:
    """The base and all arms, of those whose world is fitted."""
    arms = scenario.arms if isinstance(scenario, Scenario) else {}
    named = {"base": scenario.base, **{f"arms.{name}": arm for name, arm in arms.items()}}
    for where, funnel in named.items():
        if isinstance(funnel.world, FittedSpec):
            yield where, funnel, funnel.world


def _too_greedy(funnels: Iterable[Placed], data: Dataset) -> list[str]:
    """What is wrong with budgets that leave retrieval nothing to choose; what arms inherit is told of the base."""
    told: dict[str, str] = {}
    items: dict[tuple[int | None, int | None], int] = {}
    for where, funnel, world in funnels:
        asked = (world.users, world.items)
        if asked not in items:
            items[asked] = cut(data, *asked).items
        if funnel.retrieval.budget > items[asked]:
            rule = (
                f"budgets should add up to at most the {items[asked]:,} items of the world. Found "
                f"{funnel.retrieval.budget:,}. Lower the budgets of the sources."
            )
            told.setdefault(rule, f"{where}.retrieval: {rule}")
    return list(told.values())
