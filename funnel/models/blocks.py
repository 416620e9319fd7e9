"""What every multi-task ranker is built of: the protocol, stacks of like networks, and initial weights by name.

The networks of a stack (experts, towers) have one shape, so a layer of all of them is one batched matrix product and
nothing loops over experts or tasks.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn, relu_

from funnel.rng import stream

NOMINAL_COLUMNS = 64
"""fan-in assumed for first layers: the true number of columns differs between arms, and the initial weights must not"""


class Draws:
    """Initial weights, each block drawn from a stream named by what it belongs to.

    A feature's rows, an expert's layers and a task's tower get the same numbers in every arm that has them, so a paired
    comparison does not pay for another initialisation. Scale of He et al. (ICCV 2015): variance 2 / fan-in.
    """

    def __init__(self, seed: int, columns: Mapping[str, int]):
        """
        Args:
            columns: columns of each feature, in the order of the input row.
        """
        self.seed = seed
        self.columns = columns

    def block(self, shape: tuple[int, ...], fan_in: int, *names: str | int) -> Tensor:
        """float32 `shape`: normal draws of one named block."""
        draws = stream(self.seed, "init", *names).standard_normal(shape, np.float32)
        return torch.from_numpy(draws * np.float32(np.sqrt(2 / fan_in)))

    def first(self, name: str, members: Sequence[str | int], width: int) -> nn.Parameter:
        """float32 (F, K * width): first layers of K networks side by side."""
        rows = []
        for feature, count in self.columns.items():
            blocks = [self.block((count, width), NOMINAL_COLUMNS, name, "first", member, feature) for member in members]
            rows.append(torch.cat(blocks, 1))
        return nn.Parameter(torch.cat(rows))


class MultiTaskModel(nn.Module, ABC):
    """A batch of B rows to logits (B, T), columns in the order of the tasks: logits = body(x W + b).

    The first layer is affine and apart from the body, because serving needs it so: the columns of x belong to the
    user, the item or the pair, hence x W = x_user W_user + x_item W_item + x_pair W_pair, where the first term is
    computed once a request and the second once a catalogue.

    The body is a representation a task and then a tower a task. The logit of a conditional task is that of its
    conditional probability in every architecture.
    """

    towers: "Towers"

    def __init__(self, tasks: Sequence[str]):
        super().__init__()
        self.tasks = tuple(tasks)
        self.scorer: Towers | None = None

    @abstractmethod
    def first(self) -> tuple[Tensor, Tensor]:
        """W (F, H) and b (H,) of the first layer, all its parts side by side."""

    @abstractmethod
    def represent(self, hidden: Tensor) -> Tensor:
        """(T, B, D): what the tower of each task reads; the logit of task k depends on slice k alone.

        Args:
            hidden: (B, H), what the first layer gives, before any nonlinearity; it may be overwritten.
        """

    def body(self, hidden: Tensor) -> Tensor:
        """Logits (B, T) of what the first layer gives, (B, H), which may be overwritten."""
        return self.towers(self.represent(hidden))

    def give_scorer(self, draws: "Draws") -> None:
        """Add a score that is no task's: one more tower, on the mean of what the towers of the tasks read."""
        self.scorer = self.towers.like(draws, ("score",))

    def score(self, read: Tensor) -> Tensor:
        """(B,): the score of its own, from what the towers read, (T, B, D)."""
        assert self.scorer is not None
        return self.scorer(read.mean(0, keepdim=True))[:, 0]

    def served(self, hidden: Tensor) -> Tensor:
        """(B, T) logits or, with a score of its own as the last column, (B, T + 1); arguments as in `body`."""
        if self.scorer is None:
            return self.body(hidden)
        read = self.represent(hidden)
        return torch.cat([self.towers(read), self.score(read)[:, None]], 1)

    def gates(self, hidden: Tensor) -> dict[str, Tensor]:
        """(B, T, n) of each gated layer, by its name: the share of each expert that a task may mix; sums to one."""
        return {}

    @abstractmethod
    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters that the losses of several tasks train; all others belong to single tasks."""

    @abstractmethod
    def last_shared(self) -> list[nn.Parameter]:
        """Those of the last layer that all tasks read; empty where nothing is shared."""

    @property
    def parents(self) -> tuple[int, ...]:
        """For each logit the column of the task that its loss is chained to; -1 where it has a loss of its own."""
        return (-1,) * len(self.tasks)

    @property
    @abstractmethod
    def represent_macs(self) -> int:
        """Multiply-adds a row of `represent`."""

    @property
    def body_macs(self) -> int:
        """Multiply-adds a row of the body, and of the score of its own if there is one."""
        return self.represent_macs + self.towers.macs + (self.scorer.macs if self.scorer else 0)

    @property
    def column_macs(self) -> np.ndarray:
        """int64 (F,): multiply-adds of each column of a row in the first layer."""
        columns, width = self.first()[0].shape
        return np.full(columns, width)

    def represent_rows(self, x: Tensor) -> Tensor:
        """(T, B, D): `represent` of input rows x (B, F)."""
        weight, bias = self.first()
        return self.represent(torch.addmm(bias, x, weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.towers(self.represent_rows(x))

    @property
    def macs(self) -> int:
        """Multiply-adds a row, nothing computed beforehand."""
        return int(self.column_macs.sum()) + self.body_macs

    @property
    def size(self) -> int:
        """Parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


def apart(hidden: Tensor, count: int) -> Tensor:
    """(K, B, width) view of the outputs (B, K * width) of K = `count` networks side by side."""
    return hidden.unflatten(1, (count, -1)).transpose(0, 1)


def affine(x: Tensor, weight: Tensor, bias: Tensor, count: int) -> Tensor:
    """(K, B, width): what `apart` gives of x W + b, each network's part in one piece.

    Where no user's or item's share is computed beforehand this is faster: nothing has to be put together for the
    backward pass.

    Args:
        x: (B, F).
        weight, bias: (F, K * width) and (K * width,), the first layers of K = `count` networks side by side.
    """
    each = weight.unflatten(1, (count, -1)).transpose(0, 1)
    return torch.bmm(x.expand(count, -1, -1), each).add_(bias.unflatten(0, (count, 1, -1)))


def products(x: Tensor, weight: Tensor) -> Tensor:
    """(K, B, output): rows times each of K matrices.

    Args:
        x: (K, B, input), or (B, input) where all K read the same rows.
        weight: (K, input, output).
    """
    if x.dim() == 3:
        return torch.bmm(x, weight)
    # The matrices side by side make one product of it, which reads the rows once.
    return (x @ weight.transpose(0, 1).flatten(1)).unflatten(1, (len(weight), -1)).transpose(0, 1)


class Stack(nn.Module):
    """K multilayer perceptrons of one shape side by side, a ReLU after every layer."""

    def __init__(self, draws: Draws, name: str, members: Sequence[str | int], widths: Sequence[int]):
        """
        Args:
            members: the K names that the initial weights are drawn by.
            widths: of the input and of each layer; the input alone gives the identity.
        """
        super().__init__()
        shapes = list(pairwise(widths))
        self.weights = nn.ParameterList(
            torch.stack([draws.block(shape, shape[0], name, layer, member) for member in members])
            for layer, shape in enumerate(shapes)
        )
        self.biases = nn.ParameterList(torch.zeros(len(members), 1, shape[1]) for shape in shapes)

    def forward(self, x: Tensor) -> Tensor:
        """(K, B, input), or (B, input) that all K read, to (K, B, output)."""
        return side_by_side([self], x)

    def layers(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Weights (K, input, output) and constants (K, 1, output) of each layer."""
        return zip(self.weights, self.biases, strict=True)

    def last(self) -> list[nn.Parameter]:
        """Weights and constants of the last layer; empty for the identity."""
        return [*self.weights[-1:], *self.biases[-1:]]

    @property
    def macs(self) -> int:
        return sum(weight.numel() for weight in self.weights)


def side_by_side(stacks: Sequence[Stack], x: Tensor) -> Tensor:
    """(K, B, output): the networks of several stacks of one shape, one stack after the other, as if they were one.

    Args:
        x: (K, B, input), or (B, input) that all K networks read.
    """
    for layers in zip(*(stack.layers() for stack in stacks), strict=True):
        weight, bias = (parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*layers, strict=True))
        x = relu_(products(x, weight).add_(bias))
    return x


class Towers(nn.Module, ABC):
    """From what each task's tower reads, (T, B, D), to logits (B, T); all parameters have the tasks first."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(T, B, D) to (B, T)."""

    @abstractmethod
    def start(self, constants: Tensor) -> None:
        """Let the logit of each task start from a constant, (T,)."""

    @abstractmethod
    def like(self, draws: Draws, tasks: Sequence[str]) -> "Towers":
        """Towers of the same shape for other tasks, with initial weights of their own."""

    @property
    @abstractmethod
    def macs(self) -> int:
        """Multiply-adds a row."""


class TaskTowers(Towers):
    """A tower a task, which ends in the task's logit."""

    def __init__(self, draws: Draws, tasks: Sequence[str], widths: Sequence[int]):
        """
        Args:
            widths: of the input and of each hidden layer.
        """
        super().__init__()
        self.widths = tuple(widths)
        self.hidden = Stack(draws, "tower", tasks, widths)
        heads = [draws.block((widths[-1], 1), widths[-1], "head", task) for task in tasks]
        self.head = nn.Parameter(torch.stack(heads))
        self.bias = nn.Parameter(torch.zeros(len(tasks), 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, input), or (B, input) that all towers read, to logits (B, T)."""
        return products(self.hidden(x), self.head).add_(self.bias)[:, :, 0].T

    @torch.no_grad()
    def start(self, constants: Tensor) -> None:
        self.bias.copy_(constants.view_as(self.bias))

    def like(self, draws: Draws, tasks: Sequence[str]) -> "TaskTowers":
        return TaskTowers(draws, tasks, self.widths)

    @property
    def macs(self) -> int:
        return self.hidden.macs + self.head.numel()
