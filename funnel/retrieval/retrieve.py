"""The first stage: all sources, merged without duplicates, each candidate with the bitmask of who fetched it."""

from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from funnel.candidates import SOURCES, Candidates, Requests, from_pairs
from funnel.features import Towers
from funnel.retrieval.index import Exact, Index, index_recall
from funnel.retrieval.sources import Fresh, FriendsReacted, Nearest, Popular, Query, Source
from funnel.spec import Spec
from funnel.world.bubbles import Bubbles
from funnel.world.observed import Observed


def _default_sources() -> dict[str, Source]:
    return {source.kind: source for source in (Nearest(), FriendsReacted(), Popular(), Fresh())}


class RetrievalSpec(Spec):
    """The sources by name; the order of the names is the order of the bits."""

    sources: dict[str, Source] = Field(default_factory=_default_sources)
    stale: Literal["user", "item"] | None = None
    """the tower that serves one version behind the other: that of the model trained on round 0. A deployment fault:
    only towers that were trained together have an inner product that means something. Training is not touched, nor the
    traffic of round 1, which the first version serves"""

    @model_validator(mode="after")
    def _some(self):
        if not self.budget:
            raise ValueError("should have a source with a budget. Found none. Raise the budget of one.")
        if len(self.sources) > SOURCES:
            raise ValueError(f"should have at most {SOURCES} sources. Found {len(self.sources)}.")
        return self

    @property
    def budget(self) -> int:
        """Candidates a request at most."""
        return sum(source.budget for source in self.sources.values())

    @property
    def bits(self) -> dict[str, int]:
        """The bit of each source in a candidate's `source`."""
        return {name: 1 << place for place, name in enumerate(self.sources)}


class Retrieve:
    """Candidate generation for one world and one pair of towers."""

    def __init__(self, spec: RetrievalSpec, observed: Observed, towers: Towers):
        self.spec, self.observed, self.towers = spec, observed, towers
        self.most_viewed = np.argsort(-observed.past_views, kind="stable")
        self.newest = np.argsort(observed.age, kind="stable")

    @cached_property
    def _nearest(self) -> Nearest | None:
        return next((source for source in self.spec.sources.values() if isinstance(source, Nearest)), None)

    @cached_property
    def index(self) -> Index:
        return Index(self._nearest.index if self._nearest else Exact(), self.towers.item)

    def __call__(self, requests: Requests, bubbles: Bubbles) -> Candidates:
        """The pool of R requests.

        Args:
            bubbles: `join(observed, requests.user)`.
        """
        vectors = self.towers.user[requests.user]
        query = Query(self.observed, vectors, self.index, bubbles, self.most_viewed, self.newest)
        bits = self.spec.bits
        parts = [(*source.fetch(query), bits[name]) for name, source in self.spec.sources.items() if source.budget]
        request, item = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        source = np.repeat([bit for *_, bit in parts], [len(part[0]) for part in parts])
        return from_pairs(request, item, source, len(requests), len(self.observed.creator))

    @property
    def macs(self) -> int:
        """Multiply-adds a request of the nearest source; the other sources only look up."""
        if not self._nearest or not self._nearest.budget:
            return 0
        return self._nearest.index.compared(len(self.towers.item)) * self.towers.item.shape[1]

    def recall(self, users: np.ndarray) -> float:
        """How many of the exact nearest items the index of the nearest source finds, for int64 (R,) users."""
        if not self._nearest or not self._nearest.budget:
            return 1.0
        exact = Index(Exact(), self.towers.item)
        k = min(self._nearest.budget, len(self.towers.item))
        return index_recall(self.index, exact, self.towers.user[users], k)
