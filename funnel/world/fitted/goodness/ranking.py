"""Held-out ranking: do fitted tastes put what a user came to next before what the user did not come to.

Per user all items that the fit has not seen with the user are ranked, held-out ones among them, by popularity alone, by
the taste match alone, and by both together as people meet items by popularity and choose by match (log popularity plus
match, the law that a choice among ever more offers comes to). AUC is the share of pairs of a held-out item and another
that stand in the right order, ties half, and a half where there is no other; recall the share of held-out items among
the first `FIRST`, ties by mid-rank.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from funnel.rng import stream
from funnel.world.fitted.clustered import Clustered, mean
from funnel.world.fitted.split import Split

FIRST = 50
"""items that recall looks at"""
USERS = 2_000
"""most users judged; the interval over so many is narrow"""
CHUNK = 32
"""users ranked at a time"""
SCORERS = ("popularity", "taste", "both")
MEASURES = ("auc", "recall")


def ranking(split: Split, taste: np.ndarray, topic: np.ndarray, seed: int) -> dict[str, Any]:
    """Mean quality over users by measure and scorer, and the differences to popularity, paired by user.

    Args:
        taste, topic: float32 (U, D), (I, D), unit length, fitted on the known pairs of the split.
    """
    found = _by_user(split, taste, topic, seed)
    values = {measure: {name: mean(found[name][measure]) for name in SCORERS} for measure in MEASURES}
    return {
        "users": len(found["both"]["auc"]),
        "interactions": len(split.unknown[0]),
        "first": FIRST,
        "measures": {measure: _told(of_scorers) for measure, of_scorers in values.items()},
    }


def _told(found: Mapping[str, Clustered]) -> dict[str, Any]:
    gains = {name: (found[name] - found["popularity"]).plain() for name in SCORERS[1:]}
    return {"scorers": {name: one.plain() for name, one in found.items()}, "over_popularity": gains}


def _by_user(split: Split, taste: np.ndarray, topic: np.ndarray, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """By scorer and measure: float64, one value a user."""
    user, item = split.unknown
    judged = np.unique(user)
    judged = np.sort(stream(seed, "goodness", "users").permutation(judged)[:USERS])
    popularity = np.log(split.popularity).astype(np.float32)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in SCORERS}
    for start in range(0, len(judged), CHUNK):
        chunk = judged[start : start + CHUNK]
        rows = np.flatnonzero((user >= chunk[0]) & np.isin(user, chunk))
        place, seen = np.searchsorted(chunk, user[rows]), split.did[chunk].toarray() > 0
        affinity = taste[chunk] @ topic.T * np.float32(np.sqrt(taste.shape[1]))
        crowd = np.broadcast_to(popularity, affinity.shape)
        for name, score in zip(SCORERS, (crowd, affinity, affinity + crowd), strict=True):
            parts[name].append(_quality(np.where(seen, np.nan, score), place, item[rows]))
    return {name: dict(zip(MEASURES, np.concatenate(found, axis=1), strict=True)) for name, found in parts.items()}


def _quality(score: np.ndarray, place: np.ndarray, item: np.ndarray) -> np.ndarray:
    """float64 (2, B): AUC and recall of each user of a chunk.

    Args:
        score: float32 (B, I), nan where the fit has seen the pair.
        place, item: int (p,): the held-out pairs, at least one a user.
    """
    own = score[place, item][:, None]
    above = (score[place] > own).sum(1)
    level = (score[place] == own).sum(1) - 1
    held = np.bincount(place, minlength=len(score))
    others = (~np.isnan(score)).sum(1) - held
    # Held-out items among themselves hold half of their own pairs, whatever their order.
    misplaced = np.bincount(place, above + level / 2) - held * (held - 1) / 2
    recall = np.bincount(place, above + level / 2 < FIRST) / held
    auc = 1 - misplaced / np.maximum(held * others, 1)
    return np.stack([np.where(others > 0, auc, 0.5), recall])
