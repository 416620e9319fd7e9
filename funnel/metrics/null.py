"""False alarms: how often an interval leaves out zero, and a verdict claims something, where no arm should differ.

Between arms that are the same but for luck, 5 % of the 95 % intervals should leave out zero. One arm is not the same in
what it judges: its late stage says what every arm has lost, and against it its own early stage does better than another
training of the same funnel. So what it judges is not counted in pairs with it.
"""

from itertools import combinations
from typing import Any

import numpy as np

from funnel.metrics.axes import Arm, candidates_axis, value_axis
from funnel.metrics.intervals import quantile, t_interval


def false_alarms(
    values: np.ndarray,
    primary: np.ndarray,
    arms: list[Arm],
    margin_lost: float,
    margin_value: float,
    judged: np.ndarray,
    judge: str,
) -> dict[str, Any]:
    """Counts over all pairs of arms.

    Args:
        values: float64 (A, M, S): M measures of A arms under S seeds; nan where unknown.
        primary: bool (M,): the measures that the verdict is made of.
        arms: the same arms, for verdicts of each on each other (ordered pairs).
        judged: bool (M,): the measures that one of the arms is the judge of. judge: its name.

    Returns:
        `pairs`, `intervals`, `off_zero`, `rate`, `primary` (the last three of the primary measures alone), `verdicts`
        (ordered pairs by outcome) and `sentence`.
    """
    home = np.array([judge in (one.name, other.name) for one, other in combinations(arms, 2)], bool)
    off, spread = (found & ~(home[:, None] & judged) for found in _off_zero(values))
    every, named = _counted(off, spread), _counted(off[:, primary], spread[:, primary])
    found = {
        "pairs": len(off),
        **every,
        "primary": named,
        "verdicts": _verdicts(arms, margin_lost, margin_value, judge),
    }
    return found | {"sentence": _sentence(found, len(arms), values.shape[2], judge)}


def _off_zero(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool (P, M) each, of P pairs: the interval leaves out zero; there is one, since the difference has a spread."""
    seeds = values.shape[2]
    pairs = np.array(list(combinations(range(len(values)), 2)), int).reshape(-1, 2)
    difference = values[pairs[:, 0]] - values[pairs[:, 1]]
    if seeds < 2:
        return np.zeros(difference.shape[:2], bool), np.zeros(difference.shape[:2], bool)
    sd = difference.std(axis=2, ddof=1)
    spread = sd > 0  # of nan this is False
    return spread & (np.abs(difference.mean(axis=2)) > quantile(seeds) * sd / np.sqrt(seeds)), spread


def _counted(off: np.ndarray, spread: np.ndarray) -> dict[str, Any]:
    intervals, missed = int(spread.sum()), int(off.sum())
    return {"intervals": intervals, "off_zero": missed, "rate": missed / intervals if intervals else None}


def _verdicts(arms: list[Arm], margin_lost: float, margin_value: float, judge: str) -> dict[str, int]:
    counts = dict.fromkeys(("pairs", "lost", "not lost", "candidates undecided"), 0)
    counts |= dict.fromkeys(("forgone", "equivalent", "gained", "value undecided"), 0)
    for arm in arms:
        for other in arms:
            if arm is not other:
                candidates = candidates_axis(t_interval(arm.lost_against(other)), margin_lost).outcome
                value = value_axis(t_interval(arm.forgone_against(other)), margin_value).outcome
                counts["pairs"] += 1
                if judge not in (arm.name, other.name):
                    counts["candidates undecided" if candidates == "undecided" else candidates] += 1
                counts["value undecided" if value == "undecided" else value] += 1
    return counts


def _sentence(found: dict[str, Any], arms: int, seeds: int, judge: str) -> str:
    if found["rate"] is None:
        why = "one seed gives no interval" if seeds < 2 else "no two arms differ in any measure"
        return f"No arm of this scenario should differ from another; {why}, so nothing can be counted."
    primary, verdicts = found["primary"], found["verdicts"]
    named = f"{primary['off_zero']} of {primary['intervals']}"
    return (
        f"No arm of this scenario should differ from another, so 5 % of the 95 % intervals should leave out zero: "
        f"{found['off_zero']} of {found['intervals']} do ({100 * found['rate']:.1f} %), of the two measures of the "
        f"verdict {named}. Of {verdicts['pairs']} verdicts between its {arms} arms {verdicts['lost']} would claim lost "
        f"candidates, {verdicts['forgone']} value forgone and {verdicts['gained']} value gained. What `{judge}` "
        f"judges is not counted in pairs with it, where it has an advantage. The intervals share "
        f"arms, worlds and requests, so they come out together: the rate is known far less well than their number says."
    )
