"""What a folder of data comes to: compact arrays, whatever the files looked like."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from funnel.intake.drops import Drop

Measure = Literal["count", "rating", "event"]
"""what the weight of an interaction is: how often, how good, or no more than that it happened (1)"""

Events = tuple[np.ndarray, np.ndarray, np.ndarray]
"""user int32, item int32, time float64 (seconds), row-aligned; sorted by user, then time, then item; rows distinct"""


@dataclass(frozen=True)
class Dataset:
    """Interactions of U users and I items, and what else the folder tells. Users and items all have an interaction."""

    name: str
    """the folder's name"""
    layout: str
    files: tuple[Path, ...]
    """what was read"""
    users: int
    items: int
    user_ids: np.ndarray
    """(U,) strings as in the files; numbers in order of number, else in order of text"""
    item_ids: np.ndarray
    """(I,) strings, ordered likewise"""
    user: np.ndarray
    """(n,) int32; rows are sorted by user, then time, then item"""
    item: np.ndarray
    """(n,) int32; a pair stands twice only at different times"""
    weight: np.ndarray
    """(n,) float32, above 0"""
    time: np.ndarray | None
    """(n,) float64, seconds since 1970"""
    measure: Measure
    friends: np.ndarray | None
    """(E, 2) int32, the lower user first, distinct, sorted"""
    friend_weight: np.ndarray | None
    """(E,) float32, above 0; the mean where both directions have one"""
    events: Events | None
    """what users did and when: a timed table of its own where the layout has one, else the interactions, if timed"""
    creator: np.ndarray | None
    """(I,) int32, from 0, in order of the creators' ids"""
    duration: np.ndarray | None
    """(I,) float32, seconds, above 0"""
    published: np.ndarray | None
    """(I,) float64, seconds since 1970"""
    dropped: tuple[Drop, ...]
    """rows that broke a rule (lenient), and rows that have no use"""
