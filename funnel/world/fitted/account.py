"""The account of a fitted world: what the data is, what was made of it, how well, and what had to be assumed."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.intake.load import load
from funnel.spec import Spec
from funnel.world.fitted.build import build
from funnel.world.fitted.factors import fit
from funnel.world.fitted.gains import gains
from funnel.world.fitted.goodness.laws import laws
from funnel.world.fitted.goodness.ranking import ranking
from funnel.world.fitted.social.measure import measure
from funnel.world.fitted.source import cut
from funnel.world.fitted.sources import sources
from funnel.world.fitted.spec import FittedSpec
from funnel.world.fitted.split import Split, split

PARTS = ("engagement", "reactions", "friends")
"""parts of the spec that no data tells, whole"""
NOT_TOLD = "the data does not tell it"
RATE = "mean probability of the task, set by the user"
LAW = "logits of the law of the channel, per sd of each term, as in a synthetic world"


def account(spec: FittedSpec, seed: int) -> dict[str, Any]:
    """Everything that a page tells of a fitted world, as plain JSON; docs/results.md lists the keys.

    The judged fit is made anew without the held-out interactions; the world's own fit has them all.

    Raises:
        InputError: the folder breaks its contract.
    """
    whole = load(Path(spec.source), spec.lenient)
    data = cut(whole, spec.users, spec.items)
    parts = sources(data)
    return {
        "source": data.name,
        "layout": data.layout,
        "counts": _counts(data),
        "whole": _counts(whole),
        "dropped": [vars(drop) for drop in data.dropped],
        "graph": "nearest taste" if data.friends is None else "friends",
        "fitted": [
            {"what": part.what, "origin": part.origin, "how": part.how} for part in parts if part.origin != "assumed"
        ],
        "assumed": [
            *({"what": part.what, "value": part.how, "why": NOT_TOLD} for part in parts if part.origin == "assumed"),
            *(_setting(spec, path) for path in _assumed(spec, data)),
            *({"what": f"rates.{name}", "value": rate, "why": RATE} for name, rate in spec.rates.items()),
            *(_law(spec, channel) for channel in spec.engagement.channels),
        ],
        **_judged(spec, data, seed),
        "laws": laws(data, build(spec, seed)),
    }


def _counts(data: Dataset) -> dict[str, int]:
    return {
        "users": data.users,
        "items": data.items,
        "interactions": len(data.user),
        "friendships": 0 if data.friends is None else len(data.friends),
    }


def _assumed(spec: FittedSpec, data: Dataset) -> list[str]:
    """The settings that the user of the world answers for, by their path in its spec."""
    inside = [f"{part}.{name}" for part in PARTS for name in type(getattr(spec, part)).model_fields]
    lacking = {
        "neighbours": data.friends is None,
        "duration_median": data.duration is None,
        "duration_sigma": data.duration is None,
        "age_mean": data.published is None,
    }
    told = [path for path in inside if path != "engagement.channels"]
    return [*told, "history", "content_noise", *(name for name, absent in lacking.items() if absent)]


def _law(spec: FittedSpec, channel: str) -> dict[str, Any]:
    """One channel's law, without the base if that is solved for."""
    terms = {name: value for name, value in spec.engagement.channels[channel] if value}
    if channel in spec.rates:
        terms.pop("base", None)
    said = ", ".join(f"{name} {value:g}" for name, value in terms.items())
    return {"what": f"engagement.channels.{channel}", "value": said, "why": LAW}


def _setting(spec: Spec, path: str) -> dict[str, Any]:
    """A field of the spec, with its reason as the spec gives it."""
    *parents, name = path.split(".")
    owner = reduce(getattr, parents, spec)
    return {"what": path, "value": getattr(owner, name), "why": type(owner).model_fields[name].description}


def _judged(spec: FittedSpec, data: Dataset, seed: int) -> dict[str, Any]:
    """Quality and social effect, of a fit that has not seen what it is judged on."""
    gain = gains(data)
    speaks = gain > 0  # what is rated low is nothing that a user would come to
    user, item = data.user[speaks], data.item[speaks]
    parts = split(user, item, data.users, data.items, seed)
    seen = parts.rows(user, item)
    factors = fit(spec.factors, data.users, data.items, user[seen], item[seen], gain[speaks][seen], seed)
    social = measure(
        parts,
        factors.taste,
        factors.topic,
        data.friends,
        data.events,
        _refit(spec, seed),
        spec.engagement.cue,
        seed,
    )
    return {"quality": ranking(parts, factors.taste, factors.topic, seed), "social": social}


def _refit(spec: FittedSpec, seed: int) -> Callable[[Split], tuple[np.ndarray, np.ndarray]]:
    def refit(parts: Split) -> tuple[np.ndarray, np.ndarray]:
        user, item = parts.known
        found = fit(spec.factors, parts.users, parts.items, user, item, np.ones(len(user), np.float32), seed)
        return found.taste, found.topic

    return refit
