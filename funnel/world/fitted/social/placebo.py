"""The placebo: what the lift of friends comes to where no friend has any influence.

Interactions are redrawn from the fitted tastes and popularity alone, on the friendships as they are; tastes are fitted
to them anew and the lift is measured the same way. Whatever is found there was made by the error of fitting: friends
share true taste, the fit sees it blurred, and what it misses looks like a friend's doing. How strongly taste decides is
chosen such that refitted tastes tell held-out choices as well as the data's own do.

It finds a part of that error and not all, since friends are less alike in fitted tastes than in true ones: on made-up
people with friends of like taste and no influence, friends told 1.18 times what strangers of like taste did, of which
the placebo explained a third to a half; 1.06 to 1.17 times was left over five draws, so a ratio left of that size tells
of nothing. Where odds of 2 were planted, 2.06 to 2.37 times was left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from funnel.world.fitted.clustered import Clustered
from funnel.world.fitted.redrawn import redrawn
from funnel.world.fitted.social.circle import circle
from funnel.world.fitted.social.lift import Lifts, lifts
from funnel.world.fitted.split import Split, split

Refit = Callable[[Split], tuple[np.ndarray, np.ndarray]]
"""from the known pairs of a split to taste (U, D) and topic (I, D), unit length; all pairs speak alike"""

STRENGTHS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""what the match may be multiplied by"""
FIRST = 2.0
"""of them the one that is tried first; from there on towards the data's slope"""
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
    tried = list(_tried(known, taste, topic, slope, refit, seed))
    strength, over, tastes = min(tried, key=lambda one: abs(one[1].slope - slope))
    beside = circle(friends, over.split, tastes, seed)
    return Placebo(strength, over.slope, over.any_of(beside.friends), over.any_of(beside.alike))


def _tried(
    known: Split, taste: np.ndarray, topic: np.ndarray, slope: float, refit: Refit, seed: int
) -> Iterator[tuple[float, Lifts, np.ndarray]]:
    """Strengths from the first on towards the slope, until it is passed; each with its lifts and refitted tastes."""
    place = STRENGTHS.index(FIRST)
    steps: set[int] = set()
    while 0 <= place < len(STRENGTHS) and len(steps) < 2:
        made = _redrawn(known, taste, topic, STRENGTHS[place], seed)
        tastes, topics = refit(made)
        over = lifts(made, tastes, topics, seed)
        yield STRENGTHS[place], over, tastes
        step = 1 if over.slope < slope else -1
        steps.add(step)
        place += step


def _redrawn(known: Split, taste: np.ndarray, topic: np.ndarray, strength: float, seed: int) -> Split:
    """As many interactions of each user as the data has, held out alike."""
    counts = np.bincount(known.pairs // known.items, minlength=known.users)
    pairs = redrawn(counts, np.float32(strength) * taste, topic, known.popularity, OFFERS, seed, "placebo")
    return split(*np.divmod(pairs, known.items), known.users, known.items, seed)
