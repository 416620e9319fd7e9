"""What a folder of stage logs holds: which column is what, and which stages the funnel has.

The layout of RecFlow spells this out by itself; a team's own logs say it in `columns.toml` beside the files.
"""

from collections.abc import Iterator

from pydantic import Field, field_validator, model_validator

from funnel.errors import unknown
from funnel.spec import Spec

OWN_SLICES = {"all", "friend", "other", "impressed", "unimpressed"}
"""slices that every audit may tell of"""


class Columns(Spec):
    """Columns that a log has one of."""

    request: str
    """id of the request, integer or text"""
    user: str
    """id of who asks, integer or text; requests of one user go together in the intervals"""
    item: str
    """id of the candidate, integer or text"""
    time: str | None = None
    """when the request was made, in milliseconds since 1970; for the days that a log spans, and as a check"""
    stage: str | None = None
    """name of the last stage whose output the row is in; else `reach` says it by 0/1 columns"""
    source: str | None = None
    """bitmask of the sources that fetched the candidate"""
    bubble_count: str | None = None
    """friends shown on the candidate; rows with one or more are the slice `friend`"""
    reference: str | None = None
    """score of a judge that is not the late stage itself, on every candidate"""


class LogSpec(Spec):
    """How the rows of a log are read."""

    layout: str = "own"
    """name of the layout, as results tell it"""
    columns: Columns
    stages: tuple[str, ...] = Field(min_length=2)
    """in funnel order, retrieval first; what is in the output of the last one was shown"""
    early: str
    """the stage that stands for the early one in measures of two stages"""
    late: str
    """the stage whose ranking of the whole pool judges what the early one cut"""
    reach: dict[str, str] = Field(default_factory=dict)
    """by 0/1 column: the stage whose output a row with a 1 is in, at least"""
    cut: tuple[str, ...] = ()
    """those of them that say that the row went no further"""
    scores: dict[str, str] = Field(default_factory=dict)
    """by stage: the column that it sorts by, greatest first; null where the stage did not score the row"""
    ranks: dict[str, str] = Field(default_factory=dict)
    """by stage without a score: the column of places in its ranking, 1 is best; 0 or null where not ranked"""
    predictions: dict[str, dict[str, str]] = Field(default_factory=dict)
    """by stage and task: the column of predictions, probabilities of binary tasks"""
    labels: dict[str, str] = Field(default_factory=dict)
    """by task: the column of what happened, 0 or 1 of a binary task; null where it could not happen"""
    slices: tuple[str, ...] = ()
    """columns of few values, by each of which measures are told apart"""
    sources: tuple[str, ...] = Field((), max_length=16)
    """names of the sources, from the lowest bit up"""
    funnel: dict[str, float] = Field(default_factory=dict)
    """by stage: how many candidates a request it really puts out, told beside what the log counts"""
    slate: int | None = Field(None, ge=1)
    """places of the slate; the commonest number of shown rows if not given"""
    keep: int | None = Field(None, ge=1)
    """places of the early stage; each request's own number of survivors if not given"""
    sampled: bool = False
    """whether the rows are a sample of each stage's candidates, so that counts of them are not the funnel's"""

    @model_validator(mode="after")
    def _stages_are_known(self):
        strange = [
            f"{at}: {unknown(stage, known, 'a stage here')}" for at, stage, known in self._named() if stage not in known
        ]
        if strange:
            raise ValueError(" ".join(strange))
        if self.stages.index(self.early) >= self.stages.index(self.late):
            raise ValueError(f"early: should come before `{self.late}`. Found `{self.early}`.")
        if (self.columns.stage is None) == (not self.reach):
            raise ValueError("reach: should be given where `columns.stage` is not, and only there.")
        return self

    def _named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(where, stage, stages that it may be) of every place that names a stage."""
        ranking = self.stages[1:]
        yield from (("early", self.early, ranking), ("late", self.late, ranking))
        for table in ("scores", "ranks", "predictions"):
            yield from ((table, stage, ranking) for stage in getattr(self, table))
        yield from ((f"reach.{column}", stage, self.stages) for column, stage in self.reach.items())
        yield from (("funnel", stage, self.stages) for stage in self.funnel)

    @field_validator("slices")
    @classmethod
    def _slices_have_names_of_their_own(cls, slices: tuple[str, ...]):
        if taken := set(slices) & OWN_SLICES:
            raise ValueError(f"should not be called like slices that are there. Found {', '.join(sorted(taken))}.")
        return slices

    @property
    def shown(self) -> str:
        """The last stage."""
        return self.stages[-1]

    @property
    def scored(self) -> tuple[str, ...]:
        """The stages of which scores or ranks are known, in funnel order."""
        return tuple(stage for stage in self.stages if stage in self.scores or stage in self.ranks)

    @property
    def used(self) -> tuple[str, ...]:
        """Every column of the files that is read."""
        single = [name for name in self.columns.model_dump().values() if name]
        predicted = [name for of_stage in self.predictions.values() for name in of_stage.values()]
        tables = [*self.reach, *self.scores.values(), *self.ranks.values(), *self.labels.values()]
        return tuple(dict.fromkeys([*single, *tables, *predicted, *self.slices]))
