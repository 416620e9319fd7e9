"""How many candidates every stage has, and what becomes of the slices of a log on their way down."""

from itertools import pairwise

from funnel.audit.part import Part
from funnel.metrics.overlap import candidates_of, keep_ratio_of
from funnel.metrics.ratio import Ratio
from funnel.metrics.recall import passed_of
from funnel.metrics.value import share_of


def candidates(part: Part) -> list[Ratio]:
    """Mean number of a request's rows in a stage's output."""
    return candidates_of(part.ledger, part.stages)


def keep_ratio(part: Part) -> list[Ratio]:
    """Share of a stage's input that it keeps."""
    return keep_ratio_of(part.ledger, part.stages)


def survival(part: Part) -> list[Ratio]:
    """Of the slice's rows that entered a stage, the share that it passed."""
    stages = part.stages
    return [
        passed_of(part.ledger, rows & stages[before], rows & stages[after], after, name)
        for name, rows in part.slices.items()
        for before, after in pairwise(stages)
    ]


def share(part: Part) -> list[Ratio]:
    """Share of a stage's output that is of a slice."""
    slices = {name: rows for name, rows in part.slices.items() if name not in ("all", "other")}
    return share_of(part.ledger, part.stages, slices)
