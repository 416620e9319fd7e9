"""Progressive Layered Extraction (Tang et al., RecSys 2020): layers of shared experts and of experts private to a task.

In each layer task k mixes its own experts and the shared ones by a gate. Its gate and its private experts read what k
mixed in the layer before; the shared experts read what a gate of their own, the carry, mixed of ALL experts of the
layer before. With one layer it is Customised Gate Control (CGC); with one layer and no private expert it is MMoE;
without shared experts the tasks never meet.

Unlike the paper's gates, ours have a constant beside the matrix; with standardised inputs it is the gate's mean.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn, relu_
from torch.nn.functional import relu

from funnel.models.blocks import Draws, MultiTaskModel, Stack, TaskTowers, affine, apart, products, side_by_side
from funnel.models.spec import PLESpec


class Plan:
    """Who stands in one extraction layer: members by block, as initial weights are drawn by; layer 1 shares MMoE's."""

    def __init__(self, spec: PLESpec, tasks: Sequence[str], layer: int):
        """
        Args:
            layer: counted from 1.
        """
        self.suffix = "" if layer == 1 else f" {layer}"
        self.widths = (*([spec.expert[-1]] if layer > 1 else []), *spec.expert)
        self.experts: dict[str, tuple[str | int, ...]] = {}
        if spec.private:
            self.experts["private"] = tuple(f"{task} {expert}" for task in tasks for expert in range(spec.private))
        if spec.shared:
            self.experts["trunk"] = tuple(range(spec.shared))
        self.gates: dict[str, tuple[tuple[str | int, ...], int]] = {"gate": (tuple(tasks), spec.private + spec.shared)}
        """members of each kind of gate, and the width of one's logits"""
        if spec.shared and layer < spec.layers:
            self.gates["carry"] = (sum(self.experts.values(), ()), 1)

    def shares(self, spec: PLESpec, tasks: int) -> Tensor:
        """int64 (T or T + 1, T * P + S): where the share of each expert in each mixture stands among all shares.

        The carry's mixture is the last. The shares are those of the tasks' gates, those of the carry, and a zero.
        """
        own, experts = spec.private, tasks * spec.private + spec.shared
        gates = torch.arange(tasks * (own + spec.shared)).view(tasks, -1)
        carry = gates.numel() + torch.arange(experts if "carry" in self.gates else 0).view(-1, experts)
        zero = gates.numel() + carry.numel()
        private = torch.full((tasks, tasks, own), zero)
        private[range(tasks), range(tasks)] = gates[:, :own]
        return torch.cat([torch.cat([private.flatten(1), gates[:, own:]], 1), carry])


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
    """One layer: experts, and gates that mix what they say. The first affine map of layer 1 stands outside.

    All mixtures are one batched product with a share for every expert, zero for those of other tasks: as long as tasks
    are fewer than the width of an expert, that is less work than the experts' and takes fewer passes over memory.
    """

    places: Tensor
    reads: Tensor

    def __init__(self, draws: Draws, plan: Plan, spec: PLESpec, tasks: int):
        super().__init__()
        self.tasks, depth = tasks, plan.widths[-1]
        self.experts = nn.ModuleDict(
            {name: Stack(draws, name + plan.suffix, members, plan.widths) for name, members in plan.experts.items()}
        )
        inner = {name: (members, (depth, width)) for name, (members, width) in plan.gates.items() if plan.suffix}
        self.gates = nn.ModuleDict({name: Gates(draws, name + plan.suffix, *block) for name, block in inner.items()})
        shares = sum(len(members) * width for members, width in plan.gates.values())
        self.macs = sum(stack.macs for stack in self.experts.values()) + shares * depth * (2 if inner else 1)
        self.register_buffer("places", plan.shares(spec, tasks), persistent=False)
        reads = [*(task for task in range(tasks) for _ in range(spec.private)), *[tasks] * spec.shared]
        self.one_each = reads == list(range(tasks + bool(spec.shared)))
        self.register_buffer("reads", torch.tensor(reads), persistent=False)

    def forward(self, mixed: Tensor) -> tuple[Tensor, Tensor]:
        """What the layer mixes, from what the layer before it mixed.

        Args:
            mixed: (T, B, D) of the tasks and, where experts are shared, one more of the carry.

        Returns:
            The same of this layer, and the shares (T, P + S, B) of the experts in each task's mixture.
        """
        tasks, *carried = mixed.split([self.tasks, *[1] * (len(mixed) - self.tasks)])
        logits = {"gate": self.gates["gate"](tasks)}
        if "carry" in self.gates:
            logits["carry"] = self.gates["carry"](carried[0][0])
        return self.mix(mixed if self.one_each else mixed.index_select(0, self.reads), logits)

    def mix(self, reads: Tensor, logits: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The same, from what the experts read and the gates say.

        Args:
            reads: (T * P + S, B, input).
            logits: "gate" (T, B, P + S), a task's own experts first; "carry" (T * P + S, B, 1), not in the last layer.
        """
        # With the batch innermost the softmax is vectorised; over rows of a few experts it takes ten times as long.
        shares = logits["gate"].transpose(1, 2).contiguous().softmax(1)
        rows = [shares.flatten(0, 1), shares.new_zeros(1, shares.shape[2])]
        if "carry" in logits:
            rows.insert(1, logits["carry"][:, :, 0].softmax(0))
        of_all = torch.cat(rows).index_select(0, self.places.flatten()).unflatten(0, self.places.shape)
        said = side_by_side([*self.experts.values()], reads)
        return torch.bmm(of_all.permute(2, 0, 1).contiguous(), said.transpose(0, 1)).transpose(0, 1), shares


class PLE(MultiTaskModel):
    """Extraction layers, then a tower a task. The first affine maps of layer 1 all read the row and are one product."""

    def __init__(self, spec: PLESpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        plans = [Plan(spec, tasks, layer + 1) for layer in range(spec.layers)]
        experts = {name: (members, spec.expert[0]) for name, members in plans[0].experts.items()}
        blocks = experts | plans[0].gates
        self.blocks = tuple(blocks)
        self.counts = {name: len(members) for name, (members, _) in plans[0].gates.items()}
        self.experts = sum(len(members) for members, _ in experts.values())
        self.weights = nn.ParameterDict({name: draws.first(name, *block) for name, block in blocks.items()})
        self.biases = nn.ParameterDict({name: torch.zeros(weight.shape[1]) for name, weight in self.weights.items()})
        columns = [self.weights[name].shape[1] for name in blocks]
        self.widths = [sum(columns[: len(experts)]), sum(columns[len(experts) :])]
        self.layers = nn.ModuleList(Extraction(draws, plan, spec, len(tasks)) for plan in plans)
        self.towers = TaskTowers(draws, tasks, (spec.expert[-1], *spec.tower))

    def first(self) -> tuple[Tensor, Tensor]:
        weights, biases = ([kind[name] for name in self.blocks] for kind in (self.weights, self.biases))
        return torch.cat(weights, 1), torch.cat(biases)

    def represent(self, hidden: Tensor) -> Tensor:
        return self.pass_on(*self.parts(hidden))[0]

    def represent_rows(self, x: Tensor) -> Tensor:
        (weight, gate_weight), (bias, gate_bias) = (part.split(self.widths, -1) for part in self.first())
        gates = self.by_kind(torch.addmm(gate_bias, x, gate_weight))
        return self.pass_on(relu_(affine(x, weight, bias, self.experts)), gates)[0]

    def gates(self, hidden: Tensor) -> dict[str, Tensor]:
        """Columns: the task's own experts, then the shared ones."""
        shares = self.pass_on(*self.parts(hidden))[1]
        return {f"layer {layer + 1}": of_layer.permute(2, 0, 1) for layer, of_layer in enumerate(shares)}

    def parts(self, hidden: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The experts' first layer (T * P + S, B, width), and the gates' logits, of layer 1."""
        experts, gates = hidden.split(self.widths, 1)
        return apart(relu(experts), self.experts), self.by_kind(gates)

    def by_kind(self, gates: Tensor) -> dict[str, Tensor]:
        """The logits of each kind of gate of layer 1, as `Extraction.mix` takes them, of all side by side."""
        parts = gates.split([self.weights[name].shape[1] for name in self.counts], 1)
        return {name: apart(part, self.counts[name]) for name, part in zip(self.counts, parts, strict=True)}

    def pass_on(self, experts: Tensor, gates: Mapping[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The representations (T, B, D), and the shares (T, P + S, B) of every layer."""
        first, *later = self.layers
        mixed, shares = first.mix(experts, gates)
        seen = [shares]
        for layer in later:
            mixed, shares = layer(mixed)
            seen.append(shares)
        return mixed, seen

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
