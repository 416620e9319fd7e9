"""Quality of items: what their users' weights or ratings tell, and a draw for the rest."""

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.rng import stream


def quality(data: Dataset, seed: int) -> np.ndarray:
    """A draw from the posterior of every item's quality, given how its users weighted it among their items.

    Weights (the logarithm of counts, ratings as they are) are standardised inside each user; an item's are taken as its
    quality plus noise, both normal, with variances from a one-way analysis of variance (the moment estimator) around
    the mean of a typical item. The posterior mean is then the shrunken mean (Efron and Morris 1975). What it leaves
    open is drawn, so that an item with one interaction is as spread as others, and where all weights are alike, quality
    is drawn altogether.

    Returns:
        float32 (I,), about standard normal.
    """
    rows = np.bincount(data.item, minlength=data.items)
    told = _standard_inside(data.user, np.log(data.weight) if data.measure == "count" else data.weight)
    mean = np.bincount(data.item, told, data.items) / rows
    between, within = _variances(told, mean, rows, data.item)
    drawn = stream(seed, "world", "quality").standard_normal(data.items)
    if between <= 0:
        return drawn.astype(np.float32)
    noise = within / between
    trust = rows / (rows + noise)
    typical = np.average(mean, weights=trust)
    expected = trust * (mean - typical) / np.sqrt(between)
    return (expected + np.sqrt(1 - trust) * drawn).astype(np.float32)


def _standard_inside(user: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float64 (n,): values less their user's mean, over their user's sd; 0 for a user whose values are all alike."""
    rows = np.bincount(user)
    apart = values - (np.bincount(user, values) / rows)[user]
    sd = np.sqrt(np.bincount(user, apart**2) / rows)[user]
    return np.divide(apart, sd, out=np.zeros(len(apart)), where=sd > 1e-5)


def _variances(told: np.ndarray, mean: np.ndarray, rows: np.ndarray, item: np.ndarray) -> tuple[float, float]:
    """Variance of item means beyond noise, and of the noise; the first is 0 where it cannot be told."""
    total, items = len(told), len(rows)
    if total == items:
        return 0.0, 1.0
    within = float(((told - mean[item]) ** 2).sum() / (total - items))
    spread = float((rows * (mean - told.mean()) ** 2).sum())
    return (spread - (items - 1) * within) / (total - (rows.astype(float) ** 2).sum() / total), within
