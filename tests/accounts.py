"""Made-up data of people who like what they like, with friends of like taste, and with or without influence."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from funnel.rng import stream
from funnel.world.arrays import unit
from funnel.world.fitted.account import account
from funnel.world.fitted.spec import FittedSpec
from funnel.world.fitted.split import Split
from funnel.world.truth import match

DIMS = 8


class People:
    """Users, items and friendships of which the tastes are known.

    Args:
        homophily: how much taste decides who is friends with whom; 0 is not at all.
    """

    def __init__(self, seed: int, users: int = 900, items: int = 500, homophily: float = 1.5, friends: int = 10):
        self.users, self.items = users, items
        self.draws = stream(seed, "test", "people")
        self.taste = unit(self.draws.standard_normal((users, DIMS)))
        self.topic = unit(self.draws.standard_normal((items, DIMS)))
        self.popularity = self.draws.standard_normal(items)
        self.friends = self._friends(homophily, friends // 2)

    def _friends(self, homophily: float, named: int) -> np.ndarray:
        liking = homophily * match(self.taste[:, None], self.taste[None]) + self.draws.gumbel(size=(self.users,) * 2)
        np.fill_diagonal(liking, -np.inf)
        other = np.argsort(-liking, axis=1)[:, :named]
        pairs = np.stack([np.repeat(np.arange(self.users), named), other.ravel()], 1)
        return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int32)

    @property
    def wishes(self) -> np.ndarray:
        return match(self.taste[:, None], self.topic[None]) + self.popularity

    def chosen(self, wishes: np.ndarray, count: int) -> np.ndarray:
        """bool (U, I): the items that each user takes, one after another, each by a logit choice of what is left."""
        wanted = np.argsort(-(wishes + self.draws.gumbel(size=wishes.shape)), axis=1)[:, :count]
        found = np.zeros(wishes.shape, bool)
        np.put_along_axis(found, wanted, True, axis=1)
        return found

    def split(self, cue: float, known: int = 25, later: int = 8) -> Split:
        """What users chose by themselves, and held out what they chose later, which a friend's choice makes dearer.

        Args:
            cue: log odds that a friend who has an item adds.
        """
        did = self.chosen(self.wishes, known)
        ends = np.concatenate([self.friends, self.friends[:, ::-1]]).T
        graph = csr_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(self.users, self.users))
        exposed = graph @ did.astype(np.float64) > 0
        after = self.chosen(np.where(did, -np.inf, self.wishes + cue * exposed), later)
        pairs = np.flatnonzero((did | after).ravel())
        return Split(self.users, self.items, pairs, after.ravel()[pairs])

    def write(self, folder: Path) -> Path:
        """The people as a folder that a world can be fitted to."""
        user, item = np.nonzero(self.chosen(self.wishes, 20))
        pl.DataFrame({"user": user, "item": item}).write_csv(folder / "interactions.csv")
        pl.DataFrame(self.friends, schema=["user", "friend"]).write_csv(folder / "friends.csv")
        return folder


@cache
def made(friends: bool = True) -> dict[str, Any]:
    """The account of a world that is fitted to such people; as plain JSON, not to be changed."""
    with TemporaryDirectory() as place:
        folder = People(1, users=200, items=120).write(Path(place))
        if not friends:
            (folder / "friends.csv").unlink()
        return account(FittedSpec(source=str(folder)), 0)
