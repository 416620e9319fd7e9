"""What can be predicted: the catalogue of tasks, and the law by which the world answers each of them.

To add a task, add one `Task(...)` to `TASKS`. A task with a `law` of its own gets a channel of the engagement oracle, a
label column in the logs and a head in any stage that lists it; nothing else has to be told.
"""

from typing import Literal

from pydantic import Field

from funnel.spec import Spec


class Law(Spec):
    """How one channel's logit answers to the terms of the engagement oracle.

    Each number multiplies a term that has about unit variance over random (user, item) pairs, so it reads as 'logits
    per standard deviation'. The strength of the whole term is a separate knob of `world.engagement`.
    """

    base: float = 0.0
    """logit of an average user and item, first position, no friend"""
    taste: float = 0.0
    """per sd of the match between user taste and item topic"""
    quality: float = 0.0
    """per sd of item quality"""
    freshness: float = 0.0
    """per sd of freshness (newer is greater)"""
    duration: float = 0.0
    """per sd of log duration (longer is greater)"""
    tendency: float = 0.0
    """per sd of the user's general readiness to engage"""
    position: float = 0.0
    """per log(1 + position); attention fades down the slate"""
    friend: float = 0.0
    """per unit of the friend term: base shift of friend items plus causal effect of the cue"""


class Task(Spec):
    """One prediction target."""

    name: str
    kind: Literal["binary", "regression"] = "binary"
    channel: str
    """the channel whose logit decides it; several tasks may read one channel"""
    reads: Literal["probability", "effective", "seconds", "any"] = "probability"
    """how the truth is read off the channel: its probability; watching 30 % or more; seconds; any of `any_of`"""
    any_of: tuple[str, ...] = ()
    given: Literal["bubble"] | None = None
    """the condition under which the label exists; a conditional head trains and counts only there"""
    law: Law | None = None
    """the default law of the channel; stands at one task of the channel"""


# Rates below are of logged impressions of short-video products; the bases are for random pairs, which engage less than
# what a ranker shows. Like is about 1.5 % of views in KuaiRand (61,363 of 4,192,604 views); watching through is the
# commonest strong signal, comments, shares and follows are some tenths of a percent, explicit negatives rarer still.
# Taste moves watching most; comments and shares answer more to the person who stands behind the item (Friend Bubbles:
# expressive reactions, comments and private shares), so their friend coefficients exceed one.
TASKS: tuple[Task, ...] = (
    Task(
        name="long_view",
        channel="watch",
        law=Law(
            base=-2.5, taste=0.7, quality=0.5, freshness=0.1, duration=-0.4, tendency=0.4, position=-0.10, friend=1.0
        ),
    ),
    Task(name="effective_view", channel="watch", reads="effective"),
    Task(name="watch_seconds", kind="regression", channel="watch", reads="seconds"),
    Task(
        name="like",
        channel="like",
        law=Law(base=-6.0, taste=0.6, quality=0.6, freshness=0.1, tendency=0.8, position=-0.10, friend=1.5),
    ),
    Task(
        name="comment",
        channel="comment",
        law=Law(base=-7.3, taste=0.4, quality=0.4, freshness=0.2, tendency=0.8, position=-0.10, friend=2.0),
    ),
    Task(
        name="share",
        channel="share",
        law=Law(base=-7.3, taste=0.4, quality=0.6, freshness=0.1, tendency=0.6, position=-0.10, friend=2.0),
    ),
    Task(
        name="follow",
        channel="follow",
        law=Law(base=-7.8, taste=0.6, quality=0.6, tendency=0.5, position=-0.10, friend=0.5),
    ),
    Task(
        name="hide",
        channel="hide",
        law=Law(base=-5.6, taste=-0.5, quality=-0.6, duration=0.1, tendency=0.2, position=-0.10, friend=-0.5),
    ),
    Task(name="bubble_engage", channel="watch", reads="any", any_of=("long_view", "like", "comment"), given="bubble"),
    Task(
        name="bubble_tap",
        channel="bubble_tap",
        given="bubble",
        law=Law(base=-4.0, taste=0.1, tendency=0.3, position=-0.10, friend=3.0),
    ),
)

TASK: dict[str, Task] = {task.name: task for task in TASKS}


def channel_laws() -> dict[str, Law]:
    """The default law of every channel, in catalogue order."""
    return {task.channel: task.law for task in TASKS if task.law}


class Formula(Spec):
    """Turns task predictions into the one number that a stage sorts by, or into the true value of an item.

    `sum` is sum_k w_k p_k; `product` is prod_k p_k^w_k. A task whose condition does not hold (no bubble on the item)
    contributes nothing: 0 to a sum, 1 to a product. Weights may be negative and change without training.
    """

    formula: dict[str, float] = Field(default_factory=dict)
    """weight of each task"""
    combine: Literal["sum", "product"] = "sum"
    """weighted sum, or product of powers"""
