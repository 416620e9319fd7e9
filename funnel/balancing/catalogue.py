"""From a balancer's spec to the balancer."""

from collections.abc import Callable, Sequence
from typing import Any

from funnel.balancing.base import Surgeon, Weigher
from funnel.balancing.dwa import DWA
from funnel.balancing.gradnorm import GradNorm
from funnel.balancing.spec import BalancerSpec, DWASpec, GradNormSpec, StaticSpec, SurgerySpec, UncertaintySpec
from funnel.balancing.static import Static
from funnel.balancing.uncertainty import Uncertainty

WEIGHERS: dict[type, Callable[[Any, Sequence[str], Sequence[str]], Weigher]] = {
    StaticSpec: lambda spec, tasks, kinds: Static(tasks, spec.weights),
    UncertaintySpec: lambda spec, tasks, kinds: Uncertainty(kinds),
    GradNormSpec: lambda spec, tasks, kinds: GradNorm(len(tasks), spec.alpha, spec.rate),
    DWASpec: lambda spec, tasks, kinds: DWA(len(tasks), spec.temperature),
}


def make(spec: BalancerSpec, tasks: Sequence[str], kinds: Sequence[str], seed: int) -> Weigher | Surgeon:
    """A balancer at the start of a fit.

    Args:
        tasks: T names, in the order of the losses.
        kinds: label kind of each.
        seed: of its draws, if it draws.

    Raises:
        SpecError: a solver that it needs is not installed.
    """
    if isinstance(spec, SurgerySpec):
        from funnel.balancing.surgery import surgeon  # it loads solvers, some of which are slow to load

        return surgeon(spec, seed)
    return WEIGHERS[type(spec)](spec, tasks, kinds)
