"""Folders that are whole or not there: written beside their place, then moved to it.

A move inside one file system is atomic, so a kill or a full disk never leaves half a folder where a whole one is
expected. Replacing takes two moves; `recover` undoes the first if the second never came.
"""

import errno
import os
import shutil
from pathlib import Path


def beside(place: Path, word: str) -> Path:
    """The sibling that serves a place: its `lock`, the `partial` folder being written, the one being `replaced`."""
    return place.with_name(f"{place.name}.{word}")


def put(new: Path, place: Path) -> None:
    """Moves a finished folder to its place; what stood there stays whole until then."""
    if not place.exists():
        new.rename(place)
        return
    aside = beside(place, "replaced")
    shutil.rmtree(aside, ignore_errors=True)
    place.rename(aside)
    new.rename(place)
    shutil.rmtree(aside)


def recover(place: Path) -> None:
    """Puts back what a kill between the two moves of `put` has left aside."""
    aside = beside(place, "replaced")
    if aside.exists() and not place.exists():
        aside.rename(place)
    shutil.rmtree(aside, ignore_errors=True)


def disk_full(error: Exception, partial: Path) -> str | None:
    """The sentence for a disk that ran full while a folder was written, or None if the error means something else.

    Some libraries wrap the operating system's error, and some say only that writing failed: then the room that is left
    decides.
    """
    free = shutil.disk_usage(partial.parent).free
    told = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not (told or os.strerror(errno.ENOSPC) in str(error) or free < 2**20):
        return None
    written = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    return (
        f"{partial}: the disk is full. Found {(free + written) / 2**20:.1f} MiB of room, and it was not enough. "
        "What is finished is kept: make room and run the same command, and it goes on where it stopped."
    )
