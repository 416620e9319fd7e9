"""What is noted down of a fit, every so many steps, for whoever wants to know how its tasks got along."""

import numpy as np
import torch
from torch import Tensor


class Recorder:
    """Notes of one fit. Recording changes no bit of what is fitted."""

    def __init__(self, every: int):
        """
        Args:
            every: steps from one note to the next; the first step is noted.
        """
        self.every = every
        self._steps: list[int] = []
        self._gramians: list[Tensor] = []
        self._weights: list[Tensor] = []

    def due(self, step: int) -> bool:
        """Whether a step is noted."""
        return step % self.every == 0

    def note(self, step: int, gradients: Tensor, weights: Tensor) -> None:
        """
        Args:
            gradients: (T, P) of the unweighted losses on the shared parameters; a row of zeros where a task is absent.
            weights: (T,) that the balancer gives the losses.
        """
        self._steps.append(step)
        self._gramians.append((gradients @ gradients.T).cpu())
        self._weights.append(weights.detach().cpu().clone())

    @property
    def steps(self) -> np.ndarray:
        """int64 (S,): the steps that were noted."""
        return np.array(self._steps, np.int64)

    @property
    def norm(self) -> np.ndarray:
        """float32 (S, T): norm of each task's gradient on the shared parameters; 0 where it has none."""
        return np.sqrt(np.diagonal(self._gramian(), axis1=1, axis2=2))

    @property
    def cosine(self) -> np.ndarray:
        """float32 (S, T, T): cosine of the gradients of two tasks; NaN where one of them has none."""
        norm = np.where(self.norm > 0, self.norm, np.nan)
        return np.clip(self._gramian() / norm[:, :, None] / norm[:, None, :], -1, 1)

    @property
    def weight(self) -> np.ndarray:
        """float32 (S, T): the balancer's weight of each task's loss."""
        return torch.stack(self._weights).numpy()

    def _gramian(self) -> np.ndarray:
        return torch.stack(self._gramians).numpy()
