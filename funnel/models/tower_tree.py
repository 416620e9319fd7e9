"""Surfaces as the tasks of one ranker (Pinterest, 2026): one trunk of experts, a tree of towers for each surface.

On surface s task k reads f_sk(x) = u_s(sum_i softmax(W_sk x)_i E_i(x)), where the experts E_i are the shared ones and
those that are private to s, and u_s is a trunk of the surface; then comes the tower t_sk, which also reads the features
that are fused late, and which no expert sees. Only the tree of the request's own surface is run.

Without private experts it is one unified trunk; without shared ones the surfaces never meet, as separate models side
by side; with one surface and neither private experts nor a trunk it is MMoE. Unlike the source our trunk has no
transformer and no projection, since our histories are short and their features are made beforehand. The text of the
source has no equations; these are ours.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from funnel.models.blocks import Draws, MultiTaskModel, Stack, apart, side_by_side
from funnel.models.routing import TreeTowers, chosen, routed
from funnel.models.spec import TowerTreeSpec

MARKS = "surface"
"""the feature that says which surface a row is of, a column each"""


class Experts(nn.Module):
    """Experts side by side, their first layer apart."""

    def __init__(self, draws: Draws, name: str, members: Sequence[str | int], widths: Sequence[int]):
        super().__init__()
        self.weight = draws.first(name, members, widths[0])
        self.bias = nn.Parameter(torch.zeros(len(members) * widths[0]))
        self.deeper = Stack(draws, name, members, widths)

    def last(self) -> list[nn.Parameter]:
        """The parameters of the last layer."""
        return self.deeper.last() or [self.weight, self.bias]


class Branch(nn.Module):
    """What belongs to one surface before its towers: gates, private experts, a trunk."""

    def __init__(self, spec: TowerTreeSpec, surface: str, tasks: Sequence[str], draws: Draws):
        super().__init__()
        self.tasks, self.experts, self.depth = len(tasks), spec.private + spec.shared, (*spec.expert, *spec.trunk)[-1]
        self.gate_weight = draws.first("gate", [f"{surface} {task}" for task in tasks], self.experts)
        self.gate_bias = nn.Parameter(torch.zeros(len(tasks) * self.experts))
        members = [f"{surface} {expert}" for expert in range(spec.private)]
        self.private = Experts(draws, "private", members, spec.expert) if members else None
        self.trunk = Stack(draws, "surface", (surface,), (spec.expert[-1], *spec.trunk))

    @property
    def width(self) -> int:
        """Columns of its part of the first layer."""
        return len(self.gate_bias) + (len(self.private.bias) if self.private else 0)

    def first(self) -> tuple[Tensor, Tensor]:
        """Weight and constant of its part of the first layer: the gates, then the private experts."""
        if not self.private:
            return self.gate_weight, self.gate_bias
        return torch.cat([self.gate_weight, self.private.weight], 1), torch.cat([self.gate_bias, self.private.bias])

    def read(self, hidden: Tensor, shared: Experts | None) -> Tensor:
        """(T, n, D): what its towers read of n rows.

        Args:
            hidden: (n, H), what the first layer gives: its own part, then that of the shared experts.
        """
        experts = apart(relu(hidden[:, len(self.gate_bias) :]), self.experts)
        said = side_by_side([part.deeper for part in (self.private, shared) if part], experts)
        mixed = torch.bmm(self.shares(hidden), said.transpose(0, 1)).transpose(0, 1)
        # One network reads the mixtures of all tasks; sizes are spelt out, since a surface may have no row.
        rows = hidden.shape[0]
        through = self.trunk(mixed.reshape(1, self.tasks * rows, said.shape[2]))
        return through.view(self.tasks, rows, self.depth)

    def shares(self, hidden: Tensor) -> Tensor:
        """(n, T, E): the share of each expert in each task's mixture, its own ones first."""
        logits = hidden[:, : len(self.gate_bias)].T.contiguous().unflatten(0, (self.tasks, self.experts))
        return logits.softmax(1).permute(2, 0, 1).contiguous()


class TowerTree(MultiTaskModel):
    """Shared experts, and a branch and towers for each surface.

    The marks of a row and what is fused late pass the first layer through constant columns, so that serving and
    surgery, which cut a network at its first layer and at its towers, know nothing of surfaces. The first layer of all
    surfaces is one product there; in training, and in the network of one surface, only that of the own one is made.
    """

    inside: Tensor
    passed: Tensor

    def __init__(self, spec: TowerTreeSpec, tasks: Sequence[str], draws: Draws):
        super().__init__(tasks)
        self.spec, self.columns = spec, dict(draws.columns)
        inner = {name: count for name, count in draws.columns.items() if name not in spec.fused}
        marks = (MARKS,) if len(spec.surfaces) > 1 else ()
        fusion = [spec.fusion.get(surface, ()) for surface in spec.surfaces]
        self.register_buffer("inside", self.places(inner), persistent=False)
        self.register_buffer("passed", self.places([*sum(fusion, ()), *marks]), persistent=False)
        draws = Draws(draws.seed, inner)
        self.shared = Experts(draws, "trunk", range(spec.shared), spec.expert) if spec.shared else None
        self.branches = nn.ModuleList(Branch(spec, surface, tasks, draws) for surface in spec.surfaces)
        widths = ((*spec.expert, *spec.trunk)[-1], *spec.tower)
        fused = [len(self.places(features)) for features in fusion]
        self.towers = TreeTowers(draws, tasks, spec.surfaces, widths, fused)

    def places(self, features: Iterable[str]) -> Tensor:
        """int64: the columns of some features in the input row."""
        starts = dict(zip(self.columns, accumulate(self.columns.values(), initial=0), strict=False))
        columns = [starts[name] + column for name in features for column in range(self.columns[name])]
        return torch.tensor(columns, dtype=torch.int64)

    def first(self) -> tuple[Tensor, Tensor]:
        weights, biases = zip(*(branch.first() for branch in self.branches), *self._of_shared(), strict=True)
        weight, passed = torch.cat(weights, 1), len(self.passed)
        whole = weight.new_zeros(sum(self.columns.values()), weight.shape[1]).index_copy(0, self.inside, weight)
        through = weight.new_zeros(len(whole), passed)
        through[self.passed, torch.arange(passed, device=through.device)] = 1
        return torch.cat([whole, through], 1), torch.cat([*biases, weight.new_zeros(passed)])

    def represent(self, hidden: Tensor) -> Tensor:
        own, shared, passed = self._parts(hidden)

        def part(place: int, rows: Tensor | None) -> Tensor:
            return torch.cat([chosen(own[place], rows), chosen(shared, rows)], 1)

        return self._represented(part, passed)

    def represent_rows(self, x: Tensor) -> Tensor:
        inside = x.index_select(1, self.inside)

        def hidden(place: int, rows: Tensor | None) -> Tensor:
            weights, biases = zip(self.branches[place].first(), *self._of_shared(), strict=True)
            return torch.addmm(torch.cat(biases), chosen(inside, rows), torch.cat(weights, 1))

        return self._represented(hidden, x.index_select(1, self.passed))

    def _of_shared(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and constant of the shared experts' part of the first layer, if there are some."""
        return [(self.shared.weight, self.shared.bias)] if self.shared else []

    def _parts(self, hidden: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Of what the first layer gives, (B, H): the part of each surface, that of the shared experts, and the rest."""
        own = [branch.width for branch in self.branches]
        passed = len(self.passed)
        *parts, shared, rest = hidden.split([*own, hidden.shape[1] - sum(own) - passed, passed], 1)
        return parts, shared, rest

    def _marks(self, passed: Tensor) -> Tensor:
        """(B, S), or (B, 0) with one surface: the marks, which are passed last."""
        surfaces = len(self.branches)
        return passed[:, passed.shape[1] - (surfaces if surfaces > 1 else 0) :]

    def _represented(self, hidden: Callable[[int, Tensor | None], Tensor], passed: Tensor) -> Tensor:
        """(T, B, D): what the towers read.

        Args:
            hidden: from a surface's place and its rows to what the first layer gives them, its own part first.
            passed: (B, P), what passes the first layer.
        """

        def read(place: int, rows: Tensor | None) -> Tensor:
            return self.branches[place].read(hidden(place, rows), self.shared)

        of_surface = routed(self._marks(passed), read, 1)
        return torch.cat([of_surface, passed.expand(len(self.tasks), -1, -1)], 2)

    def gates(self, hidden: Tensor) -> dict[str, Tensor]:
        """Columns: the experts of the row's own surface, then the shared ones."""
        own, _, passed = self._parts(hidden)

        def shares(place: int, rows: Tensor | None) -> Tensor:
            return self.branches[place].shares(chosen(own[place], rows))

        return {"experts": routed(self._marks(passed), shares, 0)}

    @property
    def _experts(self) -> list[Experts]:
        """Those that all surfaces share, and those of each surface."""
        return [part for part in (self.shared, *(branch.private for branch in self.branches)) if part]

    def shared_parameters(self) -> list[nn.Parameter]:
        blocks = [*self._experts, *(branch.trunk for branch in self.branches)]
        return [parameter for block in blocks for parameter in block.parameters()]

    def last_shared(self) -> list[nn.Parameter]:
        trunks = [parameter for branch in self.branches for parameter in branch.trunk.last()]
        return trunks or [parameter for part in self._experts for parameter in part.last()]

    @property
    def column_macs(self) -> np.ndarray:
        """Of a row on one surface: its own part and the shared experts'; what only passes costs nothing."""
        found = np.zeros(sum(self.columns.values()), np.int64)
        found[self.inside.cpu().numpy()] = self.branches[0].width + sum(bias.numel() for _, bias in self._of_shared())
        return found

    @property
    def represent_macs(self) -> int:
        """Multiply-adds of a row on one surface."""
        branch = self.branches[0]
        deeper = sum(part.deeper.macs for part in (branch.private, self.shared) if part)
        return deeper + len(self.tasks) * (branch.experts * self.spec.expert[-1] + branch.trunk.macs)
