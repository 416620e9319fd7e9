"""Folders of data for tests: tiny, whole, and easy to break."""

from collections.abc import Mapping
from pathlib import Path

USERS, ITEMS = 4, 12


def interactions(users: int = USERS, items: int = ITEMS) -> str:
    """A sound table: every user with six items, at times that rise with the item."""
    rows = [
        f"u{user},i{item},{item + 1},{1000 + item}"
        for user in range(users)
        for item in range(items)
        if (user + item) % 2
    ]
    return "\n".join(["user,item,weight,time", *rows]) + "\n"


FRIENDS = "user,friend\nu0,u1\nu1,u0\nu2,u1\n"
ITEM_TABLE = "item,creator,duration,published\n" + "".join(f"i{i},c{i % 3},{10 + i},{900 + i}\n" for i in range(ITEMS))
USER_TABLE = "user\n" + "".join(f"u{user}\n" for user in range(USERS))


def write(folder: Path, **files: str | bytes) -> Path:
    """A folder of files; a name's last underscore stands for the dot: `interactions_csv`."""
    return write_all(folder, {".".join(name.rsplit("_", 1)): content for name, content in files.items()})


def write_all(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def whole(folder: Path, **files: str | bytes) -> Path:
    """A sound folder of all four tables, with some of them replaced."""
    sound = {
        "interactions_csv": interactions(),
        "friends_csv": FRIENDS,
        "items_csv": ITEM_TABLE,
        "users_csv": USER_TABLE,
    }
    return write(folder, **{**sound, **files})
