"""Do the stages agree: overlap of the early and the late ranking, penetration, and how much each stage keeps."""

from itertools import pairwise

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count
from funnel.metrics.slices import Slices, survivors
from funnel.metrics.value import best


def overlap(ledger: Ledger) -> list[Ratio]:
    """Overlap@K: common items of the early and the late top K of the same candidates, over K.

    On impressed candidates (the slate) K is half the slate; on unimpressed ones (the rest of the pool) K is the early
    budget. The unimpressed tell most: on what was shown both models had to agree already.
    """
    slices = {
        "impressed": (ledger.slate, max(1, ledger.slate_size // 2)),
        "unimpressed": (ledger.retrieved & ~ledger.slate, ledger.keep),
    }
    return [_overlap(ledger, among, k, name) for name, (among, k) in slices.items()]


def _overlap(ledger: Ledger, among: np.ndarray, k: int | np.ndarray, name: str) -> Ratio:
    early, late = best(ledger, among, ledger.early_score, k), best(ledger, among, ledger.late_score, k)
    return Ratio(count(ledger, early & late), count(ledger, early), "early", name)


def penetration(ledger: Ledger) -> list[Ratio]:
    """Share of the early stage's top slate-size items that the late stage showed."""
    front = best(ledger, ledger.early, ledger.early_score, ledger.slate_size)
    return [Ratio(count(ledger, front & ledger.slate), count(ledger, front), "early")]


def candidates(ledger: Ledger) -> list[Ratio]:
    """Mean number of candidates in a stage's output."""
    return candidates_of(ledger, survivors(ledger))


def candidates_of(ledger: Ledger, stages: Slices) -> list[Ratio]:
    """The same of any stages, in funnel order: bool (n,) each, the rows in its output."""
    requests = np.ones(ledger.rows.requests)
    return [Ratio(count(ledger, kept), requests, stage) for stage, kept in stages.items()]


def keep_ratio(ledger: Ledger) -> list[Ratio]:
    """Share of a stage's input that it keeps."""
    return keep_ratio_of(ledger, survivors(ledger))


def keep_ratio_of(ledger: Ledger, stages: Slices) -> list[Ratio]:
    """The same of any stages, in funnel order: bool (n,) each, the rows in its output."""
    counts = {stage: count(ledger, kept) for stage, kept in stages.items()}
    return [Ratio(counts[stage], counts[before], stage) for before, stage in pairwise(stages)]
