"""Bubbles in the slate: who is shown how many, and what one of them brings."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.slices import Slices, friend_deciles, rows_of

ENGAGE = "bubble_engage"
OUTCOMES = ("long_view", "like", "comment", "share")
"""what is told of a bubble by what it shows"""


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


def bubble_outcomes(ledger: Ledger) -> list[Ratio]:
    """Mean true probability of watching through, like, comment and share on the slate's places with a bubble, by how
    many friends it shows and by whether one of them reacted with more than a like (`expressive`) or none (`plain`).

    What a bubble shows goes with the item that it is on: these are differences between items, and not what one more
    friend or a stronger reaction would cause.
    """
    if ledger.shown is None:
        return []
    bubbles, shown = ledger.slate & ledger.friend, ledger.shown
    kinds = {"plain": bubbles & ~shown.expressive, "expressive": bubbles & shown.expressive}
    numbers = range(1, int(shown.count.max(initial=0)) + 1)
    counts = {f"shown_{number}": bubbles & (shown.count == number) for number in numbers}
    return [
        Ratio(total(ledger, rows, ledger.truth[task]), count(ledger, rows), "late", name, task)
        for task in OUTCOMES
        if task in ledger.truth
        for name, rows in (kinds | counts).items()
    ]


def _shown(ledger: Ledger) -> Slices:
    """bool (n,) each: places of the slate with a bubble."""
    bubbles = ledger.slate & ledger.friend
    return {"all": bubbles} | {name: bubbles & rows for name, rows in rows_of(ledger, friend_deciles(ledger)).items()}
