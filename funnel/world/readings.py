"""How a task is read off the channels: its true mean off their logits, its label off what was drawn.

The two stand side by side, case by case, since a label must follow its mean.
"""

from collections.abc import Iterable

import numpy as np
from scipy.special import expit

from funnel.tasks import TASK, Task, chain

EFFECTIVE = np.float32(0.3)
"""share of the video from which a view is effective"""
RUNS = np.float32(2.0)
"""a video is watched twice at most"""


class Means:
    """True means of the tasks of n pairs, each worked out when it is asked for."""

    def __init__(self, channels: tuple[str, ...], z: np.ndarray, duration: np.ndarray, bubble: np.ndarray):
        """
        Args:
            z: float32 (n, K), logits of the channels, far enough from infinity for their exponentials.
            duration: float32 (n,), seconds. bubble: bool (n,).
        """
        self._channels, self._z, self._duration, self._bubble = channels, z, duration, bubble
        self._known: dict[str, np.ndarray] = {}

    def of(self, name: str) -> np.ndarray:
        """float32 (n,): probability, expected grade or seconds; of a conditional task as if its condition held."""
        if name not in self._known:
            self._known[name] = self._mean(TASK[name])
        return self._known[name]

    def _mean(self, task: Task) -> np.ndarray:
        match task.reads:
            case "probability":
                return expit(self._logits(task))
            case "effective":
                return expit(self._logits(task) - np.log(EFFECTIVE))
            case "grades":
                return _summed(expit(self._logits(task) - np.log(np.float32(grade))) for grade in task.grades)
            case "seconds":
                logits = self._logits(task)
                return self._duration * np.exp(logits) * np.log1p(RUNS * np.exp(-logits))
            case "context":
                return self._bubble.astype(np.float32)
            case "any":
                none = np.ones(len(self._z), np.float32)
                for part in task.any_of:
                    none = none * (1 - self.of(part))
                return 1 - none

    def _logits(self, task: Task) -> np.ndarray:
        return self._z[:, self._channels.index(task.channel)]


class Outcomes:
    """What came of n impressions."""

    def __init__(
        self,
        channels: tuple[str, ...],
        happened: np.ndarray,
        share: np.ndarray,
        duration: np.ndarray,
        bubble: np.ndarray,
    ):
        """
        Args:
            happened: bool (n, K), the channels' draws. share: float32 (n,), of the video that was watched.
            duration: float32 (n,), seconds. bubble: bool (n,).
        """
        self._channels, self._happened, self._share = channels, happened, share
        self._duration, self._bubble = duration, bubble
        self._known: dict[str, np.ndarray] = {}

    def where_given(self, name: str) -> np.ndarray:
        """float32 (n,): the label of a task, nan where a task of the chain that leads to it did not happen."""
        label = self._of(name)
        for step in chain(name)[:-1]:
            label = np.where(self._of(step) > 0, label, np.float32(np.nan))
        return label

    def _of(self, name: str) -> np.ndarray:
        """float32 (n,): what comes of a task if its condition holds."""
        if name not in self._known:
            self._known[name] = self._outcome(TASK[name]).astype(np.float32)
        return self._known[name]

    def _outcome(self, task: Task) -> np.ndarray:
        match task.reads:
            case "probability":
                return self._happened[:, self._channels.index(task.channel)]
            case "effective":
                return self._share >= EFFECTIVE
            case "grades":
                return _summed(self._share >= np.float32(grade) for grade in task.grades)
            case "seconds":
                return self._duration * np.minimum(self._share, RUNS)
            case "context":
                return self._bubble
            case "any":
                return np.logical_or.reduce([self._of(part) > 0 for part in task.any_of])


def _summed(parts: Iterable[np.ndarray]) -> np.ndarray:
    """float32 (n,)"""
    return np.stack([*parts]).sum(0, dtype=np.float32)
