"""The whole funnel as data: what a scenario's base file holds, and what an arm resolves to."""

from pydantic import Field, field_validator, model_validator

from funnel.closeness.spec import ClosenessModel, ProxiesSpec
from funnel.errors import unknown
from funnel.features import FEATURE
from funnel.models.spec import TowerTreeSpec
from funnel.retrieval.retrieve import RetrievalSpec
from funnel.spec import Spec
from funnel.stages.admission import AdmissionSpec
from funnel.tasks import BUBBLE, TASK, Formula, chain
from funnel.traffic.spec import LoopSpec, TrafficSpec
from funnel.training.calibration.spec import BY_SURFACE, CalibrationKind
from funnel.training.repair_spec import CascadeSpec
from funnel.training.spec import RankerSpec, TowersSpec
from funnel.world.spec import SyntheticSpec, WorldSpec


class RankSpec(RankerSpec, Formula, AdmissionSpec):
    """A ranking stage: a ranker, the formula over its tasks, and who gets through."""

    calibration: CalibrationKind | None = None
    """how predictions are aligned with what was observed in the log after training: source by source, or by Platt's
    line or an isotonic curve, one for all requests or one for each surface"""
    missing: tuple[str, ...] = ()
    """features that are in the training log and read as 0 at serving: a deployment fault, which leaves what is learnt,
    and every loss on the log, as it is"""

    @field_validator("missing")
    @classmethod
    def _not_context(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in FEATURE and FEATURE[name].side == "context":
                raise ValueError(f"should name features that are known at serving. Found `{name}`, which never is.")
        return names

    @model_validator(mode="after")
    def _read(self):
        problems = [
            f"missing: {unknown(name, self.features, 'a feature that the stage reads')}"
            for name in self.missing
            if name not in self.features
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return self

    @model_validator(mode="after")
    def _predicted(self):
        for task in self.formula:
            if task not in self.tasks:
                raise ValueError(f"formula: {unknown(task, self.tasks, 'a task that the stage predicts')}")
            # Of a bubble a stage may know without predicting it.
            unpredicted = [step for step in chain(task) if step not in (*self.tasks, BUBBLE)]
            if unpredicted:
                raise ValueError(
                    f"formula: `{task}` should count by the probability of its condition `{unpredicted[0]}`. Found a "
                    f"stage that predicts only {', '.join(self.tasks)}. Add `{unpredicted[0]}` to its tasks, or take "
                    f"`{task}` out of the formula."
                )
        if not self.formula:
            raise ValueError("the formula should weigh at least one task. Found none.")
        return self

    def surface_problems(self, stage: str, surfaces: tuple[str, ...]) -> list[str]:
        """What does not go with the surfaces of the world, told of the stage of a name."""
        if isinstance(self.model, TowerTreeSpec) and self.model.surfaces != surfaces:
            found = f"Found {', '.join(surfaces)}." if surfaces else "Found none. Give the world `surfaces`."
            return [
                f"stages.{stage}.model has a tree for each of {', '.join(self.model.surfaces)}, which should be the "
                f"surfaces of the world, in this order. {found}"
            ]
        if surfaces:
            return []
        told = [f"feature `{name}`" for name in self.features if FEATURE[name].surfaced]
        if self.calibration in BY_SURFACE:
            told.append(f"calibration `{self.calibration}`")
        return [
            f"stages.{stage}: {what} tells surfaces apart, so the world should have some. Found none. Give it "
            "`surfaces`, or take it out."
            for what in told
        ]


MISPLACED = (
    ("early", "fusion", "late", "which has no earlier score to blend with"),
    ("late", "segments", "early", "whose survivors are the slate, of one size for all"),
    ("late", "quota", "early", "whose survivors are the slate, which no source has a claim on"),
    ("late", "bypass", "early", "whose survivors are the slate, which it would exceed"),
)
"""a stage, what it cannot do, the stage that can, and why not here"""


class StagesSpec(Spec):
    """The ranking stages, in funnel order."""

    early: RankSpec
    """cheap, over the whole retrieved pool (pre-ranking)"""
    late: RankSpec
    """expensive, over the early survivors; its survivors are the slate"""
    cascade: CascadeSpec | None = None
    """both stages are trained in one optimisation; the early stage then sorts by a score of its own"""

    @model_validator(mode="after")
    def _affordable(self):
        problems = [
            f"`{name}` is a feature that stage `{stage}` cannot afford. It is for: {', '.join(FEATURE[name].stages)}."
            for stage in STAGES
            for name in self.named(stage).features
            if stage not in FEATURE[name].stages
        ]
        problems += [
            f"{stage}.{field}: should stand at stage `{other}`. Found it at `{stage}`, {why}. Take it out."
            for stage, field, other, why in MISPLACED
            if getattr(self.named(stage), field)
        ]
        if not problems and self.late.keep > self.early.least:
            problems.append(
                f"stage `late` keeps {self.late.keep} but receives {self.early.least} from `early`. "
                "Raise `early.keep` or lower `late.keep`."
            )
        if problems:
            raise ValueError(" ".join(problems))
        return self

    @model_validator(mode="after")
    def _teachable(self):
        problems = [*self._teacher_problems(), *self._lesson_problems(), *self._cascade_problems()]
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def _teacher_problems(self) -> list[str]:
        problems = [
            f"`{repair}` teaches the early stage what a later one knows. Found it at stage `late`, which no stage "
            "follows. Take it out."
            for repair in TEACHERS
            if getattr(self.late, repair)
        ]
        if self.early.privileged and not self.privileges:
            problems.append(
                "`privileged` should give the teacher a feature that stage `early` does not read. Found none. Name one "
                "in `early.privileged.features`, or let the late stage read more."
            )
        if self.early.calibration and self.has_own_score("early"):
            problems.append(
                "`early.calibration` corrects what the formula reads. Found a stage that sorts by a score of its own "
                "(`distil` or `cascade`). Take one of them out."
            )
        return problems

    def _lesson_problems(self) -> list[str]:
        if not self.early.distil:
            return []
        return [
            f"`early.distil` teaches the plain score of the late formula. Found `late.{setting}`, by which the late "
            "stage sorts otherwise. Take one of them out."
            for setting in ("calibration", "boost")
            if getattr(self.late, setting)
        ]

    def _cascade_problems(self) -> list[str]:
        if not self.cascade:
            return []
        problems = [
            f"`cascade` trains the early stage beside the late one. Found `early.{repair}`, too. Remove one of them."
            for repair in TEACHERS
            if getattr(self.early, repair)
        ]
        if self.early.train != self.late.train:
            problems.append(
                "`cascade` trains both stages in one optimisation, so their `train` should be the same. Found two."
            )
        problems += [
            f"`cascade` sees all rows for all epochs. Found `train.{setting}`. Take it out."
            for setting in ("patience", "sampling")
            if getattr(self.early.train, setting) or getattr(self.late.train, setting)
        ]
        if self.late.combine != "sum":
            problems.append(
                "`cascade` should descend through a late formula that is a sum. "
                f'Found `combine = "{self.late.combine}"`.'
            )
        return problems

    @property
    def privileges(self) -> tuple[str, ...]:
        """What the privileged teacher reads beyond the early stage's own features."""
        asked = self.early.privileged.features if self.early.privileged else None
        return tuple(name for name in asked or self.late.features if name not in self.early.features)

    def has_own_score(self, stage: str) -> bool:
        """Whether a stage sorts by a score that its ranker was taught, and not by its formula."""
        return stage == "early" and bool(self.early.distil or self.cascade)

    def named(self, stage: str) -> RankSpec:
        """The stage of a name."""
        return getattr(self, stage)


TEACHERS = ("distil", "privileged")
"""the settings of a ranker that give it a teacher"""

STAGES = ("early", "late")
"""the ranking stages by name, in funnel order"""


class EvaluationSpec(Spec):
    """How each arm is examined."""

    requests: int = Field(1_000, ge=1)
    """requests a seed, none of which any model was trained on"""


class ValueFormula(Formula):
    """The true value V of an item: the formula over true probabilities of ALL tasks, the same for every arm."""

    @model_validator(mode="after")
    def _known(self):
        for task in self.formula:
            if task not in TASK:
                raise ValueError(unknown(task, TASK, "a task"))
        if not self.formula:
            raise ValueError("the formula should weigh at least one task. Found none.")
        return self


class FunnelSpec(Spec):
    """Everything that rows are a function of, but the seed."""

    world: WorldSpec = SyntheticSpec()
    """the truth"""
    traffic: TrafficSpec = TrafficSpec()
    """what is logged of it"""
    closeness: ClosenessModel = ProxiesSpec()
    """where the estimate of a friendship's closeness comes from, which decides who may show as a bubble"""
    loop: LoopSpec = LoopSpec()
    """how rounds follow each other, in a scenario that has several"""
    towers: TowersSpec = TowersSpec()
    """the two-tower model behind retrieval"""
    retrieval: RetrievalSpec = RetrievalSpec()
    """candidate generation"""
    stages: StagesSpec
    """the ranking stages"""
    value: ValueFormula
    """what a good item is worth, in truth"""
    evaluation: EvaluationSpec = EvaluationSpec()
    """how arms are examined"""
    replica: int = Field(0, ge=0)
    """which training of the same funnel: each draws other initial weights and shuffles for its towers and rankers"""

    @model_validator(mode="after")
    def _goes_on(self):
        if self.loop.start == "warm" and self.stages.cascade:
            raise ValueError(
                '`loop.start = "warm"` goes on from rankers that were trained one by one. Found `stages.cascade`, '
                "which trains two at once. Take one of them out."
            )
        return self

    @model_validator(mode="after")
    def _cuts_to_learn_from(self):
        wanting = [stage for stage in STAGES if self.stages.named(stage).train.negatives]
        if wanting and not self.traffic.cuts:
            raise ValueError(
                f"stage `{wanting[0]}` learns from logged cuts (`train.negatives`), so `traffic.cuts` should be at "
                "least 1. Found 0. Raise it, or take `negatives` out."
            )
        return self

    @model_validator(mode="after")
    def _asked_on_surfaces(self):
        surfaces = tuple(self.world.surfaces)
        problems = [
            problem for stage in STAGES for problem in self.stages.named(stage).surface_problems(stage, surfaces)
        ]
        if self.evaluation.requests < len(surfaces):
            problems.append(
                f"evaluation.requests: should be at least {len(surfaces)}, since whoever is drawn asks on every "
                f"surface. Found {self.evaluation.requests}."
            )
        if problems:
            raise ValueError(" ".join(problems))
        return self

    @model_validator(mode="after")
    def _funnel(self):
        problems = [
            f"stages.{stage}.{problem}"
            for stage in STAGES
            for problem in self.stages.named(stage).unknown_sources(self.retrieval.sources)
        ]
        early, sources = self.stages.early, self.retrieval.sources
        received = sum(source.budget for name, source in sources.items() if name not in early.bypass)
        if max(early.budgets) > received:
            beside = " beside what bypasses it" if early.bypass else ""
            problems.append(
                f"stage `early` keeps {max(early.budgets)} but receives {received} from `retrieval`{beside}. "
                "Raise the budget of a source or lower `stages.early.keep`."
            )
        if problems:
            raise ValueError(" ".join(problems))
        return self
