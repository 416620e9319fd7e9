"""The peer that rankers race: torch-rechub's models and trainer, set up as ours are.

Its perceptrons have the widths of ours. Each of its layers, gates included, is followed by batch normalisation, which
no option switches off; `bare` takes it out, for a contender that computes what ours does.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

INSTALLED = find_spec("torch_rechub") is not None
INPUT = "x"


def model(kind: str, features: int, tasks: int, experts: int, expert: tuple[int, ...], tower: tuple[int, ...]) -> Any:
    """Its MMoE, or its PLE of two layers with one shared expert and one private expert a task."""
    from torch_rechub.basic.features import DenseFeature
    from torch_rechub.models import multi_task

    inputs, types = [DenseFeature(INPUT, embed_dim=features)], ["classification"] * tasks
    towers = [{"dims": list(tower)} for _ in range(tasks)]
    if kind == "mmoe":
        return multi_task.MMOE(inputs, types, experts, {"dims": list(expert)}, towers)
    return multi_task.PLE(inputs, types, 2, 1, 1, {"dims": list(expert)}, towers)


def bare(network: nn.Module) -> nn.Module:
    """The same network without its batch normalisation."""
    for part in network.modules():
        for name, child in part.named_children():
            if isinstance(child, nn.BatchNorm1d):
                setattr(part, name, nn.Identity())
    return network


def step(network: nn.Module, x: Tensor, labels: Tensor, fused: bool = False) -> Callable[[], None]:
    """One step of training as its trainer makes it, without the trainer's bookkeeping."""
    optimiser, entropy = torch.optim.Adam(network.parameters(), fused=fused), nn.BCELoss()
    network.train()

    def work() -> None:
        predicted = network({INPUT: x})
        losses = [entropy(predicted[:, task], labels[:, task]) for task in range(labels.shape[1])]
        network.zero_grad()
        (sum(losses) / len(losses)).backward()
        optimiser.step()

    return work


def scoring(network: nn.Module, x: Tensor) -> Callable[[], None]:
    network.eval()

    @torch.inference_mode()
    def work() -> None:
        network({INPUT: x})

    return work


def epoch(network: nn.Module, x: np.ndarray, labels: np.ndarray, batch: int) -> Callable[[], None]:
    """One epoch of its trainer, over its data loader."""
    from torch_rechub.trainers import MTLTrainer
    from torch_rechub.utils.data import DataGenerator

    generator = DataGenerator({INPUT: x}, labels)
    some = {INPUT: x[:1]}, labels[:1]
    loader, *_ = generator.generate_dataloader(*some, *some, batch_size=batch)
    with _silent():
        trainer = MTLTrainer(network, ["classification"] * labels.shape[1])

    def work() -> None:
        with _silent():
            trainer.train_one_epoch(loader)

    return work


@contextmanager
def _silent() -> Iterator[None]:
    """Without its bars and lines."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
