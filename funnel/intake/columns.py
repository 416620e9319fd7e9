"""The small TOML beside a user's tables: which layout they have, what their files and columns are called."""

import tomllib
from pathlib import Path
from typing import Literal

from funnel.errors import InputError, SpecError
from funnel.spec import Spec

COLUMNS = "columns.toml"


class TableColumns(Spec):
    """One table. A column that is named here has to be there; one that is not is taken if it is there."""

    file: str | None = None
    """name in the folder, if it is not the table's name with one of the known suffixes"""

    def mapped(self, column: str) -> bool:
        """Whether the user named the column, so that it has to be there."""
        return column in self.model_fields_set


class InteractionColumns(TableColumns):
    """What users did with items."""

    user: str = "user"
    item: str = "item"
    weight: str = "weight"
    """how often or how much"""
    rating: str = "rating"
    """how good; there is a weight, a rating, or neither"""
    time: str = "time"


class FriendColumns(TableColumns):
    """Who is whose friend; one direction or both."""

    user: str = "user"
    friend: str = "friend"
    weight: str = "weight"
    """how close"""


class ItemColumns(TableColumns):
    """What is known of items."""

    item: str = "item"
    creator: str = "creator"
    duration: str = "duration"
    published: str = "published"


class UserColumns(TableColumns):
    """Which users there are."""

    user: str = "user"


class ColumnsSpec(Spec):
    """The whole file. Without it, names of files tell the layout, and all names are the documented ones."""

    layout: Literal["tables", "hetrec", "movielens", "kuairand"] | None = None
    """whose files these are; None tells by their names"""
    unit: Literal["seconds", "milliseconds"] = "seconds"
    """what times and durations are in; columns that hold dates need none"""
    interactions: InteractionColumns = InteractionColumns()
    friends: FriendColumns = FriendColumns()
    items: ItemColumns = ItemColumns()
    users: UserColumns = UserColumns()


def columns_of(folder: Path) -> ColumnsSpec:
    """The TOML of a folder, or all defaults without one.

    Raises:
        InputError: it is no TOML, or has unknown words; every problem at once.
    """
    path = folder / COLUMNS
    if not path.exists():
        return ColumnsSpec()
    try:
        return ColumnsSpec.parse(tomllib.loads(path.read_text("utf-8")), "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: should be TOML in UTF-8. {str(error)[:1].upper()}{str(error)[1:]}.") from None
    except SpecError as error:
        raise InputError(f"{path}: {problem}" for problem in error.problems) from None
