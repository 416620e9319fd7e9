"""Many arms held against one reference: what may be said of each when so many are asked.

With thirty arms, one 95 % interval in twenty leaves out zero by luck. So intervals are taken at the level of Bonferroni
(the chance that any of them misses is then at most 5 %), and p values are adjusted by Holm's step-down procedure
(Scandinavian Journal of Statistics 6, 1979), which asks no less than 5 % of the family and takes nothing for granted
about how the arms hang together. Each axis is a family of its own.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy import stats

from funnel.metrics.axes import Arm, Axis, candidates_axis, value_axis
from funnel.metrics.intervals import LEVEL, t_interval


def judgements(
    arms: Sequence[Arm], reference: Arm, margin_lost: float, margin_value: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Both axes of every arm against the reference, by arm, corrected for the number of arms.

    Args:
        arms: all but the reference.

    Returns:
        By arm `candidates` and `value`: the fields of `Axis`, and `p`, the adjusted p value of no difference at all.
    """
    lost = [arm.lost_against(reference) for arm in arms]
    forgone = [arm.forgone_against(reference) for arm in arms]
    level = bonferroni(len(arms))
    candidates = _with_p([candidates_axis(t_interval(values, level), margin_lost) for values in lost], lost)
    value = _with_p([value_axis(t_interval(values, level), margin_value) for values in forgone], forgone)
    return {arm.name: {"candidates": candidates[place], "value": value[place]} for place, arm in enumerate(arms)}


def bonferroni(comparisons: int) -> float:
    """The level of each of so many intervals at which all of them hold together with probability LEVEL at least."""
    return 1 - (1 - LEVEL) / max(comparisons, 1)


def holm(p: Sequence[float]) -> np.ndarray:
    """float64 (m,): p values adjusted by Holm's procedure, each at most 1 and rising with p."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    found = np.empty(len(values))
    found[order] = np.minimum(adjusted, 1.0)
    return found


def p_value(differences: np.ndarray) -> float | None:
    """Two-sided p value of the paired t test that the mean difference (one a seed) is zero; None with one seed.

    Differences without any spread are either all zero, which is no evidence, or all the same, which t takes for proof.
    """
    n, spread = len(differences), np.std(differences, ddof=1) if len(differences) > 1 else 0.0
    if n < 2:
        return None
    if spread == 0:
        return float(not differences.any())
    t = float(np.mean(differences) / (spread / np.sqrt(n)))
    return float(2 * stats.t.sf(abs(t), n - 1))


def _with_p(axes: list[Axis], differences: list[np.ndarray]) -> list[dict[str, Any]]:
    p = [p_value(values) for values in differences]
    known = [value for value in p if value is not None]  # all of them or, with one seed, none
    adjusted = holm(known).tolist() if known else p
    return [asdict(axis) | {"p": value} for axis, value in zip(axes, adjusted, strict=True)]
