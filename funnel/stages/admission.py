"""Who gets through a ranking stage: the one place where scores become survivors.

Plainly, the best `keep` candidates of a request. What teams do to help one source through a cut is laid over that, each
on its own and off by default: another budget for some requests, places reserved for a source, a source whose scores are
raised or that skips the cut, and a blend with the score of the stage before.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from funnel.candidates import Candidates
from funnel.errors import unknown
from funnel.select import top
from funnel.spec import Spec
from funnel.stages.segments import Segments
from funnel.stages.sorting import boosted, fused
from funnel.world.observed import Observed


class AdmissionSpec(Spec):
    """The cut of a ranking stage."""

    keep: int = Field(ge=1)
    """candidates a request that survive"""
    segments: Segments | None = None
    """other budgets than `keep`, by segments of requests; early stage only"""
    quota: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """places out of the budget that are reserved for a source, by name: its best candidates have them, whether or not
    they would have survived without. A candidate of several sources takes a place of each, and one of the stage's.
    What is not taken goes to the best of the rest, so the budget holds exactly; early stage only"""
    boost: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """factor on the score of a source's candidates, by name; a negative score is divided by it, so that a factor above
    1 always helps. Only what the stage sorts by is touched, no prediction"""
    bypass: tuple[str, ...] = ()
    """sources that go straight to the next stage, beside the budget of the others: they cost its compute. The stage
    scores them all the same, for the logs and for `fusion`; early stage only"""
    fusion: float = Field(0.0, ge=0, le=1)
    """weight of the score of the stage before, the stage's own having the rest; late stage only"""

    @model_validator(mode="after")
    def _possible(self):
        problems = [f"bypass: should name each source once. Found `{name}` twice." for name in _twice(self.bypass)]
        problems += [
            f"{field}: should leave alone what bypasses the stage. Found `{name}`. Take it out of one of the two."
            for field in ("quota", "boost")
            for name in getattr(self, field)
            if name in self.bypass
        ]
        if sum(self.quota.values()) > self.least:
            problems.append(
                f"quota: should reserve no more places than the stage has. Found {sum(self.quota.values())} of "
                f"{self.least}. Lower the quotas or raise `keep`."
            )
        if problems:
            raise ValueError(" ".join(problems))
        return self

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets that requests can have."""
        return self.segments.keep if self.segments else (self.keep,)

    @property
    def least(self) -> int:
        """The least budget of a request."""
        return min(self.budgets)

    def unknown_sources(self, sources: Iterable[str]) -> list[str]:
        """What is wrong with the sources that it names, when these are all there are."""
        return [
            f"{field}: {unknown(name, sources, 'a source of the retrieval')}"
            for field in ("quota", "boost", "bypass")
            for name in getattr(self, field)
            if name not in sources
        ]

    def admission(self) -> "AdmissionSpec":
        """Itself without what a subclass adds: the part that decides who gets through by given scores."""
        return AdmissionSpec(**{name: getattr(self, name) for name in AdmissionSpec.model_fields})

    def at(self, keep: int) -> "AdmissionSpec":
        """The same cut at another `keep`: budgets of segments in proportion, at least 1, and quotas rounded down."""
        segments = self.segments and self.segments.model_copy(
            update={"keep": tuple(max(1, places * keep // self.keep) for places in self.segments.keep)}
        )
        quotas = {name: places * keep // self.keep for name, places in self.quota.items()}
        scaled = {"segments": segments, "quota": {name: places for name, places in quotas.items() if places}}
        return self.admission().model_copy(update={"keep": keep, **scaled})


def _twice(names: tuple[str, ...]) -> list[str]:
    return sorted({name for place, name in enumerate(names) if name in names[:place]})


class Admission:
    """A cut made ready for one retrieval and one world."""

    def __init__(self, spec: AdmissionSpec, bits: Mapping[str, int], observed: Observed | None = None):
        """
        Args:
            bits: the bit of each source that the cut names.
            observed: what segments of users are told by; needed for those alone.
        """
        self.spec, self.bits, self.observed = spec, bits, observed

    @property
    def counts_bubbles(self) -> bool:
        """Whether budgets hang on how many candidates carry a bubble."""
        return self.spec.segments is not None and self.spec.segments.by == "bubbles"

    def at(self, keep: int) -> "Admission":
        """The same cut at another `keep`."""
        return Admission(self.spec.at(keep), self.bits, self.observed)

    def budget(self, users: np.ndarray, bubbled: np.ndarray) -> int | np.ndarray:
        """The budget of each of R requests: one number where all have the same, int64 (R,) otherwise.

        Args:
            users: int64 (R,), who asks.
            bubbled: int64 (R,), candidates of the pool that carry a bubble; read only if `counts_bubbles`.
        """
        if not self.spec.segments:
            return self.spec.keep
        assert self.observed is not None
        return self.spec.segments.budget(self.observed, users, bubbled)

    def score(self, candidates: Candidates, own: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """float32 (n,): what the stage sorts by.

        Args:
            candidates: n rows with the score of the stage before.
            own: float32 (n,), the score of the stage's own formula.
            among: bool (n,), the rows that the stage is given; all if not given.
        """
        if self.spec.boost:
            own = boosted(own, candidates.source, {self.bits[name]: by for name, by in self.spec.boost.items()})
        if self.spec.fusion:
            among = np.ones(len(candidates), bool) if among is None else among
            own = fused(own, candidates, self.spec.fusion, among)
        return own

    def granted(self, scored: Candidates, among: np.ndarray | None = None) -> np.ndarray:
        """bool (n,): the rows that get through for their source: those that bypass, and the best of each quota.

        Args as in `kept`. Rows of no source change nothing here, so what is granted in a pool is granted in a greater
        one that the sources did not fetch.
        """
        skips = self._of(scored, self.spec.bypass, among)
        granted = skips
        for name, places in self.spec.quota.items():
            eligible = self._of(scored, (name,), among) & ~skips
            granted = granted | top(scored, places, among=eligible)
        return granted

    def kept(self, scored: Candidates, budget: int | np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """bool (n,): the rows that get through.

        Args:
            scored: n rows with what the stage sorts by.
            budget: as `budget` gives it.
            among: bool (n,), the rows that the stage is given; all if not given.
        """
        if not (self.spec.quota or self.spec.bypass):
            return top(scored, budget, among=among)
        granted = self.granted(scored, among)
        return top(scored, self.places(scored, budget, among), np.where(granted, np.inf, scored.score), among)

    def places(self, scored: Candidates, budget: int | np.ndarray, among: np.ndarray | None = None) -> int | np.ndarray:
        """The places of each request, those of the bypass beside the budget: one number or int64 (R,).

        Args as in `kept`.
        """
        if not self.spec.bypass:
            return budget
        skips = self._of(scored, self.spec.bypass, among)
        return budget + np.bincount(scored.request[skips], minlength=scored.requests)

    def _of(self, candidates: Candidates, names: Iterable[str], among: np.ndarray | None) -> np.ndarray:
        """bool (n,): the candidates that the stage is given and one of these sources fetched."""
        fetched = (candidates.source & sum(self.bits[name] for name in names)) > 0
        return fetched if among is None else fetched & among
