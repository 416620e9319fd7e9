"""What is trained and how, as data: rankers and the two towers. No torch here, so that specs are checked at once."""

from pydantic import Field, field_validator

from funnel.errors import unknown
from funnel.features import FEATURE
from funnel.models.spec import ModelSpec, SharedBottomSpec
from funnel.spec import Spec
from funnel.tasks import TASK


class TrainSpec(Spec):
    """How a model is fitted: Adam, the learning rate falling linearly to zero over the steps."""

    epochs: int = Field(2, ge=1)
    """passes over the rows; industrial rankers take one, small logs bear two or three"""
    batch: int = Field(2048, ge=1)
    """rows a step"""
    rate: float = Field(1e-2, gt=0)
    """learning rate of the first step"""
    weight_decay: float = Field(0.0, ge=0)
    """share of a weight lost a step, per unit of learning rate (decoupled; Loshchilov and Hutter, ICLR 2019)"""


class RankerSpec(Spec):
    """A multi-task ranker: what it reads, what it predicts, its network, its training."""

    features: tuple[str, ...]
    """observables, by name"""
    tasks: tuple[str, ...]
    """prediction targets, by name; the order of the logits"""
    model: ModelSpec = SharedBottomSpec()
    """the architecture"""
    train: TrainSpec = TrainSpec()

    @field_validator("features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _named_once(names, FEATURE, "feature")

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _named_once(names, TASK, "task")

    @property
    def needs_bubbles(self) -> bool:
        """Whether a feature tells of friends, so that the bubbles of the requests must be joined."""
        return any(FEATURE[name].signal == "friend" for name in self.features)

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
    train: TrainSpec = TrainSpec(epochs=3, batch=512)
    """over the positive impressions; each is a negative to all others of its batch"""


def _named_once(names: tuple[str, ...], known: dict, what: str) -> tuple[str, ...]:
    """The names, when there are some, all known, none twice; else a ValueError that the spec's path is put before."""
    if not names:
        raise ValueError(f"should name at least one {what}. Found none.")
    for place, name in enumerate(names):
        if name not in known:
            raise ValueError(unknown(name, known, f"a {what}"))
        if name in names[:place]:
            raise ValueError(f"should name each {what} once. Found `{name}` twice.")
    return names
