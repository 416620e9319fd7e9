"""Progressive Layered Extraction (Tang et al., RecSys 2020): layers of shared experts and of experts private to a task.

In each layer task k mixes its own experts and the shared ones by a gate. Its gate and its private experts read what k
mixed in the layer before; the shared experts read what a gate of their own, the carry, mixed of ALL experts of the
layer before. With one layer it is Customised Gate Control (CGC); with one layer and no private expert it is MMoE;
without shared experts the tasks never meet.

Unlike the paper's gates, ours have a constant beside the matrix; with standardised inputs it is the gate's mean.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from funnel.models.blocks import Draws, MultiTaskModel, Stack, TaskTowers, apart, products
from funnel.models.spec import PLESpec


class Plan:
    """Who stands in one extraction layer: members by block, as initial weights are drawn by; layer 1 shares MMoE's."""

    def __init__(self, spec: PLESpec, tasks: Sequence[str], layer: int):
        """
        Args:
            layer: counted from 1.
        """
        self.widths = (*([spec.expert[-1]] if layer > 1 else []), *spec.expert)
        self.private, self.shared = spec.private, spec.shared
        self.experts: dict[str, tuple[str | int, ...]] = {}
        if spec.private:
            self.experts["private"] = tuple(f"{task} {expert}" for task in tasks for expert in range(spec.private))
        if spec.shared:
            self.experts["trunk"] = tuple(range(spec.shared))
        self.gates: dict[str, tuple[tuple[str | int, ...], int]] = {"gate": (tuple(tasks), spec.private + spec.shared)}
        """members of each kind of gate, and the width of one's logits"""
        if spec.shared and layer < spec.layers:
            self.gates["carry"] = (sum(self.experts.values(), ()), 1)
        self.suffix = "" if layer == 1 else f" {layer}"


class Gates(nn.Module):
    """Affine maps to the logits of gates, in a layer after the first."""

    def __init__(self, draws: Draws, name: str, members: Sequence[str | int], widths: tuple[int, int]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([draws.block(widths, widths[0], name, member) for member in members]))
        self.bias = nn.Parameter(torch.zeros(len(members), 1, widths[1]))

    def forward(self, x: Tensor) -> Tensor:
        """(K, B, input), or (B, input) that all K read, to (K, B, output)."""
        return products(x, self.weight).add_(self.bias)


class Extraction(nn.Module):
    """One layer: experts, and gates that mix what they say. The gates of layer 1 are part of the first affine map."""

    def __init__(self, draws: Draws, plan: Plan):
        super().__init__()
        self.own, self.depth = plan.private, plan.widths[-1]
        self.experts = nn.ModuleDict(
            {name: Stack(draws, name + plan.suffix, members, plan.widths) for name, members in plan.experts.items()}
        )
        first = not plan.suffix
        self.gates = nn.ModuleDict(
            {
                name: Gates(draws, name + plan.suffix, members, (self.depth, width))
                for name, (members, width) in plan.gates.items()
                if not first
            }
        )
        shares = sum(len(members) * width for members, width in plan.gates.values())
        self.macs = sum(stack.macs for stack in self.experts.values()) + shares * self.depth * (1 if first else 2)

    def forward(self, tasks: Tensor, carried: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor]:
        """What the layer passes on, from what the layer before passed to it.

        Args:
            tasks: (T, B, D), what each task mixed.
            carried: (B, D), what the carry mixed; None where nothing is shared.

        Returns:
            The same two of this layer, and the shares (T, P + S, B) of the experts in each task's mixture.
        """
        reads = {"private": tasks[:, None].expand(-1, self.own, -1, -1).flatten(0, 1), "trunk": carried}
        logits = {"gate": self.gates["gate"](tasks)}
        if "carry" in self.gates:
            logits["carry"] = self.gates["carry"](carried)
        return self.mix(reads, logits)

    def mix(
        self, reads: Mapping[str, Tensor | None], logits: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """The same, from what the experts read and what the gates say.

        Args:
            reads: of the experts: (K, B, input), or (B, input) that all K read.
            logits: "gate" (T, B, P + S), a task's own experts first; "carry" (T * P + S, B, 1), not in the last layer.
        """
        # With the batch innermost the softmax is vectorised; over rows of a few experts it takes ten times as long.
        shares = logits["gate"].transpose(1, 2).contiguous().softmax(1)
        outputs = {name: stack(reads[name]) for name, stack in self.experts.items()}
        mixed = {
            "private": lambda said: (said.unflatten(0, (-1, self.own)) * shares[:, : self.own, :, None]).sum(1),
            "trunk": lambda said: mixture(shares[:, self.own :], said),
        }
        tasks = reduce(add, [mixed[name](said) for name, said in outputs.items()])
        if "carry" not in logits:
            return tasks, None, shares
        of_all = logits["carry"][None, :, :, 0].softmax(1).split([len(said) for said in outputs.values()], 1)
        parts = [mixture(share, said)[0] for share, said in zip(of_all, outputs.values(), strict=True)]
        return tasks, reduce(add, parts), shares


def mixture(shares: Tensor, said: Tensor) -> Tensor:
    """(K, B, D): K mixtures, by shares (K, n, B), of what n experts said, (n, B, D)."""
    return torch.bmm(shares.permute(2, 0, 1).contiguous(), said.transpose(0, 1)).transpose(0, 1)


class PLE(MultiTaskModel):
    """Extraction layers, then a tower a task. The first affine maps of layer 1 all read the row and are one product."""

    def __init__(self, spec: PLESpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        plans = [Plan(spec, tasks, layer + 1) for layer in range(spec.layers)]
        blocks = {name: (members, spec.expert[0]) for name, members in plans[0].experts.items()} | plans[0].gates
        self.members = {name: len(members) for name, (members, _) in blocks.items()}
        self.weights = nn.ParameterDict({name: draws.first(name, *block) for name, block in blocks.items()})
        self.biases = nn.ParameterDict({name: torch.zeros(weight.shape[1]) for name, weight in self.weights.items()})
        self.layers = nn.ModuleList(Extraction(draws, plan) for plan in plans)
        self.towers = TaskTowers(draws, tasks, (spec.expert[-1], *spec.tower))

    def first(self) -> tuple[Tensor, Tensor]:
        return torch.cat([*self.weights.values()], 1), torch.cat([*self.biases.values()])

    def represent(self, hidden: Tensor) -> Tensor:
        return self.run(hidden)[0]

    def gates(self, hidden: Tensor) -> dict[str, Tensor]:
        """Columns: the task's own experts, then the shared ones."""
        return {f"layer {layer + 1}": shares.permute(2, 0, 1) for layer, shares in enumerate(self.run(hidden)[1])}

    def run(self, hidden: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The representations (T, B, D), and the shares (T, P + S, B) of every layer."""
        columns = hidden.split([weight.shape[1] for weight in self.weights.values()], 1)
        parts = {name: apart(part, self.members[name]) for name, part in zip(self.weights, columns, strict=True)}
        first, *later = self.layers
        reads = {name: relu(parts[name]) for name in first.experts}
        tasks, carried, shares = first.mix(reads, {name: part for name, part in parts.items() if name not in reads})
        seen = [shares]
        for layer in later:
            tasks, carried, shares = layer(tasks, carried)
            seen.append(shares)
        return tasks, seen

    def shared_parameters(self) -> list[nn.Parameter]:
        """The shared experts, and all that a carry reads: its own layer's experts, the gates of the layer before."""
        shared = []
        for number, layer in enumerate(self.layers):
            meeting = self._meeting(number)
            if number == 0:
                shared += [
                    part[name] for name in self.weights if name in meeting for part in (self.weights, self.biases)
                ]
            for blocks in (layer.experts, layer.gates):
                shared += [part for name, block in blocks.items() if name in meeting for part in block.parameters()]
        return shared

    def _meeting(self, number: int) -> set[str]:
        """The blocks of a layer, counted from 0, that the losses of several tasks reach."""
        if "trunk" not in self.weights:
            return set()
        carries = len(self.layers) - 1 - number
        meeting = {"trunk"} | ({"private", "carry"} if carries > 0 else set())
        # A gate's mixture goes on to its task's private experts, and these into the next carry.
        return meeting | ({"gate"} if carries > 1 and "private" in self.weights else set())

    def last_shared(self) -> list[nn.Parameter]:
        if "trunk" not in self.weights:
            return []
        return self.layers[-1].experts["trunk"].last() or [self.weights["trunk"], self.biases["trunk"]]

    @property
    def represent_macs(self) -> int:
        return sum(layer.macs for layer in self.layers)
