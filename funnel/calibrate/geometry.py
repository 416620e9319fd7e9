"""The budgets of a real funnel, set in a base: how many are retrieved, how many each stage keeps."""

import numpy as np

from funnel.calibrate.spec import GeometrySpec
from funnel.patch import Table, merge


def shaped(funnel: Table, geometry: GeometrySpec) -> Table:
    """The funnel, a table with every field spelt out, with these budgets; what is not said stays."""
    keeps = {stage: {"keep": keep} for stage in ("early", "late") if (keep := getattr(geometry, stage))}
    sources = funnel["retrieval"]["sources"]
    budgets = _scaled([source["budget"] for source in sources.values()], geometry.retrieved)
    patch = {name: {"budget": budget} for name, budget in zip(sources, budgets, strict=True)}
    return merge(funnel, {"stages": keeps, "retrieval": {"sources": patch}})


def _scaled(budgets: list[int], total: int | None) -> list[int]:
    """Whole budgets in the same proportions that add up to `total`: the greatest remainders are rounded up."""
    if total is None:
        return budgets
    exact = np.array(budgets) * total / sum(budgets)
    whole = np.floor(exact).astype(int)
    up = np.argsort(whole - exact, kind="stable")[: total - whole.sum()]
    whole[up] += 1
    return whole.tolist()
