"""What the ranking stages of an arm let through of a sheet: the cuts of the served funnel, made on stored scores.

A sheet also holds the oracles' items that retrieval missed. They get scores like all others and no place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from funnel.scenario.sheet import Asked
from funnel.stages.admission import Admission


@dataclass(frozen=True)
class Selection:
    """Scores and survivors of n rows; columns as in `Ledger`."""

    early_score: np.ndarray
    late_score: np.ndarray
    early: np.ndarray
    granted: np.ndarray
    slate: np.ndarray
    keep: int | np.ndarray


def selection(page: Asked, own: Mapping[str, np.ndarray], admission: Mapping[str, Admission]) -> Selection:
    """What comes through both stages.

    Args:
        own: float32 (n,) a ranking stage, the scores of its formula.
        admission: the cut of each ranking stage.
    """
    first, second = admission["early"], admission["late"]
    rows, given = page.rows.scored(first.score(page.rows, own["early"], page.retrieved)), page.retrieved
    bubbled = np.bincount(rows.request[page.friend & given], minlength=rows.requests)
    budget = first.budget(page.requests.user, bubbled)
    early = first.kept(rows, budget, given)
    late_score = second.score(rows, own["late"], early)
    slate = second.kept(rows.scored(late_score), second.budget(page.requests.user, bubbled), early)
    granted, keep = first.granted(rows, given), first.places(rows, budget, given)
    return Selection(rows.score, late_score, early, granted, slate, keep)
