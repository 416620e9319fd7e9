"""The peer that rankers race: torch-rechub's models and trainer, set up as ours are.

Its perceptrons have the widths of ours. Each of its layers, gates included, is followed by batch normalisation, which
no option switches off; `bare` takes it out, for a contender that computes what ours does.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

INSTALLED = find_spec("torch_rechub") is not None

Feed = Mapping[str, Any]
"""its input: an array of rows by the name of a feature"""


def whole(x: Any) -> Feed:
    """All columns of x (N, F) as one feature, which is the fastest for it."""
    return {"x": x}


def by_column(x: np.ndarray) -> Feed:
    """Each column of x (N, F) as a feature, as in its examples."""
    return {f"x{column}": np.ascontiguousarray(x[:, column]) for column in range(x.shape[1])}


def model(kind: str, feed: Feed, tasks: int, experts: int, expert: Sequence[int], tower: Sequence[int]) -> nn.Module:
    """Its MMoE, or its PLE of two layers with one shared expert and one private expert a task."""
    from torch_rechub.basic.features import DenseFeature
    from torch_rechub.models import multi_task

    inputs = [DenseFeature(name, rows.shape[1] if rows.ndim == 2 else 1) for name, rows in feed.items()]
    types, towers = ["classification"] * tasks, [{"dims": list(tower)} for _ in range(tasks)]
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
        predicted = network(whole(x))
        losses = [entropy(predicted[:, task], labels[:, task]) for task in range(labels.shape[1])]
        network.zero_grad()
        (sum(losses) / len(losses)).backward()
        optimiser.step()

    return work


def scoring(network: nn.Module, x: Tensor) -> Callable[[], None]:
    network.eval()

    @torch.inference_mode()
    def work() -> None:
        network(whole(x))

    return work


def epochs(network: nn.Module, feed: Feed, labels: np.ndarray, batch: int, count: int) -> Callable[[], None]:
    """Some epochs of its trainer, over its data loader."""
    from torch_rechub.trainers import MTLTrainer
    from torch_rechub.utils.data import DataGenerator

    some = {name: rows[:1] for name, rows in feed.items()}, labels[:1]
    loader, *_ = DataGenerator(feed, labels).generate_dataloader(*some, *some, batch_size=batch)
    trainer = MTLTrainer(network, ["classification"] * labels.shape[1])

    def work() -> None:
        with _silent():
            for _ in range(count):
                trainer.train_one_epoch(loader)

    return work


@contextmanager
def _silent() -> Iterator[None]:
    """Without its bars and lines."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
