"""Where candidates come from: each source has a budget of its own and fetches (request, item) pairs.

To add a source, add one class here and its name to the union `Source`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from funnel.retrieval.index import Index, IndexSpec, InvertedFile
from funnel.spec import Spec
from funnel.world.bubbles import Bubbles
from funnel.world.observed import Observed

Pairs = tuple[np.ndarray, np.ndarray]
"""request rows and items, int64 (n,) each"""


@dataclass(frozen=True)
class Query:
    """What a source may look at for R requests."""

    observed: Observed
    vectors: np.ndarray
    """float32 (R, d): the user tower's vectors"""
    index: Index
    """over the item tower's vectors"""
    bubbles: Bubbles
    """what eligible friends reacted to"""
    most_viewed: np.ndarray
    """int64 (I,): items by falling past views"""
    newest: np.ndarray
    """int64 (I,): items by rising age"""

    @property
    def requests(self) -> int:
        return len(self.vectors)


def _for_all(requests: int, items: np.ndarray) -> Pairs:
    """The same items for every request."""
    return np.repeat(np.arange(requests), len(items)), np.tile(items, requests)


class Nearest(Spec):
    """Items nearest to the user in the two-tower space."""

    kind: Literal["nearest"] = "nearest"
    budget: int = Field(700, ge=0)
    index: IndexSpec = InvertedFile()

    def fetch(self, query: Query) -> Pairs:
        found = query.index.search(query.vectors, min(self.budget, len(query.observed.creator)))
        request = np.repeat(np.arange(query.requests), found.shape[1])
        kept = found.ravel() >= 0
        return request[kept], found.ravel()[kept]


class FriendsReacted(Spec):
    """Items that eligible friends reacted to, those of the closest friend first."""

    kind: Literal["friends"] = "friends"
    budget: int = Field(150, ge=0)

    def fetch(self, query: Query) -> Pairs:
        bubbles = query.bubbles
        # Most requests have fewer than the budget; only the rows of the others have to be sorted.
        crowded = (np.diff(bubbles.offsets) > self.budget)[bubbles.request]
        rows = np.flatnonzero(crowded)
        order = rows[np.lexsort((bubbles.item[rows], -bubbles.closeness[rows], bubbles.request[rows]))]
        # Requests stay where they were, so the row that sorting filled tells the place inside the request.
        beyond = rows - bubbles.offsets[bubbles.request[rows]] >= self.budget
        chosen = np.ones(len(crowded), bool)
        chosen[order[beyond]] = False
        return bubbles.request[chosen], bubbles.item[chosen]


class Popular(Spec):
    """The items with the most past views, the same for everybody."""

    kind: Literal["popular"] = "popular"
    budget: int = Field(100, ge=0)

    def fetch(self, query: Query) -> Pairs:
        return _for_all(query.requests, query.most_viewed[: self.budget])


class Fresh(Spec):
    """The newest items, the same for everybody: how an item without a past gets its first views."""

    kind: Literal["fresh"] = "fresh"
    budget: int = Field(50, ge=0)

    def fetch(self, query: Query) -> Pairs:
        return _for_all(query.requests, query.newest[: self.budget])


Source = Annotated[Nearest | FriendsReacted | Popular | Fresh, Field(discriminator="kind")]
