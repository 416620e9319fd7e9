"""Small folders of data as users bring them: listeners in two groups of taste, and friendships mostly inside them."""

from pathlib import Path

import numpy as np
import polars as pl

from funnel.rng import stream

USERS, ITEMS = 60, 90


def people(folder: Path, friends: bool = True) -> Path:
    """Writes `interactions.csv` and, if asked, `friends.csv`; returns the folder."""
    generator = stream(0, "tests", "people")
    group = np.arange(USERS) % 2
    rows = {(user, int(item)) for user in range(USERS) for item in generator.choice(ITEMS // 2, 12) * 2 + group[user]}
    rows |= {(user, int(generator.integers(ITEMS))) for user in range(USERS) for _ in range(4)}
    user, item = np.array(sorted(rows)).T
    folder.mkdir(parents=True, exist_ok=True)
    counts = generator.integers(1, 50, len(user))
    pl.DataFrame({"user": user, "item": item, "weight": counts}).write_csv(folder / "interactions.csv")
    if friends:
        met = generator.integers(USERS, size=(260, 2))
        kept = met[(met[:, 0] < met[:, 1]) & ((group[met[:, 0]] == group[met[:, 1]]) | (generator.random(260) < 0.2))]
        pl.DataFrame(np.unique(kept, axis=0), schema=["user", "friend"]).write_csv(folder / "friends.csv")
    return folder
