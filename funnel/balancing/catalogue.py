"""From a balancer's spec to the balancer."""

from collections.abc import Sequence

from funnel.balancing.base import Weigher
from funnel.balancing.spec import BalancerSpec, StaticSpec
from funnel.balancing.static import Static


def make(spec: BalancerSpec, tasks: Sequence[str], kinds: Sequence[str], seed: int) -> Weigher:
    """A balancer at the start of a fit.

    Args:
        tasks: T names, in the order of the losses.
        kinds: label kind of each.
        seed: of its draws, if it draws.
    """
    assert isinstance(spec, StaticSpec)
    return Static(tasks, spec.weights)
