"""What a benchmark says: a figure, the floor beside it, and whether the aim is met; and its three faces."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

HEADS = ("what", "ours", "floor", "times the floor", "aim", "verdict", "remarks")


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    what: str
    ours: float
    unit: str
    floor: float
    """in the same unit, timed or counted in the same run"""
    floor_is: str
    """what the floor does"""
    more_is_better: bool = True
    """a rate; otherwise a time or a size"""
    aim: str = ""
    met: bool | None = None
    """whether the aim is met; None where there is none"""
    remark: str = ""

    @property
    def times_the_floor(self) -> float:
        """Cost of ours in floors: 1 is as good as the floor, 2 takes twice as much, below 1 beats it."""
        return self.floor / self.ours if self.more_is_better else self.ours / self.floor

    def cells(self) -> tuple[str, ...]:
        """One text a head of `HEADS`."""
        verdict = {True: "met", False: "missed", None: ""}[self.met]
        remarks = "; ".join(filter(None, [f"floor: {self.floor_is}", self.remark]))
        ours, floor = (f"{_short(number)} {self.unit}" for number in (self.ours, self.floor))
        return self.what, ours, floor, f"{self.times_the_floor:.2f}", self.aim, verdict, remarks


def _short(number: float) -> str:
    """Three digits that matter, or the whole number."""
    if abs(number) >= 1e6:
        return f"{number / 1e6:.3g} million"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def terminal(figures: Sequence[Figure]) -> Table:
    table = Table(*HEADS)
    for figure in figures:
        table.add_row(*figure.cells(), style="red" if figure.met is False else None)
    return table


def plain(figures: Sequence[Figure]) -> list[str]:
    """One line a figure, in columns."""
    rows = [HEADS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def markdown(figures: Sequence[Figure]) -> str:
    rows = [HEADS, ("---",) * len(HEADS), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
