"""Calibration alignment by source: predictions brought to what was observed of each source's candidates.

A ranker that does not read where a candidate came from may expect too much of one source and too little of another,
and its scores then compare them wrongly. The correction is an offset regression (Platt scaling with the slope held at
one; Platt, 1999), one constant a source and task, fitted once to the log that the ranker was trained on.

What it can do: of what was shown, the expected and the observed sum agree for every source. What it cannot: turn the
order of two candidates of the same sources, so no AUC within a source moves; nor speak of what was not shown, where the
error of a ranker is another one (winner's curse).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funnel.candidates import SOURCES
from funnel.tasks import TASK

RIDGE = 1.0
"""precision of the normal prior around no correction: a source that was never shown gets none, and one with a hundred
labels is corrected nearly in full"""
STEPS = 50
"""Newton steps at most; some five are enough where a ranker is nearly right"""
LEAST = 1e-6
"""least expectation that a correction starts from, as its logarithm is needed"""


@dataclass(frozen=True)
class Calibration:
    """The corrections of a ranker's tasks."""

    tasks: tuple[str, ...]
    shift: np.ndarray
    """float64 (T, SOURCES): what each source adds to the logit of a binary task, or to the log of an amount; those of
    all sources that fetched a candidate add up"""

    def __call__(self, predicted: dict[str, np.ndarray], source: np.ndarray) -> dict[str, np.ndarray]:
        """The corrected predictions, float32 (n,) a task.

        Args:
            source: int64 (n,), bitmask; 0, where no source fetched the candidate, corrects nothing.
        """
        factor = np.exp(_bits(source) @ self.shift.T)
        return {task: _moved(task, predicted[task], factor[:, place]) for place, task in enumerate(self.tasks)}

    def save(self, folder: Path) -> None:
        """Write the corrections into an existing folder."""
        np.savez(folder / "calibration.npz", tasks=self.tasks, shift=self.shift)

    @classmethod
    def load(cls, folder: Path) -> "Calibration":
        with np.load(folder / "calibration.npz") as arrays:
            return cls(tuple(arrays["tasks"].tolist()), arrays["shift"])


def fit_calibration(
    tasks: tuple[str, ...], predicted: np.ndarray, labels: np.ndarray, source: np.ndarray
) -> Calibration:
    """The corrections that a log asks for.

    Args:
        predicted: float32 (N, T), at the positions where the items were shown; amounts above 0.
        labels: float32 (N, T); NaN where there is none, and the row then does not count.
        source: int64 (N,), bitmask.
    """
    bits = _bits(source)
    shift = np.zeros((len(tasks), SOURCES))
    for place, task in enumerate(tasks):
        known = ~np.isnan(labels[:, place])
        shift[place] = _fitted(task, predicted[known, place], labels[known, place], bits[known])
    return Calibration(tasks, shift)


def _fitted(task: str, predicted: np.ndarray, label: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """float64 (SOURCES,): the penalised maximum likelihood, binomial for a binary task and Poisson for an amount."""
    start, shift = np.maximum(predicted.astype(np.float64), LEAST), np.zeros(bits.shape[1])
    for _ in range(STEPS):
        mean = _moved(task, start, np.exp(bits @ shift))
        spread = mean * (1 - mean) if _binary(task) else mean
        slope = bits.T @ (label - mean) - RIDGE * shift
        curvature = (bits * spread[:, None]).T @ bits + RIDGE * np.eye(len(shift))
        step = np.linalg.solve(curvature, slope).clip(-1, 1)  # far from the optimum a full step may overshoot
        shift += step
        if np.abs(step).max() < 1e-9:
            break
    return shift


def _moved(task: str, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The means with their odds, or the amounts themselves, multiplied by factors (n,)."""
    if _binary(task):
        return (mean * factor / (1 - mean + mean * factor)).astype(mean.dtype)
    return (mean * factor).astype(mean.dtype)


def _binary(task: str) -> bool:
    return TASK[task].kind == "binary"


def _bits(source: np.ndarray) -> np.ndarray:
    """float64 (n, SOURCES): 1 where a source fetched the candidate."""
    return (source[:, None] >> np.arange(SOURCES) & 1).astype(np.float64)
