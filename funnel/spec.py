"""The base of every spec: a frozen, typed description that validates itself and forbids unknown words."""

import types
from collections.abc import Mapping
from typing import Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from funnel.errors import SpecError, unknown


class Spec(BaseModel):
    """A description of one part. Cheap, immutable, comparable; TOML is one face of it and Python the other."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def table(self) -> dict[str, Any]:
        """The spec as plain tables, as TOML would hold it: every field spelt out, absent ones left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def parse(cls, table: Mapping[str, Any], where: str) -> Self:
        """The spec of a table.

        Args:
            table: plain tables, as read from TOML.
            where: the path of the table, which errors start with (``base.world``); empty for a whole file.

        Raises:
            SpecError: every problem at once, each with its full path and, for an unknown word, the nearest known one.
        """
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            raise SpecError(sorted({_sentence(cls, where, problem) for problem in error.errors()})) from None


def _sentence(root: type[Spec], where: str, problem: Any) -> str:
    location, kind, found = problem["loc"], problem["type"], problem["input"]
    path = ".".join([*([where] if where else []), *(str(part) for part in _named(root, location))])
    match kind:
        case "extra_forbidden":
            return f"{path}: {unknown(str(location[-1]), _fields_at(root, location[:-1]), 'a known key')}"
        case "union_tag_invalid":
            expected = problem["ctx"]["expected_tags"].replace("'", "").split(", ")
            return f"{path}.kind: {unknown(problem['ctx']['tag'], expected, 'a known kind')}"
        case "union_tag_not_found":
            return f"{path}: should name its `kind`. Found none."
        case "missing":
            return f"{path}: should be given. Found nothing."
        case "value_error":
            return f"{path}: {problem['ctx']['error']}"
        case "literal_error":
            known = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            return f"{path}: {unknown(str(found), known, 'a known choice')}"
    rule = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{path}: {rule.replace('input should', 'should')}. Found {found!r}."


def _models(annotation: Any) -> list[type[Spec]]:
    """The spec classes that an annotation admits, through unions, annotations and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, dict, list, tuple) or hasattr(annotation, "__metadata__"):
        return [model for part in get_args(annotation) for model in _models(part)]
    return []


def _tag(model: type[Spec]) -> Any:
    field = model.model_fields.get("kind")
    return field.default if field else None


def _walk(root: type[Spec], location: tuple) -> tuple[list[type[Spec]], list[str | int]]:
    """The spec classes at a location, and the location without the union tags that pydantic puts in."""
    models, named, key = [root], [], False
    for part in location:
        # A key of an open mapping (a stage's name) is no field and no tag, even if it is called like one.
        if not key and len(models) > 1 and any(_tag(model) == part for model in models):
            models = [model for model in models if _tag(model) == part]
            continue
        named.append(part)
        fields = [] if key else [model.model_fields[part] for model in models if part in model.model_fields]
        key = any(get_origin(field.annotation) is dict for field in fields)
        models = [inner for field in fields for inner in _models(field.annotation)] if fields else models
    return models, named


def _named(root: type[Spec], location: tuple) -> list[str | int]:
    return _walk(root, location)[1]


def _fields_at(root: type[Spec], location: tuple) -> set[str]:
    return {name for model in _walk(root, location)[0] for name in model.model_fields}
