"""Where architectures part ways: one model, two tasks of chosen correlation, fresh samples at every step.

On a small fixed set the difference between architectures drowns in overfitting, so nothing is seen twice: every batch
is a test batch before it is a training batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from funnel.models.blocks import MultiTaskModel
from funnel.models.catalogue import build
from funnel.models.spec import ModelSpec
from funnel.training.gradients import task_gradients
from funnel.training.loop import Descent, fit
from funnel.training.record import Recorder
from funnel.training.sinusoids import TASKS, Pair, SinusoidSpec, batches
from funnel.training.spec import FitSpec

FRESH = 2**15
"""rows that the final loss is taken over"""
POINTS = 50
"""of a curve over the steps, at least where there are as many steps"""
ARRAYS, NUMBERS = ("loss", "step", "curve", "cosine"), ("floor", "label_correlation", "parameters")


@dataclass(frozen=True)
class Conflict:
    """What one model made of one pair of tasks. Losses are squared errors as shares of a label's variance."""

    loss: np.ndarray
    """float64 (2,): of the trained model on 32,768 fresh rows"""
    floor: float
    """the loss of the true law: noise alone"""
    step: np.ndarray
    """int64 (S,): first step of each stretch of the curves"""
    curve: np.ndarray
    """float32 (S, 2): mean loss over the batches of each stretch, each before it is trained on"""
    cosine: np.ndarray
    """float32 (S,): of the two losses' gradients on the shared parameters at the first step of each stretch; NaN where
    the model has none"""
    gates: dict[str, np.ndarray]
    """by gated layer float32 (2, n): each task's mean share of each expert that it may mix, on the fresh rows"""
    label_correlation: float
    """Pearson's r of the two labels on the fresh rows"""
    parameters: int
    """trained numbers"""

    def save(self, folder: Path) -> None:
        """Write it into an existing folder."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in (*ARRAYS, *NUMBERS)}
        parts |= {f"gates {layer}": shares for layer, shares in self.gates.items()}
        np.savez(folder / "conflict.npz", **parts)

    @classmethod
    def load(cls, folder: Path) -> "Conflict":
        """What `save` wrote."""
        with np.load(folder / "conflict.npz") as kept:
            arrays = {name: kept[name] for name in ARRAYS}
            numbers = {name: kept[name].item() for name in NUMBERS}
            gates = {name.removeprefix("gates "): kept[name] for name in kept.files if name.startswith("gates ")}
        return cls(**arrays, **numbers, gates=gates)


def task_conflict(
    model: ModelSpec,
    correlation: float,
    *,
    law: SinusoidSpec | None = None,
    steps: int = 2000,
    batch: int = 256,
    rate: float = 3e-3,
    seed: int = 0,
    device: str = "cpu",
) -> Conflict:
    """Trains a model on two tasks whose weight vectors have the given cosine, on a stream of fresh samples.

    The labels' law stands in `funnel.training.sinusoids`. To reproduce a point of the `task_conflict` scenario:

        from funnel.models.spec import MMoESpec
        from funnel.training.conflict import task_conflict
        task_conflict(MMoESpec(experts=8, expert=(16,), tower=(8,)), 0.5, steps=1_500, seed=0).loss

    The sum of both losses is descended by Adam, its rate falling linearly to zero. All models and all correlations of a
    seed see the same rows in the same order; the same arguments on the same machine give the same bits.

    Args:
        correlation: cosine of the two weight vectors, -1 to 1; that of the labels is smaller.
        law: what the labels follow; its defaults if not given.
        batch: rows a step.
        rate: learning rate of the first step.
        device: where the model is trained, as torch names it.

    Raises:
        TrainingError: a loss is not finite.
    """
    law = law or SinusoidSpec()
    pair = Pair.draw(law, correlation, seed)
    network = build(model, {"x": law.columns}, TASKS, seed).to(device)
    every = max(1, steps // POINTS)
    update = Streamed(network, batches(pair, batch, steps, seed, "training"), Recorder(every), device)
    fit(update, TASKS, steps * batch, FitSpec(epochs=1, batch=batch, rate=rate), seed, device)
    stretches = torch.stack(update.seen).cpu().split(every)
    return Conflict(
        floor=pair.floor,
        step=update.recorder.steps,
        curve=torch.stack([stretch.mean(0) for stretch in stretches]).numpy(),
        cosine=update.recorder.cosine[:, 0, 1],
        parameters=network.size,
        **_exam(network.cpu(), pair, seed),
    )


class Streamed(Descent):
    """Descends the sum of both losses of a batch that it takes off a stream, whatever row numbers it is given."""

    def __init__(
        self, model: MultiTaskModel, stream: Iterator[tuple[np.ndarray, np.ndarray]], recorder: Recorder, device: str
    ):
        super().__init__(model.parameters(), self._next)
        self.model, self.stream, self.recorder, self.device = model, stream, recorder, device
        self.seen: list[Tensor] = []
        """the losses (2,) of every batch"""

    def backward(self, losses: Tensor) -> None:
        if self.recorder.due(len(self.seen)):
            shared = self.model.shared_parameters()
            gradients = task_gradients(losses, shared) if shared else torch.zeros(len(TASKS), 1)
            self.recorder.note(len(self.seen), gradients, torch.ones(len(TASKS)))
        self.seen.append(losses.detach())
        super().backward(losses)

    def _next(self, chosen: Tensor) -> Tensor:
        x, y = (torch.from_numpy(array).to(self.device) for array in next(self.stream))
        return (self.model(x) - y).square().mean(0)


@torch.inference_mode()
def _exam(model: MultiTaskModel, pair: Pair, seed: int) -> dict[str, Any]:
    """What is measured on fresh rows after training."""
    rows, labels = next(batches(pair, FRESH, 1, seed, "exam"))
    x = torch.from_numpy(rows)
    weight, bias = model.first()
    gates = model.gates(torch.addmm(bias, x, weight))
    return {
        "loss": np.square(model(x).numpy().astype(np.float64) - labels).mean(0),
        "gates": {name: shares.mean(0).numpy() for name, shares in gates.items()},
        "label_correlation": float(np.corrcoef(labels.T)[0, 1]),
    }
