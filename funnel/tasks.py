"""What can be predicted: the catalogue of tasks, and the law by which the world answers each of them.

To add a task, add one `Task(...)` to `TASKS`. A task with a `law` of its own gets a channel of the engagement oracle, a
label column in the logs and a head in any stage that lists it; nothing else has to be told.

A task may be conditional on another: a conversion needs a click, an engagement on a bubble needs a bubble. Its
probability is then the one *given* that the other happened, and the tasks from the root to it are its chain.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field, model_validator

from funnel.errors import SpecError, unknown
from funnel.spec import Spec

BUBBLE = "bubble"
"""the one task whose outcome a stage may see beforehand: whether the impression would carry a bubble"""


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
    appeal: float = 0.0
    """per sd of item appeal: how well cover and headline sell the item, whatever it holds"""


class Task(Spec):
    """One prediction target."""

    name: str
    kind: Literal["binary", "graded", "regression"] = "binary"
    """happens or not; one of several ordered grades; an amount"""
    channel: str | None = None
    """the channel whose logit decides it; several tasks may read one channel; None where the context decides"""
    reads: Literal["probability", "effective", "seconds", "grades", "any", "context"] = "probability"
    """how the truth is read off the channel: its probability; watching 30 % or more; seconds; how many `grades` the
    watched share reaches; any of `any_of`; or off the context: whether the impression carries a bubble"""
    any_of: tuple[str, ...] = ()
    grades: tuple[float, ...] = ()
    """thresholds of a graded task, rising; its label is how many are reached, from 0 to all"""
    given: str | None = None
    """the binary task that must happen for the label to exist; a conditional head trains and counts only there"""
    law: Law | None = None
    """the default law of the channel; stands at one task of the channel"""
    control: bool = False
    """whether it is there to be useless: told of only where a stage predicts it"""
    wanted: bool = True
    """whether it speaks for the item; what speaks against it gets no negatives from candidates that were cut"""


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
        wanted=False,
        law=Law(base=-5.6, taste=-0.5, quality=-0.6, duration=0.1, tendency=0.2, position=-0.10, friend=-0.5),
    ),
    Task(name="bubble_engage", channel="watch", reads="any", any_of=("long_view", "like", "comment"), given="bubble"),
    Task(
        name="bubble_tap",
        channel="bubble_tap",
        given="bubble",
        law=Law(base=-4.0, taste=0.1, tendency=0.3, position=-0.10, friend=3.0),
    ),
    # New channels stand at the end, so that those before keep their draws.
    Task(name=BUBBLE, reads="context"),
    # A click opens what the item offers (a shop, a profile, a whole article). About 4 % of what is shown, as in Ali-CCP
    # (3.9 % in the ESMM paper). Appeal moves it most: a click is decided by cover and headline, before anybody has seen
    # what is behind, so taste and quality count for less than in watching.
    Task(
        name="click",
        channel="click",
        law=Law(base=-4.8, taste=0.5, quality=0.4, freshness=0.1, tendency=0.5, position=-0.10, friend=1.0, appeal=1.0),
    ),
    # In Ali-CCP 0.5 % of clicks convert, which would leave forty conversions in a log of 200,000 impressions; here it
    # is some 15 %, which leaves about a thousand. Taste and quality decide it more than they decide the click, since
    # now the item has been seen, and quality is observed in part only: whoever is shown and clicks differs from who
    # does not in what decides the conversion, too. The place in the slate is behind whoever has clicked.
    Task(
        name="conversion",
        channel="conversion",
        given="click",
        law=Law(base=-4.3, taste=0.7, quality=0.8, tendency=0.3, friend=0.5),
    ),
    Task(name="watch_grade", kind="graded", channel="watch", reads="grades", grades=(0.1, 0.3, 1.0)),
    # The placebo: one impression in twenty, whoever sees what and where. About as common as a click, so that its head
    # has as much to learn from as the head of an honest task, and nothing to find.
    Task(name="noise", channel="noise", control=True, law=Law(base=-2.944)),
)


def check_catalogue(tasks: Iterable[Task]) -> None:
    """Every condition of the tasks leads to a binary task, and from there to a root.

    Raises:
        SpecError: every parent that is unknown or not binary, and every chain that comes back to itself.
    """
    known = {task.name: task for task in tasks}
    problems = [problem for task in known.values() if (problem := _orphan(task, known))]
    problems += [
        f"Task `{name}`: should not be its own condition. Found {' given '.join(f'`{step}`' for step in loop)}. "
        "Take out one `given`."
        for name in known
        if (loop := _loop(name, known))
    ]
    if problems:
        raise SpecError(problems)


def _orphan(task: Task, known: dict[str, Task]) -> str | None:
    """What is wrong with the task's parent, if anything."""
    if task.given is None:
        return None
    if task.given not in known:
        return f"Task `{task.name}` names a parent that is none: {unknown(task.given, known, 'a task')}"
    if known[task.given].kind != "binary":
        kind = known[task.given].kind
        return f"Task `{task.name}`: its parent should be a binary task. Found `{task.given}`, a {kind} task."
    return None


def _loop(name: str, known: dict[str, Task]) -> list[str] | None:
    """The way from a task through its parents back to it; None where it ends at a root or never comes back."""
    way = [name]
    while (parent := known[way[-1]].given if way[-1] in known else None) is not None:
        way.append(parent)
        if parent == name:
            return way
        if parent in way[:-1]:
            return None
    return None


check_catalogue(TASKS)

TASK: dict[str, Task] = {task.name: task for task in TASKS}


def chain(name: str) -> tuple[str, ...]:
    """The tasks that must happen for the named one to, the root first and the task itself last."""
    parent = TASK[name].given
    return (*chain(parent), name) if parent else (name,)


def parents(tasks: Sequence[str]) -> tuple[int, ...]:
    """The place of each task's parent among the tasks; -1 for a task without one, or whose parent is not among them."""
    places = {name: place for place, name in enumerate(tasks)}
    return tuple(places.get(TASK[name].given or "", -1) for name in tasks)


def channel_laws() -> dict[str, Law]:
    """The default law of every channel, in catalogue order."""
    return {task.channel: task.law for task in TASKS if task.channel and task.law}


class Formula(Spec):
    """Turns task predictions into the one number that a stage sorts by, or into the true value of an item.

    `sum` is sum_k w_k p_k; `product` is prod_k p_k^w_k. Of a conditional task p_k is the probability that it and its
    whole chain happen. Where its condition is seen not to hold (no bubble on the item) it contributes nothing: 0 to a
    sum, 1 to a product. Weights may be negative and change without training.
    """

    formula: dict[str, float] = Field(default_factory=dict)
    """weight of each task"""
    combine: Literal["sum", "product"] = "sum"
    """weighted sum, or product of powers"""

    @model_validator(mode="after")
    def _powers_of_probabilities(self):
        kinds = {task: TASK[task].kind for task in self.formula if task in TASK}
        amounts = [f"`{task}`, a {kind} task" for task, kind in kinds.items() if kind != "binary"]
        if self.combine == "product" and amounts:
            raise ValueError(
                f"formula: a product should weigh binary tasks. Found {' and '.join(amounts)}. Take it out, or say "
                '`combine = "sum"`.'
            )
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tasks whose truth its value needs: those that it weighs, and the chains that lead to them."""
        return tuple(dict.fromkeys(step for task in self.formula for step in chain(task)))
