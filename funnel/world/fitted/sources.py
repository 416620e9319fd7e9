"""Where everything in a fitted world comes from: observed, fitted or assumed, written once and next to the code."""

from dataclasses import dataclass
from typing import Literal

from funnel.intake.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """One part of the world."""

    what: str
    """in words"""
    arrays: tuple[str, ...]
    """its arrays in `Truth` and `Observed`"""
    origin: Literal["observed", "fitted", "assumed"]
    how: str


def sources(data: Dataset) -> tuple[Source, ...]:
    """Every array of a world of the data, each in one part."""
    return (*_fitted(data), *_people(data), *_graph(data), *_catalogue(data), *_assumed(data))


def _fitted(data: Dataset) -> tuple[Source, ...]:
    weights = {"count": "counts", "rating": "ratings", "event": "interactions"}[data.measure]
    alike = data.weight.min() == data.weight.max()
    return (
        Source(
            "tastes and topics",
            ("taste", "topic"),
            "fitted",
            f"implicit matrix factorisation of the {weights}, popularity taken off, unit length",
        ),
        Source("quality", ("quality",), "assumed", "drawn, as all weights are alike")
        if alike
        else Source("quality", ("quality",), "fitted", f"shrunken mean of the {weights} inside users, the rest drawn"),
        Source(
            "content of items",
            ("content", "interests"),
            "fitted",
            "topics read with noise; of a user, those of the history",
        ),
    )


def _people(data: Dataset) -> tuple[Source, ...]:
    uses = "sum of a user's counts" if data.measure == "count" else "a user's interactions"
    which = "a sample by weight" if data.time is None else "latest, those of one time by lot"
    return (
        Source("activity", ("activity",), "observed", uses),
        Source("popularity and views", ("popularity", "past_views"), "observed", "an item's interactions"),
        Source("history", ("history",), "observed", f"the user's own items, {which}"),
        Source(
            "who reacted to what",
            ("reaction_offsets", "reaction_item"),
            "observed",
            f"the user's own items that the data speaks for, {which}; how many is assumed",
        ),
    )


def _graph(data: Dataset) -> tuple[Source, ...]:
    arrays = ("friend_offsets", "friend", "friend_edge", "friend_count", "mutual")
    messages = Source("messages", ("messages",), "assumed", "drawn from closeness")
    if data.friends is None:
        return (Source("friendships", arrays, "fitted", "no friends in the data: nearest taste stands in"), messages)
    if data.friend_weight is not None:
        messages = Source("messages", ("messages",), "observed", "the weight of the friendship")
    return (Source("friendships", arrays, "observed", "as the data says"), messages)


def _catalogue(data: Dataset) -> tuple[Source, ...]:
    return (
        _given("creators", "creator", data.creator is not None, "every item its own"),
        _given("lengths", "duration", data.duration is not None, "log-normal"),
        _given("ages", "age", data.published is not None, "exponential"),
    )


def _given(what: str, array: str, given: bool, otherwise: str) -> Source:
    if given:
        return Source(what, (array,), "observed", "as the data says")
    return Source(what, (array,), "assumed", otherwise)


def _assumed(data: Dataset) -> tuple[Source, ...]:
    weight = "" if data.friend_weight is None else "; the noise goes with the weight of the friendship"
    return (
        Source("readiness to engage", ("tendency",), "assumed", "standard normal over users"),
        Source("surfaces", ("surface", "intent"), "assumed", "one, on which nobody asks for anything in particular"),
        Source("appeal", ("appeal",), "assumed", "standard normal over items"),
        Source("arrivals", ("arrived",), "assumed", "all items were there from the start, and none comes later"),
        Source(
            "closeness",
            ("closeness", "contact_days", "eligible"),
            "assumed",
            f"drawn from mutual friends and noise{weight}; days of contact follow it, "
            "the estimate is made of what shows",
        ),
        Source("kinds of reaction", ("reaction_kind",), "assumed", "expressive ones at a set share"),
        Source("likes and clicks counted", ("past_likes", "past_clicks"), "assumed", "drawn by the laws of engagement"),
    )
