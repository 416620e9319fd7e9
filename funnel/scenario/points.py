"""What the rows of several points, of a sweep or of rounds, say at each, and where along an axis the verdict turns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from funnel import schema
from funnel.metrics.axes import Arm
from funnel.metrics.crossing import crossings
from funnel.metrics.intervals import t_interval
from funnel.metrics.multiplicity import bonferroni
from funnel.metrics.verdict import judge
from funnel.scenario.estimates import PRIMARY, Estimates, estimate
from funnel.scenario.spec import VerdictSpec
from funnel.scenario.sweep.spec import Value

SLICES = ("all", "friend", "other", "impressed", "unimpressed")
"""slices that a sweep's summary tells of; the rows have them all"""
LAW = ("correlation", "predicted_lost", "lost")
"""what the survival law is judged by: what it reads, what it says, and what was measured; all of the early stage"""


class PointNumbers:
    """The rows of one point."""

    def __init__(self, rows: pl.DataFrame, verdict: VerdictSpec, slices: Sequence[str] = SLICES):
        """
        Args:
            rows: `schema.POINT_ROWS` of one point. slices: those that are told of.
        """
        shown = rows.filter(pl.col("slice").is_in(slices)).drop("point")
        self.estimates = Estimates(shown, pl.DataFrame(schema=schema.REQUEST_ROWS))
        self.verdict = verdict
        self.arms = rows["arm"].unique(maintain_order=True).to_list()

    def arm(self, name: str) -> Arm:
        return Arm(name, *(self.estimates.by_seed(name, measure, stage) for measure, stage in PRIMARY))

    def worse(self) -> dict[str, np.ndarray]:
        """float64 (S,) an axis of the verdict: how much worse the proposal is than the reference."""
        proposal, reference = self.arm(self.verdict.proposal), self.arm(self.verdict.reference)
        return {"candidates": proposal.lost_against(reference), "value": proposal.forgone_against(reference)}

    def table(self) -> dict[str, Any]:
        """The verdict here, the estimates of every arm, how it stands against the reference, and the survival law."""
        verdict = self.verdict
        proposal, reference, baseline = (self.arm(name) for name in verdict.roles.values())
        return {
            "verdict": judge(proposal, reference, baseline, verdict.margin.lost, verdict.margin.value).table(),
            "estimates": {arm: self.estimates.of(arm) for arm in self.arms},
            "against_reference": {arm: self._against(arm) for arm in self.arms if arm != verdict.reference},
            "law": {arm: self._law(arm) for arm in (verdict.proposal, verdict.reference)},
        }

    def _against(self, arm: str) -> dict[str, Any]:
        reference = self.arm(self.verdict.reference)
        return {
            "lost": estimate(self.arm(arm).lost_against(reference)),
            "value": estimate(self.estimates.relative_value(arm, reference.name)),
        }

    def _law(self, arm: str) -> dict[str, Any]:
        return {measure: estimate(self.estimates.by_seed(arm, measure, "early")) for measure in LAW}


def turning(places: np.ndarray, worse: np.ndarray, margin: float) -> dict[str, Any]:
    """Where along a numeric axis the proposal's loss passes the margin.

    Args:
        places: float64 (P,), the axis, in any order. worse: float64 (P, S), the loss by point and seed.

    Returns:
        `place`: value, low, high, n; None unless every seed passes the margin once, all in one direction. `seeds`: the
        place in each, None where it stays on one side or passes more than once. `above`: in how many seeds the loss
        starts above, from the least place on. `often`: how many seeds pass more than once.
    """
    order = np.argsort(places, kind="stable")
    passed = [crossings(places[order], seed, margin) for seed in worse[order].T]
    above = int((worse[order[0]] >= margin).sum())
    seeds = [found[0] if len(found) == 1 else None for found in passed]
    one_way = None not in seeds and above in (0, len(seeds))
    return {
        "place": _place(np.array(seeds), places) if one_way else None,
        "seeds": seeds,
        "above": above,
        "often": sum(len(found) > 1 for found in passed),
    }


def _place(found: np.ndarray, places: np.ndarray) -> dict[str, Any]:
    """The t interval of the places over seeds, of their logarithms where the axis is positive."""
    if not (places > 0).all():
        return estimate(found)
    interval = t_interval(np.log(found))
    ends = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: None if end is None else float(np.exp(end)) for name, end in ends.items()} | {"n": interval.n}


def best_of(labels: Sequence[Value], values: np.ndarray) -> dict[str, Any]:
    """Where an arm's slate is worth most.

    The best of P points is known only afterwards, so it is held against the others at the level of Bonferroni for all
    pairs of points.

    Args:
        labels: of the points. values: float64 (P, S), true value of the slate by point and seed, in the same worlds.

    Returns:
        `at`: the label with the greatest mean. `rivals`: labels whose paired difference to it does not leave out zero.
    """
    best = int(values.mean(1).argmax())
    level = bonferroni(len(values) * (len(values) - 1) // 2)
    differences = [t_interval(values[best] - other, level) for other in values]
    rivals = [
        label
        for place, (label, difference) in enumerate(zip(labels, differences, strict=True))
        if place != best and not (difference.low is not None and difference.low > 0)
    ]
    return {"at": labels[best], "rivals": rivals}
