"""A share of every user's interactions held out, so that what is fitted is judged on what it has not seen."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from funnel.rng import stream

SHARE = 0.2
"""of a user's items held out"""


@dataclass(frozen=True)
class Split:
    """The distinct pairs of user and item, in two parts."""

    users: int
    items: int
    pairs: np.ndarray
    """int64 (n,): user * items + item, ascending"""
    held: np.ndarray
    """bool (n,): held out"""

    @cached_property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 (k,) twice: user and item of the pairs that a fit may see."""
        return np.divmod(self.pairs[~self.held], self.items)

    @cached_property
    def unknown(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 (h,) twice: user and item of the pairs held out."""
        return np.divmod(self.pairs[self.held], self.items)

    @cached_property
    def did(self) -> csr_array:
        """float32 (U, I): 1 at every known pair."""
        user, item = self.known
        return csr_array((np.ones(len(user), np.float32), (user, item)), shape=(self.users, self.items))

    @cached_property
    def popularity(self) -> np.ndarray:
        """float64 (I,): known interactions of an item, and one half, so that none is impossible."""
        return np.bincount(self.known[1], minlength=self.items) + 0.5

    @cached_property
    def activity(self) -> np.ndarray:
        """float64 (U,): known interactions of a user, and one half."""
        return np.bincount(self.known[0], minlength=self.users) + 0.5

    def rows(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """bool (m,): rows that a fit may see."""
        keys = user.astype(np.int64) * self.items + item
        return ~self.held[np.searchsorted(self.pairs, keys)]


def split(user: np.ndarray, item: np.ndarray, users: int, items: int, seed: int) -> Split:
    """Holds out `SHARE` of each user's items, rounded by lot, at random.

    Args:
        user, item: int (n,); a pair that stands twice is held out as a whole or not at all.
    """
    pairs = np.unique(user.astype(np.int64) * items + item)
    owner = pairs // items
    generator = stream(seed, "goodness", "split")
    order = np.lexsort((generator.random(len(pairs)), owner))
    counts = np.bincount(owner, minlength=users)
    place = np.arange(len(pairs)) - (np.cumsum(counts) - counts)[owner]
    quota = np.floor(SHARE * counts + generator.random(users)).astype(np.int64)
    if not quota.any():  # of a handful of interactions the lots may spare all, and nothing would be judged
        quota[counts.argmax()] = 1
    held = np.zeros(len(pairs), bool)
    held[order] = place < quota[owner]
    return Split(users, items, pairs, held)
