"""How far a funnel is from its targets, in one number, and the scale on which measures move."""

from collections.abc import Mapping, Sequence
from math import exp, inf, log, sqrt

from scipy.special import expit, logit

from funnel.calibrate.targets import Target

TINY = 1e-6
"""a share or a rate is held this far from 0 and 1, where its logit would not be finite"""

Values = Mapping[str, float | None]


def loss(targets: Sequence[Target], found: Values) -> float:
    """Sum over targets of sqrt(1 + r^2) - 1, where r is how far the measure is off in tolerances.

    About r^2 / 2 inside the tolerance and |r| far outside (the pseudo-Huber loss), so a target that cannot be reached
    pulls no harder than one that can. It is not 0 inside: of two funnels that meet everything the one nearer the middle
    is better, since another world will move it. Infinite where a measure has no value.
    """
    return sum(_one(target, found.get(target.key)) for target in targets)


def _one(target: Target, value: float | None) -> float:
    return inf if value is None else sqrt(1 + target.residual(value) ** 2) - 1


def met(target: Target, found: Values) -> bool:
    """Whether the measure is within the target's tolerance."""
    value = found.get(target.key)
    return value is not None and abs(target.residual(value)) <= 1


def linear(target: Target, value: float) -> float:
    """A measure on the scale on which effects add up: the logit of what lies between 0 and 1, else the logarithm."""
    return float(logit(min(max(value, TINY), 1 - TINY)) if target.bounded else log(max(value, TINY)))


def value_of(target: Target, z: float) -> float:
    """The value of a measure on that scale."""
    return float(expit(z)) if target.bounded else exp(z)
