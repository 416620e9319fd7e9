"""Requests, and the one value that travels down the funnel.

`Candidates` is a struct of arrays in request-major order; inside a request items ascend. That order makes every join a
merge, every tie a matter of position (lower item id wins), and the arrays of one request a slice.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from funnel.errors import DataError


@dataclass(frozen=True)
class Requests:
    """R requests: who asks. `id` names the request for keyed draws and logs; rows are addressed by position."""

    id: np.ndarray
    """int64 (R,)"""
    user: np.ndarray
    """int64 (R,)"""

    def __len__(self) -> int:
        return len(self.id)

    def slice(self, start: int, stop: int) -> "Requests":
        return Requests(self.id[start:stop], self.user[start:stop])

    def chunks(self, size: int):
        """Consecutive slices of at most `size` requests: memory is bounded by the chunk, not by R."""
        for start in range(0, len(self), size):
            yield self.slice(start, start + size)


@dataclass(frozen=True)
class Candidates:
    """The candidates of R requests, n rows in all."""

    offsets: np.ndarray
    """int64 (R + 1,): request r owns rows offsets[r] to offsets[r + 1]"""
    item: np.ndarray
    """int64 (n,), ascending inside a request, no item twice"""
    source: np.ndarray
    """int64 (n,): bitmask of the sources that fetched the item"""
    score: np.ndarray
    """float32 (n,): what the last stage sorted by"""

    def __len__(self) -> int:
        return len(self.item)

    @property
    def requests(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """int64 (R,): candidates a request."""
        return np.diff(self.offsets)

    @cached_property
    def request(self) -> np.ndarray:
        """int64 (n,): the request row that a candidate belongs to."""
        return np.repeat(np.arange(self.requests), self.counts)

    def keys(self, items: int) -> np.ndarray:
        """int64 (n,): request * items + item, ascending over all rows; what joins and set operations use."""
        return self.request * items + self.item

    def slice(self, start: int, stop: int) -> "Candidates":
        """The rows of the requests from `start` to before `stop`."""
        rows = slice(self.offsets[start], self.offsets[min(stop, self.requests)])
        offsets = self.offsets[start : stop + 1] - self.offsets[start]
        return Candidates(offsets, self.item[rows], self.source[rows], self.score[rows])

    def scored(self, score: np.ndarray) -> "Candidates":
        return replace(self, score=np.asarray(score, dtype=np.float32))

    def take(self, kept: np.ndarray) -> "Candidates":
        """The rows where `kept` (bool (n,)) holds."""
        rows = np.flatnonzero(kept)
        return Candidates(np.searchsorted(rows, self.offsets), self.item[rows], self.source[rows], self.score[rows])

    def checked(self, items: int) -> "Candidates":
        """Itself, when the contract holds.

        Raises:
            DataError: items out of range, not ascending inside a request (so possibly twice), or a score not finite.
        """
        if len(self) and (self.item.min() < 0 or self.item.max() >= items):
            raise DataError(
                f"Candidates: items should be in [0, {items}). Found {self.item.min()} to {self.item.max()}."
            )
        falls = np.flatnonzero(np.diff(self.keys(items)) <= 0)
        if len(falls):
            row = int(falls[0]) + 1
            raise DataError(
                f"Candidates: items should ascend inside a request. Found {self.item[row]} after "
                f"{self.item[row - 1]} in request row {self.request[row]}. Merge sources without duplicates."
            )
        bad = np.flatnonzero(~np.isfinite(self.score))
        if len(bad):
            row = int(bad[0])
            raise DataError(
                f"Candidates: scores should be finite. Found {self.score[row]} for item {self.item[row]} "
                f"in request row {self.request[row]}."
            )
        return self


SOURCES = 8
"""sources that a bitmask holds at most"""


def from_pairs(request: np.ndarray, item: np.ndarray, source: np.ndarray, requests: int, items: int) -> Candidates:
    """Candidates of (request row, item) pairs in any order; a pair given twice has its sources joined."""
    # Key and source packed into one integer: sorting plain integers is many times faster than an argsort.
    packed = np.sort((request * items + item) << SOURCES | source)
    keys = packed >> SOURCES
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else keys
    merged = np.bitwise_or.reduceat(packed, first) & (1 << SOURCES) - 1 if len(first) else packed
    begins = np.arange(requests + 1) * items
    keys = keys[first]
    offsets = np.searchsorted(keys, begins)
    kept = keys - np.repeat(begins[:-1], np.diff(offsets))
    return Candidates(offsets, kept, merged, np.zeros(len(kept), np.float32))


def stacked(parts: list[Candidates]) -> Candidates:
    """The candidates of consecutive requests as one."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    offsets = [part.offsets[:-1] + start for part, start in zip(parts, starts[:-1], strict=True)]
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("item", "source", "score"))
    return Candidates(np.concatenate([*offsets, starts[-1:]]), *columns)


def position_in(keys: np.ndarray, within: np.ndarray) -> np.ndarray:
    """int64 (n,): where each key stands in the ascending array `within`, or -1."""
    if not len(within):
        return np.full(len(keys), -1)
    at = np.minimum(np.searchsorted(within, keys), len(within) - 1)
    return np.where(within[at] == keys, at, -1)


@dataclass(frozen=True)
class Step:
    """One stage's part of a trace: what it was given, with the scores it sorted by, and what it let through."""

    scored: Candidates
    """n rows"""
    kept: np.ndarray
    """bool (n,)"""
    seconds: float = 0.0
    """wall time that the stage took; the only part of a trace that differs from run to run"""

    @cached_property
    def after(self) -> Candidates:
        """The survivors."""
        return self.scored if self.kept.all() else self.scored.take(self.kept)


Trace = dict[str, Step]
"""The steps of all stages in funnel order; `retrieval` is the first and cuts nothing."""
