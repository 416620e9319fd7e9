"""Intervals: t over seeds, and a bootstrap over requests inside seeds.

The seed is the unit of analysis: one seed is one world, one training run and one draw of requests, so values are
averaged within a seed first. Nominal 95 % intervals over five seeds cover 71 % when users are pooled, 84 % for a
bootstrap over seeds and 96 % for the t interval on per-seed values; so the t interval judges, and the bootstrap stands
beside it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from funnel.rng import stream

LEVEL = 0.95
"""confidence level of every interval that is not corrected for the number of arms"""
DRAWS = 1000
"""bootstrap replicates"""


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its interval; low and high are None where n is 1 and a spread over worlds is unknown."""

    value: float
    low: float | None
    high: float | None
    n: int
    sd: float | None
    """standard deviation between seeds"""
    level: float = LEVEL
    """confidence level"""


def t_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """Student's t interval of the mean of independent values, one a seed.

    Args:
        values: float64 (S,), S at least 1. For a difference of two arms give the differences by seed: arms share
            worlds, so what a world does to both drops out.
    """
    values = np.asarray(values, np.float64)
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return Interval(mean, None, None, 1, None, level)
    sd = float(np.std(values, ddof=1))
    half = half_width(sd, n, level)
    return Interval(mean, mean - half, mean + half, n, sd, level)


def half_width(sd: float, n: int, level: float = LEVEL) -> float:
    """Half the t interval of n values (at least 2) with standard deviation `sd`."""
    return float(quantile(n, level) * sd / np.sqrt(n))


@cache
def quantile(n: int, level: float = LEVEL) -> float:
    """How many standard errors half the t interval of n values is wide; kept, since a run asks for few of them."""
    return float(stats.t.ppf((1 + level) / 2, n - 1))


def welch(values: np.ndarray, others: np.ndarray) -> Interval:
    """The interval of mean(values) - mean(others), independent of each other and of unequal spread.

    Welch's statistic with Satterthwaite's degrees of freedom (Welch, Biometrika 1947). `n` is the lesser of both
    counts, and `sd` is None, since no one spread stands behind the difference.

    Args:
        values, others: float64, one a seed, at least 1 each.
    """
    samples = [np.asarray(sample, np.float64) for sample in (values, others)]
    n, difference = min(map(len, samples)), float(samples[0].mean() - samples[1].mean())
    if n == 1:
        return Interval(difference, None, None, 1, None)
    errors = [sample.var(ddof=1) / len(sample) for sample in samples]
    total = sum(errors)
    if total == 0:
        return Interval(difference, difference, difference, n, None)
    shares = [error / total for error in errors]
    freedom = 1 / sum(share**2 / (len(sample) - 1) for share, sample in zip(shares, samples, strict=True))
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(total))
    return Interval(difference, difference - half, difference + half, n, None)


def bootstrap(
    numerators: list[np.ndarray], denominators: list[np.ndarray], seed: int, draws: int = DRAWS
) -> np.ndarray:
    """Replicates of M ratio measures under a hierarchical bootstrap: seeds are resampled, then requests inside each.

    With one seed it is the plain bootstrap over requests and speaks of that one world only. All columns share the
    resampled requests, so differences of replicates are paired.

    Args:
        numerators, denominators: one float64 (R_s, M) a seed; column m has value sum numerator / sum denominator.
        seed: seed of the resampling stream.

    Returns:
        float64 (draws, M): mean over the resampled seeds of the ratio in each; nan where a denominator came out 0.
    """
    generator = stream(seed, "metrics", "bootstrap")
    worlds = len(numerators)
    picked = generator.integers(worlds, size=(draws, worlds))
    replicates = np.empty((draws, worlds, numerators[0].shape[1]))
    for world, (above, below) in enumerate(zip(numerators, denominators, strict=True)):
        where = np.nonzero(picked == world)
        requests = len(above)
        even = np.full(requests, 1 / requests)
        weights = generator.multinomial(requests, even, size=len(where[0])).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            replicates[where] = (weights @ above) / (weights @ below)
    return replicates.mean(axis=1)


def percentiles(replicates: np.ndarray) -> tuple[float, float] | None:
    """The interval between the tails of the replicates (draws,); None where a replicate is undefined."""
    if not np.isfinite(replicates).all():
        return None
    low, high = np.quantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
