"""The context model: what was done while a friend's bubble was on screen, learnt from impressions (Friend Bubbles).

It captures closeness for this very surface and has data only where bubbles were shown: of friends that an estimate and
a policy had picked. What is not the friendship's (the item, its place, who looks, how many friends show) is told to the
regression and left out of the estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from funnel.closeness.edges import standard
from funnel.closeness.logistic import fitted
from funnel.errors import DataError
from funnel.features import FEATURE
from funnel.world.bubbles import join
from funnel.world.observed import Observed

ENGAGED = ("like", "comment", "share", "bubble_tap")
"""what counts as engagement while a bubble is on screen"""
Served = tuple[pl.DataFrame, Observed]
"""`schema.IMPRESSIONS`, and the observables under which they were served"""


@dataclass(frozen=True)
class Seen:
    """n bubble impressions."""

    edge: np.ndarray
    """int64 (n,): friendship with the closest friend shown"""
    engaged: np.ndarray
    """bool (n,)"""
    controls: np.ndarray
    """float64 (n, 4): item's past like rate, position, user's activity, friends shown; logs"""


def seen(logs: Sequence[Served]) -> Seen:
    """The bubble impressions of all logs.

    Raises:
        DataError: a log shows friends whom its observables do not.
    """
    parts = [_seen(log.filter(pl.col("bubble_count") > 0), observed) for log, observed in logs]
    empty = Seen(np.zeros(0, np.int64), np.zeros(0, bool), np.zeros((0, 4)))
    stacked = [np.concatenate([getattr(part, name) for part in (empty, *parts)]) for name in vars(empty)]
    return Seen(*stacked)


def _seen(log: pl.DataFrame, observed: Observed) -> Seen:
    user, item = log["user"].to_numpy(), log["item"].to_numpy()
    users, asker = np.unique(user, return_inverse=True)
    bubbles = join(observed, users)
    row = bubbles.find(asker, item)
    if (row < 0).any():
        raise DataError(
            f"Impressions with a bubble: friends of the user should have reacted to the item. Found none who may show "
            f"for {np.count_nonzero(row < 0)} of {len(row)}. Give each log the observables under which it was served."
        )
    past_like_rate = FEATURE["past_like_rate"].compute(observed)[item, 0]
    position, count = log["position"].to_numpy(), log["bubble_count"].to_numpy()
    counts = np.log1p(np.stack([position, observed.activity[user], count], 1).astype(np.float64))
    engaged = np.any((log.select(ENGAGED) > 0).to_numpy(), axis=1)
    return Seen(bubbles.edge[row, 0].astype(np.int64), engaged, np.column_stack([past_like_rate, counts]))


def fit(impressions: Seen, features: np.ndarray, least: int) -> np.ndarray | None:
    """The part of the logit of engagement that a friendship's observables give, of all friendships.

    Args:
        features: float64 (E, F), of every friendship, standardised.
        least: impressions with engagement, and without, that it takes.

    Returns:
        float64 (E,); None where there are fewer.
    """
    engaged = np.count_nonzero(impressions.engaged)
    if min(engaged, len(impressions.engaged) - engaged) < least:
        return None
    inputs = np.column_stack([features[impressions.edge], standard(impressions.controls)])
    weights = fitted(inputs, impressions.engaged).weights[: features.shape[1]]
    return features @ weights
