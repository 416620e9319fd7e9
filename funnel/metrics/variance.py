"""Where the spread of a number comes from: the world that was drawn, the training run, the requests that were asked.

The three are nested: each seed has a world of its own, each world may be trained in more than once (arms that differ by
`replica` alone, here *twins*), and each arm is examined on a sample of requests, the same for all arms of the seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """Variances, not standard deviations; None where the run cannot tell them."""

    world: float | None
    training: float | None
    requests: float
    note: str


def components(values: np.ndarray, influence: Sequence[np.ndarray]) -> Components:
    """Estimates of the three variances by the method of moments.

    The requests' part is that of a ratio of sums over independent requests, linearised. Of twins it is told apart into
    what they share (the same requests are hard for both) and what they do not: the shared part would otherwise count
    as the world's, the rest as training's. Training is the mean square within seeds less the requests' unshared part,
    after what a twin has on the others in every seed: the reference is the judge of lost candidates, and its own twin
    has an advantage there that is no spread. World is what is left of the spread of seed means. An estimate below zero
    is told as zero.

    Args:
        values: float64 (S, J), of J twins under each of S seeds.
        influence: one float64 (R, J) a seed: what each request adds to the deviation of each twin's value.
    """
    seeds, twins = values.shape
    covariances = [_covariance(found) for found in influence]
    requests = float(np.mean([np.trace(found) / twins for found in covariances]))
    shared = requests if twins == 1 else float(np.mean([_off_diagonal(found) for found in covariances]))
    within = _within(values) if twins > 1 else 0.0
    world = float(values.mean(axis=1).var(ddof=1)) - within / twins - shared if seeds > 1 else None
    training = within - (requests - shared) if twins > 1 else None
    return Components(_floored(world), _floored(training), requests, _note(seeds, twins, world, training))


def influence(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """float64 (R,): what each request adds to the deviation of sum numerator / sum denominator from its expectation."""
    below = denominator.sum()
    return (numerator - denominator * (numerator.sum() / below)) / below


def _within(values: np.ndarray) -> float:
    """Mean square of values (S, J) about the means of their seeds and twins; of the seed alone where there is one."""
    seeds = len(values)
    if seeds == 1:
        return float(values.var(axis=1, ddof=1)[0])
    residual = values - values.mean(axis=0)
    return float(residual.var(axis=1, ddof=1).mean()) * seeds / (seeds - 1)


def _covariance(found: np.ndarray) -> np.ndarray:
    """float64 (J, J): covariance of the twins' values over samples of requests."""
    requests = len(found)
    return np.atleast_2d(np.cov(found, rowvar=False)) * requests


def _off_diagonal(matrix: np.ndarray) -> float:
    twins = len(matrix)
    return (matrix.sum() - np.trace(matrix)) / (twins * (twins - 1))


def _floored(variance: float | None) -> float | None:
    return None if variance is None else max(variance, 0.0)


def _note(seeds: int, twins: int, world: float | None, training: float | None) -> str:
    found = []
    if seeds == 1:
        found.append("One seed is one world, so the spread between worlds is unknown.")
    if twins == 1:
        where = " The world's part holds it." if seeds > 1 else ""
        found.append(f"No two arms differ by `replica` alone, so the part of training cannot be told.{where}")
    below = [name for name, variance in (("world", world), ("training", training)) if (variance or 0) < 0]
    if below:
        found.append(f"The estimate of {' and '.join(below)} came out below zero and is told as zero.")
    return " ".join(found)
