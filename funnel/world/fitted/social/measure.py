"""The social effect of a data set: lifts of friends and of those who stand in for them, with what they do not tell."""

from typing import Any

import numpy as np

from funnel.world.fitted.clustered import Clustered
from funnel.world.fitted.social.circle import Circle, balance, circle
from funnel.world.fitted.social.lift import DOSES, Lifts, lifts
from funnel.world.fitted.social.placebo import Placebo, Refit, placebo
from funnel.world.fitted.social.sentences import sentences
from funnel.world.fitted.social.timing import Calendar, Events, together
from funnel.world.fitted.split import Split

LEAST = 100
"""held-out interactions and friendships from which a lift is told; fewer have no interval worth the name"""
PARTS = 3
"""parts of the friendships by mutual friends"""

Rows = dict[str, Clustered]
"""log odds ratios by name"""


def measure(
    split: Split,
    taste: np.ndarray,
    topic: np.ndarray,
    friends: np.ndarray | None,
    events: Events | None,
    refit: Refit,
    cue: float,
    seed: int,
) -> dict[str, Any]:
    """Every lift with its interval, and sentences on what they say.

    Args:
        taste, topic: fitted on the known pairs.
        friends: int32 (E, 2), lower id first; None where the data has none.
        events: what has times; None where nothing has.
        refit: how tastes are found, for the placebo.
        cue: logit that the world assumes for showing one friend, set beside.
    """
    if friends is None:
        return _untold("The data has no friendships, so nothing tells what friends do to one another.")
    held = len(split.unknown[0])
    if min(held, len(friends)) < LEAST:
        found = f"Found {held:,} and {len(friends):,}."
        return _untold(f"It takes {LEAST} held-out interactions and {LEAST} friendships at least. {found}")
    beside = circle(friends, split, taste, seed)
    if not len(beside.mutual):
        return _untold("Of those of like taste all are friends already, so nobody can stand in for a friend.")
    over = lifts(split, taste, topic, seed)
    without = placebo(split, taste, topic, friends, over.slope, refit, seed)
    thirds = _thirds(beside.mutual)
    rows = {
        **_lifts(over, beside, without),
        **{f"dose_{dose}": lift for dose, lift in zip(DOSES, over.by_dose(beside.friends), strict=True)},
        **_by_third(over, beside, thirds),
        **_timing(events, beside, split, seed),
    }
    odds = {name: found.odds() for name, found in rows.items()}
    return {
        "measured": True,
        "sets": len(over.sets.user),
        "users": len(np.unique(over.sets.user)),
        "friendships": len(friends),
        "slope": over.slope,
        "placebo": {"strength": without.strength, "slope": without.slope} if without else None,
        "mutual": [_ends(beside.mutual[thirds == one]) for one in np.unique(thirds)],
        "odds": odds,
        "assumed": {"cue": cue, "odds": float(np.exp(cue))},
        "balance": balance(beside, split, taste),
        "sentences": sentences(odds, cue),
    }


def _untold(why: str) -> dict[str, Any]:
    return {"measured": False, "why": why}


def _lifts(over: Lifts, beside: Circle, without: Placebo | None) -> Rows:
    """Of friends, of who stands in for them, and what is left of the first."""
    friend, alike = over.any_of(beside.friends), over.any_of(beside.alike)
    beyond = friend - alike
    rows = {
        "crude": over.any_of(beside.friends, affinity=False),
        "friend": friend,
        "stranger": over.any_of(beside.strangers),
        "alike": alike,
        "beyond": beyond,
    }
    if without is None:
        return rows
    made = without.friend - without.alike
    return rows | {"placebo": made, "left": beyond - made}


def _thirds(mutual: np.ndarray) -> np.ndarray:
    """int (n,), 0, 1, ...: the part of each friendship by mutual friends; equal counts stay together."""
    borders = np.quantile(mutual, np.arange(1, PARTS) / PARTS)
    return np.unique(np.searchsorted(borders, mutual), return_inverse=True)[1]


def _ends(counts: np.ndarray) -> list[int]:
    return [int(counts.min()), int(counts.max())]


def _by_third(over: Lifts, beside: Circle, thirds: np.ndarray) -> Rows:
    """What each third of the friendships tells beyond stand-ins of like taste for the same friendships."""
    parts = int(thirds.max()) + 1
    pairs = zip(over.by_part(beside.friends, thirds, parts), over.by_part(beside.alike, thirds, parts), strict=True)
    return {f"mutual_{one}": friend - alike for one, (friend, alike) in enumerate(pairs)}


def _timing(events: Events | None, beside: Circle, split: Split, seed: int) -> Rows:
    """Of friends, of stand-ins of like taste, and what friends have beyond them."""
    if events is None:
        return {}
    calendar = Calendar(events, split.users, split.items)
    friend, alike = together(calendar, beside.friends, seed), together(calendar, beside.alike, seed)
    if friend is None or alike is None:
        return {}
    return {"timing_friend": friend, "timing_alike": alike, "timing_beyond": friend - alike}
