"""A tiny folder of data that tests share: listeners of two tastes, with friends mostly of their own taste."""

from pathlib import Path

import numpy as np
import polars as pl

from funnel.intake.dataset import Dataset
from funnel.intake.load import load

USERS, ITEMS = 60, 80


def folder(at: Path, measure: str = "count", timed: bool = False, friends: bool = True, items: bool = False) -> Path:
    """The folder with its tables written into it.

    Args:
        measure: `count`, `rating` or `event`. timed: whether interactions have times.
        friends, items: whether there is such a table.
    """
    at.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(7)
    user, item = np.nonzero(generator.random((USERS, ITEMS)) < _chances())
    rows = pl.DataFrame({"user": user, "item": item})
    if measure == "count":
        rows = rows.with_columns(weight=np.ceil(generator.lognormal(3, 1, len(user))).astype(int))
    if measure == "rating":
        rows = rows.with_columns(rating=generator.integers(1, 6, len(user)))
    if timed:
        rows = rows.with_columns(time=1_000_000 + generator.permutation(len(user)))
    rows.write_csv(at / "interactions.csv")
    if friends:
        _friends(generator).write_csv(at / "friends.csv")
    if items:
        ids = np.arange(ITEMS)
        columns = {"item": ids, "creator": ids // 4, "duration": 10 + ids, "published": 900_000 + 1_000 * ids}
        pl.DataFrame(columns).write_csv(at / "items.csv")
    return at


def data(at: Path, **how) -> Dataset:
    """What the folder comes to."""
    return load(folder(at, **how))


def _chances() -> np.ndarray:
    """float64 (U, I): low items and even users go together, as high items and odd users do; low numbers are popular."""
    same = (np.arange(USERS)[:, None] % 2) == (np.arange(ITEMS) >= ITEMS // 2)
    return np.where(same, 0.45, 0.05) * (0.5 + 1 / (1 + np.arange(ITEMS) % 40 / 8))


def _friends(generator: np.random.Generator) -> pl.DataFrame:
    low, high = np.triu_indices(USERS, 1)
    kept = generator.random(len(low)) < np.where((low + high) % 2 == 0, 0.2, 0.04)
    return pl.DataFrame({"user": low[kept], "friend": high[kept], "weight": generator.integers(1, 9, kept.sum())})
