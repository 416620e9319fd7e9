"""Friendships as measures see them: what an arm's closeness model makes of them, beside the truth."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Edges:
    """E friendships."""

    estimate: np.ndarray
    """float32 (E,): closeness estimate, a percentile over friendships"""
    probability: np.ndarray
    """float32 (E,): estimated probability of being close; nan where the model has none"""
    closeness: np.ndarray
    """float32 (E,): latent"""
    close: np.ndarray
    """bool (E,): among the closest, by the cut that a survey without noise would draw"""
    friends: np.ndarray
    """int64 (E,): friends of the one of the two users who has fewer"""
