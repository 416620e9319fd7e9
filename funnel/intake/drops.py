"""The gate that rows of a user's files pass: strict, it refuses bad ones; lenient, it drops and counts them."""

from dataclasses import dataclass
from pathlib import Path

from funnel.errors import InputError


@dataclass(frozen=True)
class Drop:
    """Rows of one file that were left out, and why."""

    file: str
    """name in the folder"""
    rule: str
    """what should hold, and did not"""
    rows: int
    """how many; 0 where a whole file was left out"""
    remedy: str
    """what would bring them in, or keep them from being told"""


@dataclass(frozen=True)
class _Broken:
    rows: int
    first: int
    remedy: str


class Gate:
    """Collects what is wrong with the files of one folder, so that all of it is told at once.

    A reader asks nothing of the gate: it reports what it found, goes on with the sound rows, and settles at the end.
    Reports of the same file and rule add up, so a file may be read in chunks.

    Args:
        folder: the folder of the files; problems start with their path in it.
        lenient: whether rows that break a rule are dropped and counted. Strict, each rule broken is a problem.
    """

    def __init__(self, folder: Path, lenient: bool = False):
        self.folder, self.lenient = folder, lenient
        self._problems: list[str] = []
        self._broken: dict[tuple[str, str], _Broken] = {}
        self._ignored: list[Drop] = []
        self._left_out: list[Drop] = []

    def refuse(self, file: str, problem: str) -> None:
        """Reports what cannot be dropped, strict or lenient: a missing column, an empty file."""
        self._problems.append(f"{self.folder / file}: {problem}")

    def broken(self, file: str, rule: str, rows: int, first: int, remedy: str) -> None:
        """Reports rows that break a rule.

        Args:
            file: name in the folder.
            rule: what should hold, with "should".
            rows: how many break it.
            first: number of the first of them in the file; the header is not counted, the first row is 1.
            remedy: what the user can do, without a full stop.
        """
        before = self._broken.get((file, rule), _Broken(0, first, remedy))
        self._broken[file, rule] = _Broken(before.rows + rows, min(before.first, first), remedy)

    def ignore(self, file: str, rule: str, remedy: str) -> None:
        """Reports a file that tells nothing: a problem if strict, as if it were not there if lenient."""
        self._ignored.append(Drop(file, rule, 0, remedy))

    def leave_out(self, file: str, rule: str, rows: int, remedy: str) -> None:
        """Counts sound rows that have no use; no problem, strict or lenient."""
        self._left_out.append(Drop(file, rule, rows, remedy))

    @property
    def refused(self) -> bool:
        """Whether something was reported that cannot be dropped."""
        return bool(self._problems)

    def settle(self) -> tuple[Drop, ...]:
        """What was dropped and left out.

        Raises:
            InputError: every problem at once.
        """
        # Lenient, dropped rows are no problem; but they are told with what is refused, which may be wanting for them.
        problems = [*self._problems, *(self._told() if self._problems or not self.lenient else [])]
        if problems:
            raise InputError(problems)
        return (*self._dropped(), *self._ignored, *self._left_out)

    def _dropped(self) -> list[Drop]:
        return [Drop(file, rule, found.rows, found.remedy) for (file, rule), found in self._broken.items()]

    def _told(self) -> list[str]:
        rows = [self._of_rows(file, rule, found) for (file, rule), found in self._broken.items()]
        return [*rows, *(self._of_file(drop) for drop in self._ignored if not self.lenient)]

    def _of_file(self, drop: Drop) -> str:
        remedy = f"{drop.remedy}, or run with --lenient, which goes on without the file"
        return f"{self.folder / drop.file}: {drop.rule}. {remedy}."

    def _of_rows(self, file: str, rule: str, found: _Broken) -> str:
        one = found.rows == 1
        count = f"1 row against it (row {found.first})"
        if not one:
            count = f"{found.rows:,} rows against it (first: row {found.first})"
        drops = f", or run with --lenient, which drops {'it' if one else 'them'}"
        return f"{self.folder / file}: {rule}. Found {count}. {found.remedy}{'' if self.lenient else drops}."
