"""Rows to the surface that they are of: each row goes through the part of its own surface, and no other part is run.

Which surface a row is of stands in S of its columns, its *marks*, of which that of the surface is the greatest. A
network of one surface needs no marks.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from funnel.models.blocks import Draws, TaskTowers, Towers


def chosen(x: Tensor, rows: Tensor | None, dim: int = 0) -> Tensor:
    """The rows, int64 (n,), of x along `dim`; all of them if not given."""
    return x if rows is None else x.index_select(dim, rows)


def routed(marks: Tensor, part: Callable[[int, Tensor | None], Tensor], dim: int) -> Tensor:
    """What the parts of the surfaces make of their rows, in the order of the rows.

    Args:
        marks: (B, S), or (B, 0) for the only surface.
        part: from a surface's place and its rows, int64 (n,) or all, to a tensor of n along `dim`.
    """
    if marks.shape[1] < 2:
        return part(0, None)
    surface = marks.argmax(1)
    rows = [(surface == place).nonzero()[:, 0] for place in range(marks.shape[1])]
    # A part without rows says nothing, but in training it must be there to get a gradient, of 0.
    asked = [place for place, of_surface in enumerate(rows) if len(of_surface) or torch.is_grad_enabled()]
    found = torch.cat([part(place, rows[place]) for place in asked], dim)
    return found.index_select(dim, torch.cat([rows[place] for place in asked]).argsort())


class TreeTowers(Towers):
    """Towers of tasks, a set for each surface. A row holds what all towers read, what is fused, and its marks."""

    def __init__(
        self, draws: Draws, tasks: Sequence[str], surfaces: Sequence[str], widths: Sequence[int], fused: Sequence[int]
    ):
        """
        Args:
            widths: of what all towers read, and of each hidden layer.
            fused: columns that only the towers of each surface read; they stand side by side.
        """
        super().__init__()
        self.surfaces, self.widths, self.fused = tuple(surfaces), tuple(widths), tuple(fused)
        depth, *hidden = widths
        self.trees = nn.ModuleList(
            TaskTowers(draws, [f"{surface} {task}" for task in tasks], (depth + columns, *hidden))
            for surface, columns in zip(surfaces, fused, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        read, *fused, marks = x.split([self.widths[0], *self.fused, x.shape[2] - self.widths[0] - sum(self.fused)], 2)

        def part(place: int, rows: Tensor | None) -> Tensor:
            return self.trees[place](chosen(torch.cat([read, fused[place]], 2), rows, 1))

        return routed(marks[0], part, 0)

    def start(self, constants: Tensor) -> None:
        for tree in self.trees:
            tree.start(constants)

    def like(self, draws: Draws, tasks: Sequence[str]) -> "TreeTowers":
        return TreeTowers(draws, tasks, self.surfaces, self.widths, self.fused)

    @property
    def macs(self) -> int:
        """Multiply-adds of a row on the surface whose towers read most."""
        return max(tree.macs for tree in self.trees)
