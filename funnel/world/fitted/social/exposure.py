"""Exposure: how many of a user's friends interacted with an item."""

import numpy as np
from scipy.sparse import csr_array

from funnel.candidates import position_in

CHUNK = 2_000
"""users whose friends' items are gathered at a time"""


def exposure(graph: csr_array, did: csr_array, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """int64 (n,): of the people in row `user` of the graph, those who did `item`.

    Args:
        graph: (U, U), entries 1: whose interactions count for whom.
        did: (U, I), entries 1: interactions.
        user, item: int (n,).
    """
    people, items, found = np.unique(user), did.shape[1], np.zeros(len(user), np.int64)
    for start in range(0, len(people), CHUNK):
        part = people[start : start + CHUNK]
        reached = csr_array(graph[part] @ did)
        reached.sort_indices()
        keys = np.repeat(np.arange(len(part)), np.diff(reached.indptr)) * items + reached.indices
        rows = np.flatnonzero((user >= part[0]) & (user <= part[-1]))
        place = position_in(np.searchsorted(part, user[rows]) * items + item[rows], keys)
        found[rows[place >= 0]] = reached.data[place[place >= 0]]
    return found
