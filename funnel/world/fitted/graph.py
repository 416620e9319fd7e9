"""Who is friends with whom: as the data says, or by nearest taste where it says nothing."""

import faiss
import numpy as np

from funnel.intake.dataset import Dataset
from funnel.world.arrays import distinct


def graph(data: Dataset, taste: np.ndarray, neighbours: int) -> np.ndarray:
    """int32 (E, 2): the friendships of the data; where it has none, those of nearest taste."""
    return nearest_taste(taste, neighbours) if data.friends is None else data.friends


def nearest_taste(taste: np.ndarray, neighbours: int) -> np.ndarray:
    """Each user with the users of nearest taste, a stand-in for friendships.

    The graph is made of latent tastes, and bubbles show whose reactions reach whom: so whoever sees bubbles is told of
    tastes by design, and friends share taste more than real ones do. What is found on such a graph speaks of a product
    that connects people by taste, and not of friends.

    Args:
        taste: float32 (U, D), unit length.
        neighbours: whom each user names; a pair counts once if either names the other.

    Returns:
        int32 (E, 2), lower id first, ascending.
    """
    users = len(taste)
    index = faiss.IndexFlatIP(taste.shape[1])
    index.add(taste)
    found = index.search(taste, min(neighbours + 1, users))[1].astype(np.int64)
    # Whoever has a twin in taste need not be found first, or at all: the last of the list goes if oneself is missing.
    other = found != np.arange(users)[:, None]
    named = other & (np.cumsum(other, axis=1) <= neighbours)
    one, two = np.nonzero(named)[0], found[named]
    pairs = distinct(np.minimum(one, two) * users + np.maximum(one, two))
    return np.stack(np.divmod(pairs, users), 1).astype(np.int32)
