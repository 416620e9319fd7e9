"""A table of a page: rows of labels and numbers, turned on its side where it would be too wide."""

from dataclasses import dataclass

from funnel.report.view import Number

WIDEST = 6
"""columns up to which arms stand side by side; more stand one below another, where a reader can sort them"""


@dataclass(frozen=True)
class Table:
    """Rows of a label and one cell a column."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Number, ...]], ...]
    corner: str = "measure"
    """what the labels of the rows are"""

    @property
    def wide(self) -> bool:
        """Whether paper needs it smaller."""
        return len(self.header) > WIDEST


def of_arms(title: str, note: str, arms: tuple[str, ...], rows: tuple[tuple[str, tuple[Number, ...]], ...]) -> Table:
    """A column an arm and a row a measure; the other way round where the arms are many."""
    if len(arms) <= WIDEST:
        return Table(title, note, arms, rows)
    columns = zip(*(cells for _, cells in rows), strict=True)
    turned = tuple(zip(arms, columns, strict=True)) if rows else ()
    return Table(title, note, tuple(label for label, _ in rows), turned, corner="arm")
