"""The axes of a sweep as they are written: which fields move, and through which values.

An axis is a table of lists, each at the path of the field that it moves (`every.stages.early.keep = [50, 100]`). All
lists of an axis are of one length and move together; the values of the first one label the axis.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any

from pydantic import ConfigDict, model_validator

from funnel.errors import unknown
from funnel.patch import leaves
from funnel.spec import Spec

ROOTS = ("arms", "base", "change", "every")
"""the parts of a scenario that a sweep can move; the rest says what is asked, and stays the same at every point"""
AXES = 2
"""most axes of a sweep: what a map can show"""


class AxisSpec(Spec):
    """One axis: lists of values at the paths of the fields that they are for."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    @property
    def fields(self) -> dict[str, list[Any]]:
        """The values of each field, by its path."""
        return dict(leaves(self.__pydantic_extra__))

    @property
    def label(self) -> str:
        """The path of the field whose values label the axis."""
        return next(iter(self.fields))

    @model_validator(mode="after")
    def _moves_together(self):
        problems = [*_not_lists(self.fields)] or [*_uneven(self.fields), *_twice(self.label, self.fields[self.label])]
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def thinned(self, most: int) -> "AxisSpec":
        """The axis with `most` (at least 2) of its values, evenly spread from the first to the last."""
        count = len(self.fields[self.label])
        if count <= most:
            return self
        kept = [place * (count - 1) // (most - 1) for place in range(most)]
        return AxisSpec.model_validate({path: [values[at] for at in kept] for path, values in self.fields.items()})


def misplaced(axes: Mapping[str, AxisSpec], known: Collection[str]) -> list[str]:
    """What is wrong with the axes of a scenario that has the `known` keys."""
    problems = [fault for name, axis in axes.items() for path in axis.fields for fault in _rooted(name, path, known)]
    if len(axes) > AXES:
        problems.append(f"should have one axis or two. Found {len(axes)}: {', '.join(axes)}.")
    problems += [
        f"should move each field on one axis. Found `{path}` in `{one}` and in `{other}`."
        for one, other in combinations(axes, 2)
        for path in axes[one].fields
        if path in axes[other].fields
    ]
    return problems


def _not_lists(fields: Mapping[str, Any]) -> Iterator[str]:
    if not fields:
        yield "should move a field, as in `every.stages.early.keep = [50, 100]`. Found none."
    for path, values in fields.items():
        if not isinstance(values, list):
            yield f"{path}: should be a list of values. Found {values!r}."
        elif not values:
            yield f"{path}: should hold at least one value. Found an empty list."


def _rooted(name: str, path: str, known: Collection[str]) -> Iterator[str]:
    root, _, rest = path.partition(".")
    if root not in known:
        yield f"`{name}` moves `{path}`: {unknown(root, ROOTS, 'a known key')}"
    elif root not in ROOTS:
        told = f"which stays the same at every point. A sweep moves fields of {', '.join(ROOTS)}."
        yield f"`{name}` moves `{path}`, {told}"
    elif not rest:
        yield f"`{name}` moves `{path}`: should be the path of a field, as in `every.stages.early.keep`."


def _uneven(fields: Mapping[str, list]) -> Iterator[str]:
    lengths = {path: len(values) for path, values in fields.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{length} for `{path}`" for path, length in lengths.items())
        yield f"lists should be of one length, since they move together. Found values: {told}."


def _twice(path: str, values: list) -> Iterator[str]:
    written = [json.dumps(value) for value in values]
    for value in dict.fromkeys(text for place, text in enumerate(written) if text in written[:place]):
        yield f"{path}: should hold each value once, since they label the axis. Found {value} twice."
