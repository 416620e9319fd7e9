"""Words beside the points of a figure, where they cover neither one another nor a point."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from funnel.report.figures.style import INK

SIZE = 8.0
"""of the words, in points"""
LETTER, LINE = 0.56 * SIZE, 1.25 * SIZE
"""width of a letter (most are narrower) and height of a line, in points"""
DISTANCES = (7, 13, 20, 29, 40, 53, 70, 90, 115, 145, 180)
"""how far from its point a word may stand, in points, the nearest first"""
ANGLES = np.deg2rad([0, 180, 35, -35, 145, -145, 90, -90, 18, -18, 162, -162, 65, -65, 115, -115])
"""where around its point, the most readable first"""
NEAR = 10
"""points up to which a word needs no line to its point"""
LEADER: dict[str, Any] = {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 3}
"""the line"""
MARK = 5.0
"""half the width of a point, in points"""

Boxes = np.ndarray
"""float64 (n, 4): left, bottom, right, top"""


def write(
    axes: Axes, points: Sequence[tuple[float, float]], words: Sequence[str], lines: Sequence[Sequence[float]] = ()
) -> None:
    """Name the points, the first with the first choice of place; a word far from its point has a line to it.

    The limits of the axes are taken as they are, and the layout of the figure is settled here.

    Args:
        points: x and y in data units. lines: level or upright ones that no word should cover, as x, y, x, y.
    """
    figure = axes.get_figure(root=True)
    assert figure
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is added now shall not move the axes
    scale = 72 / figure.dpi
    at = axes.transData.transform(points) * scale
    inside = axes.get_window_extent()
    frame = np.array([inside.x0, inside.y0, inside.x1, inside.y1]) * scale
    drawn = axes.transData.transform(np.reshape(lines, (-1, 2))).reshape(-1, 4) * scale
    offsets = places(at, [len(word) for word in words], frame, _boxes(drawn))
    for word, point, offset in zip(words, points, offsets, strict=True):
        _put(axes, word, point, offset)


def _boxes(lines: np.ndarray) -> Boxes:
    """The lines, thick enough to be avoided."""
    low, high = np.minimum(lines[:, :2], lines[:, 2:]), np.maximum(lines[:, :2], lines[:, 2:])
    return np.concatenate([low - 1, high + 1], axis=1)


def places(points: np.ndarray, letters: Sequence[int], frame: np.ndarray, drawn: Boxes) -> np.ndarray:
    """Offset of the middle of each word from its point, greedily: the nearest place that covers nothing.

    Args:
        points: float64 (n, 2). letters: of each word. frame: float64 (4,), which no word should leave. drawn: what
            no word should cover, beside the points. All in points of print.

    Returns:
        float64 (n, 2). Where everything near is taken, the place that covers least.
    """
    taken = np.concatenate([drawn, np.concatenate([points - MARK, points + MARK], axis=1)])
    offsets = np.empty((len(points), 2))
    for place, (point, length) in enumerate(zip(points, letters, strict=True)):
        size = np.array([length * LETTER, LINE])
        tried = _candidates(size)
        boxes = np.concatenate([point + tried - size / 2, point + tried + size / 2], axis=1)
        best = int(np.argmin(_covered(boxes, taken) + _outside(boxes, frame)))  # the first, so the nearest
        offsets[place] = tried[best]
        taken = np.concatenate([taken, boxes[best : best + 1]])
    return offsets


def _candidates(size: np.ndarray) -> np.ndarray:
    """float64 (c, 2): middles of a word whose nearest edge is some distance from the point, the nearest first."""
    direction = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    return np.concatenate([direction * (distance + size / 2) for distance in DISTANCES])


def _covered(boxes: Boxes, taken: Boxes) -> np.ndarray:
    """float64 (c,): area that each box shares with those that are taken."""
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    return np.clip(high - low, 0, None).prod(2).sum(1)


def _outside(boxes: Boxes, frame: np.ndarray) -> np.ndarray:
    """float64 (c,): area of each box that lies outside of the frame; it weighs as much again."""
    inside = np.clip(np.minimum(boxes[:, 2:], frame[2:]) - np.maximum(boxes[:, :2], frame[:2]), 0, None).prod(1)
    return 2 * ((boxes[:, 2:] - boxes[:, :2]).prod(1) - inside)


def _put(axes: Axes, word: str, point: tuple[float, float], offset: np.ndarray) -> None:
    near = abs(offset[1]) <= NEAR + LINE / 2 and abs(offset[0]) <= NEAR + len(word) * LETTER / 2
    axes.annotate(
        word,
        point,
        xytext=tuple(offset),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=SIZE,
        arrowprops=None if near else LEADER,
    )
