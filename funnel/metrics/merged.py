"""One page out of the slates of all surfaces: are scores of different surfaces comparable.

Who is drawn for the examination asks on every surface, so his S slates are at hand. A product that shows one page sorts
what they hold by the late score, and a surface whose scores are too high then crowds the others out.
"""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, total


def merged_value(ledger: Ledger) -> list[Ratio]:
    """Mean true value of a slot of the merged slate: the best of one user's slates on all surfaces, by late score.

    An item that several slates hold counts once, on the surface where its score is greatest.
    """
    if not ledger.surfaces:
        return []
    slots = np.full(ledger.rows.requests, float(ledger.slate_size)) * _first(ledger)
    return [Ratio(_worth(ledger, ledger.late_score), slots, "late")]


def merged_share(ledger: Ledger) -> list[Ratio]:
    """True value of the merged slate, over that of the best slate which the same slates could have been merged to."""
    if not ledger.surfaces:
        return []
    return [Ratio(_worth(ledger, ledger.late_score), _worth(ledger, ledger.value), "late")]


def _first(ledger: Ledger) -> np.ndarray:
    """bool (R,): the first of the requests that one user makes, which stand side by side; sums are kept there."""
    return np.arange(ledger.rows.requests) % len(ledger.surfaces) == 0


def _worth(ledger: Ledger, by: np.ndarray) -> np.ndarray:
    """float64 (R,): true value of each user's best slate-size items by `by` (n,), out of all of his slates."""
    rows = np.flatnonzero(ledger.slate)
    user = ledger.rows.request[rows] // len(ledger.surfaces)
    order = np.lexsort((-by[rows], ledger.rows.item[rows], user))
    rows, user = rows[order], user[order]
    item = ledger.rows.item[rows]
    once = np.append(True, (item[1:] != item[:-1]) | (user[1:] != user[:-1]))[: len(rows)]
    rows, user = rows[once], user[once]
    order = np.lexsort((-by[rows], user))
    place = np.arange(len(rows)) - np.searchsorted(user, user)
    chosen = np.zeros(len(ledger.rows), bool)
    chosen[rows[order][place < ledger.slate_size]] = True
    gained = total(ledger, chosen, ledger.value).reshape(-1, len(ledger.surfaces)).sum(1)
    return np.repeat(gained, len(ledger.surfaces)) * _first(ledger)
