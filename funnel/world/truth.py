"""The latent side of a world. Only the engagement oracle, the metrics' truth and the world itself may read it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """Latents of U users, I items and E friendships; with surfaces, users are viewers (`funnel.world.surfaces`)."""

    taste: np.ndarray
    """float32 (U, D), unit length: what is wanted, which on a surface may follow an intent"""
    topic: np.ndarray
    """float32 (I, D), unit length"""
    tendency: np.ndarray
    """float32 (U,): standard normal readiness to engage"""
    quality: np.ndarray
    """float32 (I,): standard normal"""
    appeal: np.ndarray
    """float32 (I,): standard normal, independent of quality: how well cover and headline sell the item"""
    popularity: np.ndarray
    """float32 (I,): expected share of views, sums to one"""
    activity: np.ndarray
    """float32 (U,): expected share of requests, sums to one"""
    closeness: np.ndarray
    """float32 (E,): true closeness in (0, 1)"""


def match(taste: np.ndarray, topic: np.ndarray) -> np.ndarray:
    """The taste term, about standard normal over random pairs: sqrt(D) times the cosine, row by row.

    Args:
        taste, topic: float32 (..., D), unit length.
    """
    return np.einsum("...d,...d->...", taste, topic) * np.float32(np.sqrt(taste.shape[-1]))
