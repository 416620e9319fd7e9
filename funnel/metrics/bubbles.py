"""Bubbles in the slate: who is shown how many, and what one of them brings."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.slices import Slices, friend_deciles, rows_of

ENGAGE = "bubble_engage"


def bubble_prevalence(ledger: Ledger) -> list[Ratio]:
    """Share of the slate's places that carry a bubble, over all users and by tenth of the friend count."""
    slots, shown = count(ledger, ledger.slate), count(ledger, ledger.slate & ledger.friend)
    everybody = np.ones(ledger.rows.requests, bool)
    return [
        Ratio(shown * users, slots * users, "late", name)
        for name, users in {"all": everybody, **friend_deciles(ledger)}.items()
    ]


def bubble_engagement(ledger: Ledger) -> list[Ratio]:
    """Mean true probability of engagement on the slate's places that carry a bubble, over all users and by tenth of the
    friend count: what an impression of a bubble brings, however many there are.
    """
    if ENGAGE not in ledger.truth:
        return []
    return [
        Ratio(total(ledger, rows, ledger.truth[ENGAGE]), count(ledger, rows), "late", name)
        for name, rows in _shown(ledger).items()
    ]


def _shown(ledger: Ledger) -> Slices:
    """bool (n,) each: places of the slate with a bubble."""
    bubbles = ledger.slate & ledger.friend
    return {"all": bubbles} | {name: bubbles & rows for name, rows in rows_of(ledger, friend_deciles(ledger)).items()}
