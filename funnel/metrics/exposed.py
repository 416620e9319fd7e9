"""Who stands behind the rows of a ledger, as measures of exposure see them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Exposed:
    """Who stands behind the n rows of a ledger, and whether the user knew them."""

    topic: np.ndarray
    """int64 (n,): the community of taste that the item's topic is nearest to"""
    creator: np.ndarray
    """int64 (n,)"""
    topic_known: np.ndarray
    """bool (n,): one of the topics of the videos that the platform remembers the user watched"""
    creator_known: np.ndarray
    """bool (n,)"""
    creators: int
    """that there are"""
