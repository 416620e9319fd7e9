"""The placebo: what the lift of friends comes to where no friend has any influence.

Interactions are redrawn from the fitted tastes and popularity alone, on the friendships as they are; tastes are fitted
to them anew and the lift is measured the same way. Whatever is found there was made by the error of fitting: friends
share true taste, the fit sees it blurred, and what it misses looks like a friend's doing. Fitted tastes are surer of
themselves than their match with choices shows, so the match is strengthened until refitted tastes tell held-out choices
as well as the data's own do; homophily that no fit of this data sees is in the data and not in the placebo.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from funnel.world.fitted.clustered import Clustered
from funnel.world.fitted.redrawn import redrawn
from funnel.world.fitted.social.circle import circle
from funnel.world.fitted.social.lift import Lifts, lifts
from funnel.world.fitted.split import Split, split

Refit = Callable[[Split], tuple[np.ndarray, np.ndarray]]
"""from the known pairs of a split to taste (U, D) and topic (I, D), unit length; all pairs speak alike"""

STRENGTHS = (2.0, 3.0, 4.0)
"""what the match is multiplied by; the first whose slope reaches the data's ends the search, the nearest is taken"""
OFFERS = 32
"""items met a choice: enough that a strong taste finds what it wants"""
MOST = 2_000_000
"""interactions up to which they are redrawn; of more it would take many minutes"""


@dataclass(frozen=True)
class Placebo:
    """Interactions of taste alone, and what is measured on them."""

    strength: float
    slope: float
    """log odds per unit of refitted match"""
    friend: Clustered
    """log odds ratio where a friend did, at equal refitted affinity"""
    alike: Clustered
    """of stand-ins of like taste"""


def placebo(
    known: Split, taste: np.ndarray, topic: np.ndarray, friends: np.ndarray, slope: float, refit: Refit, seed: int
) -> Placebo | None:
    """The placebo of a data set; None where it has too many interactions.

    Args:
        taste, topic: fitted on the known pairs.
        friends: int32 (E, 2), lower id first.
        slope: of the data, `Lifts.slope`.
    """
    if len(known.pairs) > MOST:
        return None
    best: tuple[float, float, Lifts, np.ndarray] | None = None
    for strength in STRENGTHS:
        made = _redrawn(known, taste, topic, strength, seed)
        tastes, topics = refit(made)
        over = lifts(made, tastes, topics, seed)
        reached = over.slope()
        if best is None or abs(reached - slope) < abs(best[1] - slope):
            best = strength, reached, over, tastes
        if reached >= slope:
            break
    assert best
    strength, reached, over, tastes = best
    beside = circle(friends, over.split, tastes, seed)
    return Placebo(strength, reached, over.any_of(beside.friends), over.any_of(beside.alike))


def _redrawn(known: Split, taste: np.ndarray, topic: np.ndarray, strength: float, seed: int) -> Split:
    """As many interactions of each user as the data has, held out alike."""
    counts = np.bincount(known.pairs // known.items, minlength=known.users)
    pairs = redrawn(counts, np.float32(strength) * taste, topic, known.popularity, OFFERS, seed, "placebo")
    return split(*np.divmod(pairs, known.items), known.users, known.items, seed)
