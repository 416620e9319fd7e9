"""What can be observed of a friendship: the inputs of closeness models. Symmetric in its two ends."""

import numpy as np

from funnel.world.observed import Observed

FEATURES = (
    "mutual_friends",
    "mutual_share",
    "messages",
    "contact",
    "friends_lesser",
    "friends_greater",
    "activity_lesser",
    "activity_greater",
    "similarity",
    "reactions_lesser",
    "reactions_greater",
)
"""the columns of `features`, in order"""


def ends(observed: Observed) -> np.ndarray:
    """int64 (E, 2): the two users of every friendship, lower id first."""
    owner = np.repeat(np.arange(len(observed.friend_count)), np.diff(observed.friend_offsets))
    once = owner < observed.friend
    found = np.empty((len(observed.mutual), 2), np.int64)
    found[observed.friend_edge[once]] = np.stack([owner[once], observed.friend[once]], 1)
    return found


def features(observed: Observed) -> np.ndarray:
    """float64 (E, F): the observables of every friendship, each standardised over all of them.

    Counts are logged, days since contact with a minus, so that more is closer. Attributes of the two users (friends,
    past requests, public reactions in the window, which stand for posts) come as the lesser and the greater of the two.
    """
    pair = ends(observed)
    reactions = np.diff(observed.reaction_offsets)
    together = observed.friend_count[pair].sum(1) - observed.mutual
    columns = [
        np.log1p(observed.mutual),
        observed.mutual / np.maximum(together, 1),
        np.log1p(observed.messages),
        -np.log1p(observed.contact_days),
        *_both(observed.friend_count, pair),
        *_both(observed.activity, pair),
        np.einsum("ed,ed->e", observed.interests[pair[:, 0]], observed.interests[pair[:, 1]]),
        *_both(reactions, pair),
    ]
    return standard(np.stack(columns, 1).astype(np.float64))


def _both(counts: np.ndarray, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logs of the lesser and of the greater count of each pair."""
    logs = np.log1p(counts[pair])
    return logs.min(1), logs.max(1)


def standard(columns: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance of every column (n, ...); a column that does not vary becomes zero."""
    if not len(columns):
        return columns
    centred = columns - columns.mean(0)
    return centred / np.maximum(centred.std(0), 1e-9)
