"""The curves over other budgets of the early stage, and the budget at which the proposal is worth the reference."""

from typing import Any

import numpy as np
import polars as pl

from funnel.metrics.crossing import crossings
from funnel.metrics.intervals import t_interval
from funnel.scenario.estimates import estimate


def curves(curve: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """By arm, from the smallest budget up: `keep`, and the estimates `lost` and `value`.

    Args:
        curve: `schema.KEEP_CURVE`.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for (arm, keep), seeds in curve.group_by("arm", "keep", maintain_order=True):
        measured = {measure: estimate(seeds[measure].to_numpy()) for measure in ("lost", "value")}
        found.setdefault(arm, []).append({"keep": keep, **measured})
    return found


def equal_keep(curve: pl.DataFrame, worth: np.ndarray, proposal: str, reference: str, own: int) -> dict[str, Any]:
    """Where the proposal's curve first reaches the value of the reference.

    Within a seed the budget is interpolated between the two of the curve that enclose it, linearly in its logarithm;
    the interval is a t interval of the logarithms over seeds.

    Args:
        curve: `schema.KEEP_CURVE`. worth: float64 (S,), value of the reference's slate at its own budget `own`.

    Returns:
        `keep`: value, low, high, n; None where the curve of some seed stays below, or is there at its smallest budget,
        which only says that the budget is no larger. `sentence` says which.
    """
    tried = curve.filter(pl.col("arm") == proposal)
    seeds = [_points(seed) for seed in tried.partition_by("seed", maintain_order=True)]
    pairs = list(zip(seeds, worth, strict=True))
    short = sum(bool((values < aim).all()) for (_, values), aim in pairs)
    early = sum(bool(values[0] >= aim) for (_, values), aim in pairs)
    keeps = tried["keep"].to_list()
    if short:
        told = _not_reached(short, len(pairs), max(keeps), proposal, reference, own)
        return {"keep": None, "sentence": told}
    if early:
        told = _already(early, len(pairs), min(keeps), proposal, reference, own)
        return {"keep": None, "sentence": told}
    found = t_interval(np.log([crossings(*points, aim)[0] for points, aim in pairs]))
    low, high = (None if end is None else float(np.exp(end)) for end in (found.low, found.high))
    keep = {"value": float(np.exp(found.value)), "low": low, "high": high, "n": found.n}
    return {"keep": keep, "sentence": _reached(keep, proposal, reference, own)}


def _points(seed: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    ordered = seed.sort("keep")
    return ordered["keep"].to_numpy().astype(np.float64), ordered["value"].to_numpy()


def _reached(keep: dict[str, Any], proposal: str, reference: str, own: int) -> str:
    ends = "no interval from one seed"
    if keep["low"] is not None:
        ends = f"95 % interval {keep['low']:.0f} to {keep['high']:.0f}, {keep['n']} seeds"
    return (
        f"The slate of `{proposal}` is worth that of `{reference}`, whose early stage keeps {own}, when its own keeps "
        f"{keep['value']:.0f} ({ends}); nothing is trained anew for it."
    )


def _not_reached(short: int, seeds: int, most: int, proposal: str, reference: str, own: int) -> str:
    return (
        f"Up to an early stage that keeps {most}, the slate of `{proposal}` stays {_where(short, seeds)} below what "
        f"that of `{reference}` is worth, whose early stage keeps {own}; nothing is trained anew for it."
    )


def _already(early: int, seeds: int, least: int, proposal: str, reference: str, own: int) -> str:
    budget = f"{least} or fewer" if early == seeds else f"at most {least} {_where(early, seeds)}"
    already = "already at the smallest budget tried, " if early == seeds else ""
    return (
        f"The slate of `{proposal}` is worth that of `{reference}`, whose early stage keeps {own}, {already}when its "
        f"own keeps {budget}, so that budget has no interval; nothing is trained anew for it."
    )


def _where(some: int, seeds: int) -> str:
    return "in the one seed" if seeds == 1 else f"in {some} of {seeds} seeds"
