"""What another budget of the early stage would have done: its scores as they are, nothing trained anew."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import polars as pl

from funnel import schema
from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import total
from funnel.metrics.value import best

MULTIPLES = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8)
"""budgets, as multiples of the proposal's own"""


def budgets(keep: int, least: int, most: int) -> list[int]:
    """The budgets of a curve around `keep`, rising: none below the slate's size or above what retrieval brings."""
    return sorted({min(max(round(keep * multiple), least), most) for multiple in MULTIPLES})


class Chosen(Protocol):
    """What the ranking stages let through; bool (n,) each, as in `Ledger`."""

    @property
    def early(self) -> np.ndarray: ...

    @property
    def slate(self) -> np.ndarray: ...


def keep_curve(ledger: Ledger, chosen: Mapping[int, Chosen], seed: int) -> pl.DataFrame:
    """Lost candidates and slate value of one arm at other budgets of its early stage, as `schema.KEEP_CURVE`.

    Args:
        chosen: what comes through, by budget.
    """
    wanted = best(ledger, ledger.retrieved, ledger.reference_score, ledger.slate_size)
    slots = ledger.rows.requests * ledger.slate_size
    table = {
        "keep": list(chosen),
        "lost": [float((wanted & ~through.early).sum() / max(wanted.sum(), 1)) for through in chosen.values()],
        "value": [float(total(ledger, through.slate, ledger.value).sum() / slots) for through in chosen.values()],
    }
    named = {"seed": pl.lit(seed, pl.Int64), "arm": pl.lit("")}
    return schema.check(pl.DataFrame(table).with_columns(**named), schema.KEEP_CURVE, "keep_curve")
