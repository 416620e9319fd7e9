"""Gradient surgery: the gradients of T tasks on the shared parameters become one direction, by the rules of TorchJD.

All rules are weighted sums of the gradients. Two things are ours. A task that is absent from the batch takes no part:
its gradient is zero, and rules that look for the worst task would stand still. And every direction is stretched to the
norm of the plain sum of the gradients, because the rules as published differ in norm by a factor of a hundred, which
would be a comparison of learning rates; a direction that vanishes, where no step serves all tasks, stays zero.
"""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchjd import aggregation

from funnel.balancing.base import Surgeon
from funnel.balancing.spec import (
    AlignedMTLSpec,
    CAGradSpec,
    IMTLGSpec,
    MGDASpec,
    NashMTLSpec,
    PCGradSpec,
    SurgerySpec,
    UPGradSpec,
)
from funnel.errors import SpecError
from funnel.rng import seed_of

VANISHED = 1e-6
"""norm of a direction, in norms of the plain sum's terms, under which it is rounding and no direction"""


class Stretched(Surgeon):
    """A published rule, at the norm of the plain sum and among the tasks that are there."""

    @abstractmethod
    def rule(self, gramian: Tensor, present: tuple[int, ...]) -> Tensor:
        """(T',): the published weights, from all that the rules read: the inner products of the gradients.

        Args:
            gramian: float64 (T', T'), of the gradients of the tasks of the columns `present`, two at least.
        """

    def weights(self, gradients: Tensor, present: Tensor) -> Tensor:
        weights = present.to(gradients.dtype)
        chosen = tuple(present.nonzero().flatten().tolist())
        if len(chosen) < 2:
            return weights
        # In double precision, since inner products square the condition of the problem.
        rows = (gradients if len(chosen) == len(gradients) else gradients[list(chosen)]).double()
        gramian = rows @ rows.T
        found = self.rule(gramian, chosen)
        length = (found @ gramian @ found).clamp(min=0).sqrt()
        terms = (found.abs() * gramian.diagonal().sqrt()).sum()
        scale = gramian.sum().clamp(min=0).sqrt() / length if length > VANISHED * terms else torch.zeros_like(length)
        weights[list(chosen)] = (found * scale).to(weights.dtype)
        return weights


class Plain(Stretched):
    """A rule of the library as it is."""

    def __init__(self, weighting: Callable[[Tensor], Tensor]):
        self.weighting = weighting

    def rule(self, gramian: Tensor, present: tuple[int, ...]) -> Tensor:
        return self.weighting(gramian)


class PCGrad(Stretched):
    """PCGrad (Yu et al., NeurIPS 2020), with the order of the tasks drawn from a named stream.

    The library draws it from the global generator, which is lent to it in a state of ours and then put back.
    """

    def __init__(self, seed: int):
        self.seed, self.step = seed, 0
        self.weighting = aggregation.PCGradWeighting()

    def rule(self, gramian: Tensor, present: tuple[int, ...]) -> Tensor:
        own = torch.Generator().manual_seed(seed_of(self.seed, "pcgrad", self.step))
        self.step += 1
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(own.get_state())
            return self.weighting(gramian)


class IMTLG(Stretched):
    """IMTL-G (Liu et al., ICLR 2021): of the two directions with equal projections on all gradients, that downhill.

    The paper has the weights sum to one, which turns the direction uphill for every task where they would sum to less
    than nothing, as with a faint task between two loud ones.
    """

    def __init__(self):
        self.weighting = aggregation.IMTLGWeighting()

    def rule(self, gramian: Tensor, present: tuple[int, ...]) -> Tensor:
        found = self.weighting(gramian)
        return found * torch.sign((gramian @ found).sum())


class NashMTL(Stretched):
    """Nash-MTL (Navon et al., ICML 2022): weights a with G a = 1 / a, G the inner products of the gradients.

    The library's solver stops short where norms differ by tens, so it is given vectors of unit length with the angles
    of the gradients, whose weights are those of the gradients times their norms. It starts from its weights for the
    last batch that had the same tasks.
    """

    def __init__(self):
        self._bargain(2)  # tells now, and not at the first batch, when its solver is missing
        self._bargains: dict[tuple[int, ...], Callable[[Tensor], Tensor]] = {}

    def rule(self, gramian: Tensor, present: tuple[int, ...]) -> Tensor:
        if present not in self._bargains:
            self._bargains[present] = self._bargain(len(present))
        norms = gramian.diagonal().sqrt().clamp(min=torch.finfo(gramian.dtype).tiny)
        values, vectors = torch.linalg.eigh(gramian / norms / norms[:, None])
        units = vectors * values.clamp(min=0).sqrt()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of its solver, about speed
            return self._bargains[present](units) / norms

    def _bargain(self, tasks: int) -> Callable[[Tensor], Tensor]:
        # The norm is set afterwards, so the library's clipping is switched off.
        return aggregation.NashMTL(n_tasks=tasks, max_norm=0.0).weighting


RULES: dict[type[SurgerySpec], Callable[[Any, int], Surgeon]] = {
    PCGradSpec: lambda spec, seed: PCGrad(seed),
    MGDASpec: lambda spec, seed: Plain(aggregation.MGDAWeighting()),
    CAGradSpec: lambda spec, seed: Plain(aggregation.CAGradWeighting(c=spec.c)),
    NashMTLSpec: lambda spec, seed: NashMTL(),
    IMTLGSpec: lambda spec, seed: IMTLG(),
    AlignedMTLSpec: lambda spec, seed: Plain(aggregation.AlignedMTLWeighting()),
    UPGradSpec: lambda spec, seed: Plain(aggregation.UPGradWeighting()),
}


def surgeon(spec: SurgerySpec, seed: int) -> Surgeon:
    """The surgeon of a spec.

    Raises:
        SpecError: its solver is not installed.
    """
    try:
        return RULES[type(spec)](spec, seed)
    except ImportError as error:
        raise SpecError(
            f"balancer `{spec.table()['kind']}`: should find its solver. Found none: {error}. "
            "Install it: pip install 'funnel[surgery]'."
        ) from error
