"""The response surface: from what trials measured, which setting of the knobs to try next.

Near the best setting each measure is taken to be linear in the knobs, on the scale where it is closest to it (logits
of shares and rates, logs elsewhere; knobs as parts of their range). Slopes are estimated by Bayesian linear regression
on all trials, the nearer ones weighing more; a knob that is not said to move a target is given a small slope
beforehand, so that few trials tell much. The next trials are where the surfaces promise the least loss within some
distance: steps of a Gauss-Newton method with a trust region, whose derivatives come from trials (Box and Wilson,
J. Royal Statistical Society B, 1951; Conn, Gould and Toint, Trust-Region Methods, 2000).

A search that sees nothing but the loss needs far more trials (docs/calibrate.md has the figures).
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from funnel.calibrate.knobs import Knob
from funnel.calibrate.loss import value_of
from funnel.calibrate.resolve import Knobs
from funnel.calibrate.targets import Target

STEP = 0.15
"""part of its range by which a knob is turned alone, to see what it moves: beyond the noise of a trial, and not so far
that no line fits"""
REACHES = (0.06, 0.15, 0.35)
"""parts of every knob's range within which the next settings are looked for: a safe step, a bold one and one between"""
NEAR = 0.25
"""distance from the best setting at which a trial weighs half"""
NOISES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""sd of a trial around a line, on the scale of the surface: that which explains a target's trials best is taken"""
NAMED, OTHER = 3.0, 1.0
"""sd of the slopes beforehand: of the knobs that are said to move a target, and of the others"""


def alone(knobs: Sequence[Knob], start: Knobs) -> list[Knobs]:
    """The start with one knob turned at a time, each to where its range has more room."""
    settings = []
    for knob in knobs:
        at = knob.part(start[knob.path])
        settings.append({**start, knob.path: knob.at(at + STEP if at <= 0.5 else at - STEP)})
    return settings


def proposals(
    knobs: Sequence[Knob], targets: Sequence[Target], tried: Sequence[Knobs], found: np.ndarray, best: int
) -> list[Knobs]:
    """Settings to try next, one for each reach, those tried before left out.

    Args:
        tried: n settings. found: float64 (n, T): what each measured, on the scale of the surface.
        best: the place of the setting of least loss.
    """
    at = np.array([[knob.part(setting[knob.path]) for knob in knobs] for setting in tried])
    level, slopes = _lines(knobs, targets, at - at[best], found - found[best])
    settings: list[Knobs] = []
    for reach in REACHES:
        part = _least(targets, at[best], found[best] + level, slopes, reach)
        setting = {knob.path: knob.at(where) for knob, where in zip(knobs, part, strict=True)}
        if setting not in [*tried, *settings]:
            settings.append(setting)
    return settings


def _lines(
    knobs: Sequence[Knob], targets: Sequence[Target], away: np.ndarray, change: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each target how far the best trial is off its line, float64 (T,), and the slopes, float64 (T, K).

    Args:
        away: float64 (n, K), how far trials are from the best one. change: float64 (n, T), what changed there.
    """
    near = 1 / (1 + (np.linalg.norm(away, axis=1) / NEAR) ** 4)
    columns = np.column_stack([np.ones(len(away)), away])
    found = [
        _line(
            columns,
            change[:, place],
            near,
            np.array([NAMED if knob.moves_target(target.key) else OTHER for knob in knobs]),
        )
        for place, target in enumerate(targets)
    ]
    return np.array([line[0] for line in found]), np.array([line[1:] for line in found])


def _line(columns: np.ndarray, change: np.ndarray, near: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """float64 (1 + K,): level and slopes, under the noise that makes the changes most likely."""
    found = [_posterior(columns, change, noise**2 / near, np.append(noise, prior)) for noise in NOISES]
    return max(found, key=lambda one: one[0])[1]


def _posterior(
    columns: np.ndarray, change: np.ndarray, noise: np.ndarray, prior: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log evidence and mean of a Bayesian linear regression; `noise` are variances (n,), `prior` sds (1 + K,)."""
    spread = (columns * prior**2) @ columns.T + np.diag(noise)
    solved = np.linalg.solve(spread, change)
    evidence = -(change @ solved + np.linalg.slogdet(spread)[1]) / 2
    return float(evidence), prior**2 * (columns.T @ solved)


def _least(
    targets: Sequence[Target], best: np.ndarray, found: np.ndarray, slopes: np.ndarray, reach: float
) -> np.ndarray:
    """float64 (K,): where the surfaces promise the least loss, no knob farther than `reach` from the best setting."""

    def residuals(at: np.ndarray) -> np.ndarray:
        values = found + slopes @ (at - best)
        return np.array([target.residual(value_of(target, z)) for target, z in zip(targets, values, strict=True)])

    low, high = np.maximum(best - reach, -1e-9), np.minimum(best + reach, 1 + 1e-9)
    return least_squares(residuals, np.clip(best, low, high), bounds=(low, high), loss="soft_l1").x
