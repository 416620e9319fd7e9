"""Calibration by a curve a task: Platt's line in logits, or an isotonic curve; for all requests, or for each surface.

Platt (1999) fits sigmoid(a * logit + b) by maximum likelihood; isotonic regression (Zadrozny and Elkan, KDD 2002) the
rising step function of least squares, between whose steps we interpolate, as scikit-learn does. Both are fitted by
scikit-learn. Neither touches the order of two candidates of one curve, but for the ties of a flat step and for a line
that falls, which a ranker worse than chance would get.

Curves are of probabilities, so tasks that predict an amount or a grade are left as they are. A surface whose log has
no label of a task, or only one outcome, takes the curve of all surfaces, and without that nothing is corrected.
"""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import expit, logit

from funnel.training.calibration.base import FILE, Calibration, Origins, binary

LEAST = 1e-6
"""nearest that a prediction may come to 0 or 1 before its logit is taken"""


class Curve(NamedTuple):
    """Numbers of a correction: slope and constant of a line, or places and heights of the corners of a step curve."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Curves(Calibration):
    """A curve for each binary task, and each surface if they are told apart."""

    by_surface: ClassVar[bool] = False
    """whether each surface has curves of its own"""

    curves: dict[tuple[str, int], Curve]
    """by task and surface; those of all requests stand under surface -1"""

    @staticmethod
    @abstractmethod
    def fitted(predicted: np.ndarray, label: np.ndarray) -> Curve:
        """The curve of predictions (n,) with both outcomes among their labels (n,)."""

    @staticmethod
    @abstractmethod
    def moved(curve: Curve, predicted: np.ndarray) -> np.ndarray:
        """float (n,): predictions (n,) on a curve."""

    @classmethod
    def fit(cls, tasks: tuple[str, ...], predicted: np.ndarray, labels: np.ndarray, served: Origins) -> "Curves":
        curves = {}
        for place, task in enumerate(tasks):
            if not binary(task):
                continue
            known = ~np.isnan(labels[:, place])
            groups = [-1, *(np.unique(served.surface).tolist() if cls.by_surface else [])]
            for surface in groups:
                rows = known if surface < 0 else known & (served.surface == surface)
                if len(np.unique(labels[rows, place])) == 2:
                    curves[task, surface] = cls.fitted(predicted[rows, place].astype(np.float64), labels[rows, place])
        return cls(curves)

    def __call__(self, predicted: dict[str, np.ndarray], served: Origins) -> dict[str, np.ndarray]:
        return {task: self._corrected(task, mean, served.surface) for task, mean in predicted.items()}

    def _corrected(self, task: str, mean: np.ndarray, surface: np.ndarray) -> np.ndarray:
        found = self._on(self.curves.get((task, -1)), mean)
        for of_task, place in self.curves:
            if of_task == task and place >= 0:
                rows = surface == place
                found[rows] = self._on(self.curves[task, place], mean[rows])
        return found

    def _on(self, curve: Curve | None, mean: np.ndarray) -> np.ndarray:
        return (self.moved(curve, mean) if curve else mean.copy()).astype(mean.dtype)

    def of_surface(self, place: int) -> "Curves":
        whole = {(task, -1): curve for (task, surface), curve in self.curves.items() if surface < 0}
        own = {(task, -1): curve for (task, surface), curve in self.curves.items() if surface == place}
        return type(self)(whole | own)

    def save(self, folder: Path) -> None:
        keyed: dict[str, Any] = {f"{task} {surface}": np.stack(curve) for (task, surface), curve in self.curves.items()}
        np.savez(folder / FILE, **keyed)

    @classmethod
    def load(cls, folder: Path) -> "Curves":
        with np.load(folder / FILE) as arrays:
            named = ((*name.split(), Curve(*arrays[name])) for name in arrays.files)
            return cls({(task, int(surface)): curve for task, surface, curve in named})


class Platt(Curves):
    """A line in logits."""

    @staticmethod
    def fitted(predicted: np.ndarray, label: np.ndarray) -> Curve:
        from sklearn.linear_model import LogisticRegression  # late: it takes a second

        line = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1_000).fit(_logits(predicted)[:, None], label > 0)
        return Curve(line.coef_[0], line.intercept_)

    @staticmethod
    def moved(curve: Curve, predicted: np.ndarray) -> np.ndarray:
        return expit(curve.x * _logits(predicted) + curve.y)


class Isotonic(Curves):
    """A curve that never falls."""

    @staticmethod
    def fitted(predicted: np.ndarray, label: np.ndarray) -> Curve:
        from sklearn.isotonic import IsotonicRegression  # late: it takes a second

        steps = IsotonicRegression(y_min=0, y_max=1).fit(predicted, label)
        return Curve(steps.X_thresholds_, steps.y_thresholds_)

    @staticmethod
    def moved(curve: Curve, predicted: np.ndarray) -> np.ndarray:
        return np.interp(predicted, curve.x, curve.y)


class SurfacePlatt(Platt):
    """A line for each surface."""

    by_surface = True


class SurfaceIsotonic(Isotonic):
    """A curve for each surface."""

    by_surface = True


def _logits(predicted: np.ndarray) -> np.ndarray:
    return logit(predicted.astype(np.float64).clip(LEAST, 1 - LEAST))
