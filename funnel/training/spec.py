"""What is trained and how, as data: rankers and the two towers. No torch here, so that specs are checked at once."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from funnel.balancing.spec import BalancerSpec, DWASpec, StaticSpec
from funnel.errors import unknown
from funnel.features import FEATURE
from funnel.models.spec import ModelSpec, SharedBottomSpec, TowerTreeSpec
from funnel.spec import Spec
from funnel.tasks import BUBBLE, TASK
from funnel.training.repair_spec import DistilSpec, PrivilegedSpec, Stage


class FitSpec(Spec):
    """How any model is fitted: Adam, the learning rate falling linearly to zero over the steps."""

    epochs: int = Field(2, ge=1)
    """passes over the rows; industrial rankers take one, small logs bear two or three"""
    batch: int = Field(2048, ge=1)
    """rows a step"""
    rate: float = Field(1e-2, gt=0)
    """learning rate of the first step"""
    weight_decay: float = Field(0.0, ge=0)
    """share of a weight lost a step, per unit of learning rate (decoupled; Loshchilov and Hutter, ICLR 2019)"""


class TrainSpec(FitSpec):
    """How a ranker is fitted, and which of its rows it sees."""

    held_out: float = Field(0.0, ge=0, lt=1)
    """share of the requests kept out of training, on which the losses of every epoch are told"""
    patience: int | None = Field(None, ge=1)
    """epochs without a better held-out loss after which training stops; the best epoch's weights are kept"""
    head_rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """learning rate of a task's head, by name; `rate` where none is given"""
    sampling: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """share of a binary task's negatives that training sees; predictions stay on the scale of all rows"""
    negatives: tuple[Stage, ...] = ()
    """stages whose logged cuts are rows, too, on which nothing wanted happened; probabilities are then of a population
    that was mostly not shown, so they fall, and only their order means what it did"""

    @field_validator("negatives")
    @classmethod
    def _each_once(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        return _once(stages, "stage")

    @model_validator(mode="after")
    def _patient(self):
        if self.patience is not None and not self.held_out:
            raise ValueError(
                f"`patience` should come with held-out requests. Found `patience = {self.patience}` and "
                "`held_out = 0`. Set `held_out` to 0.1, or take `patience` out."
            )
        return self


def labelled_when_cut(task: str) -> bool:
    """Whether a candidate that a stage cut is a negative of a task.

    A cut is no evidence that something unwanted would have happened or not, and says nothing of amounts and grades.
    Whether a conditional task has a label is known where its condition is a bubble, which can be seen on a candidate.
    """
    known = TASK[task]
    return known.kind == "binary" and known.wanted and task != BUBBLE and known.given in (None, BUBBLE)


class RankerSpec(Spec):
    """A multi-task ranker: what it reads, what it predicts, its network, its training."""

    features: tuple[str, ...]
    """observables, by name"""
    tasks: tuple[str, ...]
    """prediction targets, by name; the order of the logits"""
    model: ModelSpec = SharedBottomSpec()
    """the architecture"""
    balancer: BalancerSpec = StaticSpec()
    """how the losses of the tasks become one update"""
    train: TrainSpec = TrainSpec()
    distil: DistilSpec | None = None
    """early stage only: what it sorts by is a score of its own that it learns from the late stage's"""
    privileged: PrivilegedSpec | None = None
    """early stage only: a teacher that reads more gives soft labels to its tasks"""

    @field_validator("features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _named_once(names, FEATURE, "feature")

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _named_once(names, TASK, "task")

    @model_validator(mode="after")
    def _fitting(self):
        problems = [
            *self._strange_tasks(),
            *self._chain_problems(),
            *self._sampling_problems(),
            *self._balancer_problems(),
            *self._negative_problems(),
            *self._tree_problems(),
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def _strange_tasks(self) -> list[str]:
        """Settings by task that name no task of the ranker."""
        weights = self.balancer.weights if isinstance(self.balancer, StaticSpec) else {}
        settings = {
            "train.head_rates": self.train.head_rates,
            "train.sampling": self.train.sampling,
            "balancer.weights": weights,
        }
        return [
            f"{where}: {unknown(task, self.tasks, 'a task that the ranker predicts')}"
            for where, by_task in settings.items()
            for task in by_task
            if task not in self.tasks
        ]

    @property
    def _chained(self) -> dict[str, str]:
        """Tasks whose loss is chained to a parent, which is told."""
        return {task: str(TASK[task].given) for task in self.tasks if self.model.kind == "esmm" and TASK[task].given}

    def _chain_problems(self) -> list[str]:
        problems = []
        for task, parent in self._chained.items():
            if parent not in self.tasks:
                problems.append(
                    f"model `esmm` chains `{task}` to its parent `{parent}`, which is not among the tasks. "
                    f"Add `{parent}` to the tasks, or take `{task}` out."
                )
            if TASK[task].kind != "binary":
                problems.append(
                    f"model `esmm` should chain binary tasks. Found `{task}`, a {TASK[task].kind} task. "
                    "Take it out, or choose another model."
                )
        return problems

    def _sampling_problems(self) -> list[str]:
        chained = {*self._chained, *self._chained.values()}
        problems = []
        for task in self.train.sampling:
            if task in self.tasks and TASK[task].kind != "binary":
                problems.append(
                    f"train.sampling: should name binary tasks. Found `{task}`, a {TASK[task].kind} task. Take it out."
                )
            if task in chained:
                problems.append(
                    f"train.sampling: should leave the chains of `esmm` whole. Found `{task}`, which is part of one. "
                    "Take it out, or choose another model."
                )
        return problems

    def _balancer_problems(self) -> list[str]:
        if self.balancer.needs_shared and not self.model.shares:
            return [
                f"balancer `{self.balancer.kind}` works on shared parameters. Found a model of kind "
                f"`{self.model.kind}`, which shares none. Choose a model that shares, or another balancer: "
                "static, uncertainty, dwa."
            ]
        if isinstance(self.balancer, DWASpec) and self.train.epochs < 3:
            return [
                "balancer `dwa` compares the losses of two epochs, so `train.epochs` should be at least 3. Found "
                f"{self.train.epochs}. Train for more epochs, or choose another balancer."
            ]
        return []

    def _negative_problems(self) -> list[str]:
        if not self.train.negatives or any(map(labelled_when_cut, self.tasks)):
            return []
        return [
            "train.negatives: should find a task that a cut candidate is a negative of: binary, wanted, and without a "
            f"condition other than a bubble. Found {', '.join(f'`{task}`' for task in self.tasks)}. Add such a task, "
            "or take `negatives` out."
        ]

    def _tree_problems(self) -> list[str]:
        if not isinstance(self.model, TowerTreeSpec):
            return []
        problems = [
            f"model.fusion: {unknown(name, self.features, 'a feature that the ranker reads')}"
            for name in self.model.fused
            if name not in self.features
        ]
        if "surface" in self.model.fused:
            problems.append("model.fusion: `surface` is the same for all rows of a surface. Take it out.")
        if len(self.model.surfaces) > 1 and "surface" not in self.features:
            problems.append(
                "model `tower_tree` runs the tree of the surface that is asked on, so the features should name "
                f"`surface`. Found {', '.join(self.features)}. Add it, or choose another model."
            )
        return problems

    def ranker(self) -> "RankerSpec":
        """Itself without what a subclass adds: the part that decides what is learnt, and names the trained artifact."""
        return RankerSpec(**{name: getattr(self, name) for name in RankerSpec.model_fields})


class TowersSpec(Spec):
    """The two-tower retrieval model: user and item networks into one space, fitted by in-batch sampled softmax."""

    dim: int = Field(32, ge=1)
    """dimensions of the common space"""
    hidden: int = Field(64, ge=1)
    """width of the hidden layer of each tower"""
    temperature: float = Field(0.1, gt=0)
    """divides the cosine of two vectors; small separates near neighbours, large is robust"""
    train: FitSpec = FitSpec(epochs=3, batch=512)
    """over the positive impressions; each is a negative to all others of its batch"""


def _named_once(names: tuple[str, ...], known: dict, what: str) -> tuple[str, ...]:
    """The names, when there are some, all known, none twice; else a ValueError that the spec's path is put before."""
    if not names:
        raise ValueError(f"should name at least one {what}. Found none.")
    for name in names:
        if name not in known:
            raise ValueError(unknown(name, known, f"a {what}"))
    return _once(names, what)


def _once(names: tuple, what: str) -> tuple:
    """The names, when none stands there twice."""
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"should name each {what} once. Found `{name}` twice.")
    return names
