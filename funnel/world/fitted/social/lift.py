"""The social lift: how much likelier a user is to choose an item because, or merely when, a friend did.

The estimand is an odds ratio at equal predicted affinity: of two items that a user has not met, alike in popularity and
in how well the fitted taste matches them, how much greater are the odds of the one that a friend has among the known
interactions. Tastes are fitted on the known interactions, outcomes are the held-out ones, exposure is counted in the
known ones, so nothing is judged on what it was made of.

It is *not* the effect of showing a friend. Homophily and influence are confounded in observational data whenever
friends share what the fit does not see (Shalizi and Thomas 2011), which only an experiment undoes (Bakshy, Eckles, Yan,
Rosenn 2012). Told apart as far as that goes: the same lift for stand-ins of like taste (Aral, Muchnik, Sundararajan
2009), whose ratio is what friendship tells *beyond* measured taste; for strangers at random, which should be one; and
timing. In one way it errs against influence, too: a held-out interaction of a friend is no exposure, which pulls lifts
to one.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from funnel.world.fitted.clustered import Clustered
from funnel.world.fitted.social.conditional_logit import fit
from funnel.world.fitted.social.exposure import exposure
from funnel.world.fitted.social.matched_sets import Sets, matched_sets
from funnel.world.fitted.social.strangers import Directed
from funnel.world.fitted.split import Split
from funnel.world.truth import match

KNOTS = (0.25, 0.5, 0.75)
"""quantiles at which the line that affinity and popularity are controlled by may bend"""
DOSES = (1, 2, 3)
"""friends who did; the last and more"""


class Lifts:
    """Log odds ratios of exposures over one collection of matched sets."""

    def __init__(self, sets: Sets, split: Split, taste: np.ndarray, topic: np.ndarray):
        self.sets, self.split = sets, split
        self.popularity = spline(np.log(split.popularity)[sets.item])
        self.affinity = match(taste[sets.user][:, None], topic[sets.item]).astype(np.float64)
        both = self.affinity * self.popularity[..., 0]
        self.controls = np.concatenate([self.popularity, spline(self.affinity), both[..., None]], axis=-1)

    def counts(self, pairs: Directed) -> np.ndarray:
        """int64 (S, A): of the people that stand beside a user, those who did the item."""
        shape, ones = (pairs.users, pairs.users), np.ones(len(pairs.user), np.int32)
        graph = csr_array((ones, (pairs.user, pairs.other)), shape=shape)
        found = exposure(graph, self.split.did, self.sets.users.ravel(), self.sets.item.ravel())
        return found.reshape(self.sets.item.shape)

    def of(self, columns: Sequence[np.ndarray], controls: np.ndarray) -> list[Clustered]:
        """Of each column, (S, A), beside the others and the controls, float64 (S, A, K)."""
        told = np.stack([column.astype(np.float64) for column in columns], axis=-1)
        found = fit(np.concatenate([told, controls], axis=-1), self.sets.allowed, self.sets.user, self.split.users)
        return found[: len(columns)]

    @cached_property
    def slope(self) -> float:
        """Log odds per unit of predicted affinity, popularity held equal."""
        return self.of([self.affinity], self.popularity)[0].value

    def any_of(self, pairs: Directed, affinity: bool = True) -> Clustered:
        """Of at least one of the people beside a user.

        Args:
            affinity: hold predicted affinity equal; popularity always is.
        """
        return self.of([self.counts(pairs) > 0], self.controls if affinity else self.popularity)[0]

    def by_dose(self, pairs: Directed) -> list[Clustered]:
        """Of one, two, and three or more, each against none."""
        counts = np.minimum(self.counts(pairs), DOSES[-1])
        return self.of([counts == dose for dose in DOSES], self.controls)

    def by_part(self, pairs: Directed, part: np.ndarray, parts: int) -> list[Clustered]:
        """Of the people of each part, each against nobody of it.

        Args:
            part: int (n,) in 0 .. parts - 1, of each friendship.
        """
        return self.of([self.counts(pairs.where(part == one)) > 0 for one in range(parts)], self.controls)


def lifts(split: Split, taste: np.ndarray, topic: np.ndarray, seed: int) -> Lifts:
    """Over the held-out interactions of a split."""
    user, item = split.unknown
    sets = matched_sets(user, item, split.pairs, split.popularity, seed)
    return Lifts(sets, split, taste, topic)


def spline(values: np.ndarray) -> np.ndarray:
    """float64 (..., 1 + knots): a line that may bend at the quantiles `KNOTS`, close to any smooth curve."""
    values = (values - values.mean()) / (values.std() + 1e-9)
    bends = [np.maximum(values - knot, 0.0) for knot in np.quantile(values, KNOTS)]
    return np.stack([values, *bends], axis=-1)
