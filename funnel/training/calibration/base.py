"""What every calibration is: fitted once to a log, kept in a folder, asked to correct predictions."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from funnel.tasks import TASK

FILE = "calibration.npz"
"""what a folder holds"""


@dataclass(frozen=True)
class Origins:
    """What is known of n predictions beside what they say."""

    source: np.ndarray
    """int64 (n,): bitmask of the sources that fetched the candidate; 0 where none did"""
    surface: np.ndarray
    """int8 (n,): the surface that is asked on; 0 in a world without surfaces"""


class Calibration(ABC):
    """The corrections of a ranker's tasks."""

    @classmethod
    @abstractmethod
    def fit(cls, tasks: tuple[str, ...], predicted: np.ndarray, labels: np.ndarray, served: Origins) -> Self:
        """The corrections that a log asks for.

        Args:
            predicted: float32 (N, T), at the positions where the items were shown; amounts above 0.
            labels: float32 (N, T); NaN where there is none, and the row then does not count.
        """

    @abstractmethod
    def __call__(self, predicted: dict[str, np.ndarray], served: Origins) -> dict[str, np.ndarray]:
        """The corrected predictions, float32 (n,) a task."""

    @abstractmethod
    def of_surface(self, place: int) -> Self:
        """The corrections of one surface, which serve wherever it is not told which surface is asked on."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the corrections into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """The corrections of a folder."""


def binary(task: str) -> bool:
    """Whether a task's prediction is a probability."""
    return TASK[task].kind == "binary"
