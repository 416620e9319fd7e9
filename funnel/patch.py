"""Patches of plain tables: small named differences between two specs.

A patch is a table laid over another. Scalars replace scalars; tables merge key by key, unless the patch names another
`kind`, which starts from its own defaults; a list is replaced by a list, or changed by `{ add = [...] }` and
`{ remove = [...] }`; `remove = ["key", ...]` in the patch of a table takes entries out. So `add` and `remove` are no
names of fields. Nothing is addressed by index, and no input is changed.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from funnel.errors import SpecError, unknown

Table = dict[str, Any]


def merge(base: Mapping[str, Any], patch: Mapping[str, Any], where: str = "") -> Table:
    """The base with the patch laid over it.

    Args:
        where: the path of the base, which errors start with.

    Raises:
        SpecError: every entry to remove that is not there, and every one to add that is, each with its path.
    """
    problems: list[str] = []
    merged = _merged(base, patch, where, problems)
    if problems:
        raise SpecError(problems)
    return merged


def diff(base: Mapping[str, Any], other: Mapping[str, Any]) -> Table:
    """The smallest patch by name that turns the base into the other: `merge(base, diff(base, other)) == other`."""
    if _another_kind(base, other):
        return deepcopy(dict(other))
    patch: Table = {}
    gone = [key for key in base if key not in other]
    for key, value in other.items():
        if key not in base:
            patch[key] = deepcopy(value)
        elif base[key] != value:
            patch[key] = _difference(base[key], value)
            if isinstance(base[key], list) and isinstance(value, Mapping):
                gone.append(key)  # a table over a list would read as a change of the list
    return {"remove": gone, **patch} if gone else patch


def assign(table: Mapping[str, Any], path: str, value: Any) -> Table:
    """The table with one value set, by a path such as `world.friends.mean`; tables on the way are made.

    Raises:
        SpecError: an empty name in the path, or a value that is no table on the way.
    """
    key, dot, rest = path.partition(".")
    if not key or (dot and not rest):
        raise SpecError(f"{path or 'path'}: should be names with dots between them, as in `base.world.users`.")
    if not dot:
        return {**table, key: value}
    inner = table.get(key, {})
    if not isinstance(inner, Mapping):
        raise SpecError(f"{path}: `{key}` should be a table. Found {inner!r}.")
    return {**table, key: assign(inner, rest, value)}


def leaves(table: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path, with dots, and value of everything in a table that is no table itself."""
    if isinstance(table, Mapping):
        for key, inner in table.items():
            yield from leaves(inner, _at(path, str(key)))
    else:
        yield path, table


def _merged(base: Any, patch: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(patch, Mapping):
        return deepcopy(patch)
    if isinstance(base, list):
        return _list(base, patch, path, problems)
    if not isinstance(base, Mapping) or _another_kind(base, patch):
        base = {}
    if "add" in patch:
        problems.append(f"{_at(path, 'add')}: should change a list, and there is none to add to.")
        return dict(base)
    merged = deepcopy(dict(base))
    for key in _names(patch, "remove", path, problems):
        if key in list(merged):  # a list has no hash, and is no key
            del merged[key]
        else:
            problems.append(f"{_at(path, 'remove')}: {unknown(str(key), base, 'there to remove')}")
    for key, value in patch.items():
        if key != "remove":
            merged[key] = _merged(merged.get(key), value, _at(path, key), problems)
    return merged


def _list(base: list, patch: Mapping[str, Any], path: str, problems: list[str]) -> list:
    for word in sorted(set(patch) - {"add", "remove"}):
        problems.append(f"{_at(path, word)}: {unknown(word, ('add', 'remove'), 'a way to change a list')}")
    added, removed = _names(patch, "add", path, problems), _names(patch, "remove", path, problems)
    problems += [
        f"{_at(path, 'remove')}: {unknown(str(entry), map(str, base), 'there to remove')}"
        for entry in removed
        if entry not in base
    ]
    kept = [entry for entry in base if entry not in removed]
    problems += [f"{_at(path, 'add')}: `{entry}` is there already." for entry in added if entry in kept]
    return kept + deepcopy(added)


def _names(patch: Mapping[str, Any], word: str, path: str, problems: list[str]) -> list:
    """The list under `add` or `remove`, each entry once."""
    entries = patch.get(word, [])
    if not isinstance(entries, list):
        problems.append(f"{_at(path, word)}: should be a list. Found {entries!r}.")
        return []
    twice = [entry for place, entry in enumerate(entries) if entry in entries[:place]]
    problems += [f"{_at(path, word)}: `{entry}` should be named once. Found it twice." for entry in twice]
    return [entry for place, entry in enumerate(entries) if entry not in entries[:place]]


def _difference(base: Any, other: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(other, Mapping):
        return diff(base, other)
    if isinstance(base, list) and isinstance(other, list):
        change = {
            "add": [entry for entry in other if entry not in base],
            "remove": [entry for entry in base if entry not in other],
        }
        change = {word: entries for word, entries in change.items() if entries}
        unheard: list[str] = []
        # A new order, or an entry that stands twice, cannot be said by adding and removing.
        if change and _list(base, change, "", unheard) == other and not unheard:
            return change
    return deepcopy(other)


def _another_kind(base: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    return "kind" in base and "kind" in patch and base["kind"] != patch["kind"]


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
