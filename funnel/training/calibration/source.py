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
from funnel.training.calibration.base import FILE, Calibration, Origins, binary

RIDGE = 1.0
"""precision of the normal prior around no correction: a source that was never shown gets none, and one with a hundred
labels is corrected nearly in full"""
STEPS = 50
"""Newton steps at most; some five are enough where a ranker is nearly right"""
LEAST = 1e-6
"""least expectation that a correction starts from, as its logarithm is needed"""


@dataclass(frozen=True)
class SourceShifts(Calibration):
    """One constant a task and source."""

    tasks: tuple[str, ...]
    shift: np.ndarray
    """float64 (T, SOURCES): what each source adds to the logit of a binary task, or to the log of an amount; those of
    all sources that fetched a candidate add up"""

    @classmethod
    def fit(cls, tasks: tuple[str, ...], predicted: np.ndarray, labels: np.ndarray, served: Origins) -> "SourceShifts":
        bits = _bits(served.source)
        shift = np.zeros((len(tasks), SOURCES))
        for place, task in enumerate(tasks):
            known = ~np.isnan(labels[:, place])
            shift[place] = _fitted(task, predicted[known, place], labels[known, place], bits[known])
        return cls(tasks, shift)

    def __call__(self, predicted: dict[str, np.ndarray], served: Origins) -> dict[str, np.ndarray]:
        """The corrected predictions; where no source fetched the candidate nothing is corrected."""
        factor = np.exp(_bits(served.source) @ self.shift.T)
        return {task: _moved(task, predicted[task], factor[:, place]) for place, task in enumerate(self.tasks)}

    def of_surface(self, place: int) -> "SourceShifts":
        return self

    def save(self, folder: Path) -> None:
        np.savez(folder / FILE, tasks=self.tasks, shift=self.shift)

    @classmethod
    def load(cls, folder: Path) -> "SourceShifts":
        with np.load(folder / FILE) as arrays:
            return cls(tuple(arrays["tasks"].tolist()), arrays["shift"])


def _fitted(task: str, predicted: np.ndarray, label: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """float64 (SOURCES,): the penalised maximum likelihood, binomial for a binary task and Poisson for an amount."""
    start, shift = np.maximum(predicted.astype(np.float64), LEAST), np.zeros(bits.shape[1])
    for _ in range(STEPS):
        mean = _moved(task, start, np.exp(bits @ shift))
        spread = mean * (1 - mean) if binary(task) else mean
        slope = bits.T @ (label - mean) - RIDGE * shift
        curvature = (bits * spread[:, None]).T @ bits + RIDGE * np.eye(len(shift))
        step = np.linalg.solve(curvature, slope).clip(-1, 1)  # far from the optimum a full step may overshoot
        shift += step
        if np.abs(step).max() < 1e-9:
            break
    return shift


def _moved(task: str, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The means with their odds, or the amounts themselves, multiplied by factors (n,)."""
    if binary(task):
        return (mean * factor / (1 - mean + mean * factor)).astype(mean.dtype)
    return (mean * factor).astype(mean.dtype)


def _bits(source: np.ndarray) -> np.ndarray:
    """float64 (n, SOURCES): 1 where a source fetched the candidate."""
    return (source[:, None] >> np.arange(SOURCES) & 1).astype(np.float64)
