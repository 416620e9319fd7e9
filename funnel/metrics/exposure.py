"""What the slates expose people to: how many topics and creators, how many of them new to a user, how concentrated."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Derived, Ratio, count
from funnel.metrics.slices import Slices, guarded_users

TOP = 0.01
"""share of creators whose share of all slots tells how concentrated exposure is"""


def topics(ledger: Ledger) -> list[Ratio]:
    """Different topics on a slate, on the mean."""
    return _different(ledger, ledger.exposed.topic) if ledger.exposed else []


def creators(ledger: Ledger) -> list[Ratio]:
    """Different creators on a slate, on the mean."""
    return _different(ledger, ledger.exposed.creator) if ledger.exposed else []


def new_topics(ledger: Ledger) -> list[Ratio]:
    """Share of the slate's slots with a topic of which the user's remembered videos have none."""
    return _new(ledger, ledger.exposed.topic_known) if ledger.exposed else []


def new_creators(ledger: Ledger) -> list[Ratio]:
    """Share of the slate's slots by a creator of whom the user's remembered videos have none."""
    return _new(ledger, ledger.exposed.creator_known) if ledger.exposed else []


def concentration(ledger: Ledger) -> list[Derived]:
    """Share of all slots that go to the hundredth of all creators that is shown most."""
    if ledger.exposed is None:
        return []
    slots = np.sort(np.bincount(ledger.exposed.creator[ledger.slate], minlength=ledger.exposed.creators))[::-1]
    most = max(1, round(TOP * len(slots)))
    return [Derived(float(slots[:most].sum() / slots.sum()) if slots.any() else None, ledger.rows.requests, "late")]


def coverage(ledger: Ledger) -> list[Derived]:
    """Share of all creators that are on any slate."""
    if ledger.exposed is None:
        return []
    shown = len(np.unique(ledger.exposed.creator[ledger.slate]))
    return [Derived(shown / ledger.exposed.creators, ledger.rows.requests, "late")]


def _users(ledger: Ledger) -> Slices:
    return {"all": np.ones(ledger.rows.requests, bool)} | guarded_users(ledger)


def _different(ledger: Ledger, kind: np.ndarray) -> list[Ratio]:
    rows = np.flatnonzero(ledger.slate)
    pairs = np.unique(np.stack([ledger.rows.request[rows], kind[rows]]), axis=1)
    found = np.bincount(pairs[0], minlength=ledger.rows.requests).astype(np.float64)
    return [Ratio(found * chosen, chosen.astype(np.float64), "late", name) for name, chosen in _users(ledger).items()]


def _new(ledger: Ledger, known: np.ndarray) -> list[Ratio]:
    new, slots = count(ledger, ledger.slate & ~known), count(ledger, ledger.slate)
    return [Ratio(new * chosen, slots * chosen, "late", name) for name, chosen in _users(ledger).items()]
