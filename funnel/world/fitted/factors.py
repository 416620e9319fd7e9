"""Tastes and topics by implicit matrix factorisation, brought to the scale on which worlds speak of a match."""

from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from funnel.rng import stream
from funnel.world.fitted.spec import FactorsSpec

ROUNDS = 8
"""rounds of taking the mean off and going back to unit length; after five the mean is under a thousandth"""


@dataclass(frozen=True)
class Factors:
    """Tastes of U users and topics of I items."""

    taste: np.ndarray
    """float32 (U, D), unit length"""
    topic: np.ndarray
    """float32 (I, D), unit length"""


def fit(
    spec: FactorsSpec, users: int, items: int, user: np.ndarray, item: np.ndarray, gain: np.ndarray, seed: int
) -> Factors:
    """Factors of the interactions (Hu, Koren and Volinsky 2008: alternating least squares, confidence-weighted).

    The preference is 1 where something speaks for the item, with confidence 1 + `confidence` times its gain, and 0 with
    confidence 1 elsewhere. We differ in what is made of the factors: their means are taken off and they are brought to
    unit length, so that popularity, which is a world's other term, sits in no vector, and the match (sqrt(D) times the
    cosine) is about standard normal over random pairs. How far a fit can be trusted is lost with the length: an
    item with one interaction has the taste of who made it. Users and items for which nothing speaks
    get a direction drawn at random.

    Args:
        user, item: int (n,); gains of a pair that stands twice are added.
        gain: float32 (n,), `gains`; rows of 0 say nothing.
        seed: of the fit's start.
    """
    speaks = gain > 0
    pairs = (user[speaks], item[speaks])
    matrix = csr_matrix((gain[speaks].astype(np.float32), pairs), shape=(users, items))
    matrix.data = 1 + np.float32(spec.confidence) * matrix.data
    model = AlternatingLeastSquares(
        factors=spec.dims,
        regularization=spec.regularization,
        iterations=spec.iterations,
        num_threads=1,
        random_state=stream(seed, "world", "factors"),
    )
    with threadpool_limits(1):
        model.fit(matrix, show_progress=False)
    unheard = stream(seed, "world", "unheard")
    return Factors(
        _directions(model.user_factors, np.diff(matrix.indptr) > 0, unheard),
        _directions(model.item_factors, np.bincount(matrix.indices, minlength=items) > 0, unheard),
    )


def _directions(factors: np.ndarray, heard: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """float32 (n, D): unit vectors around a mean of zero, at random for rows that are not bool (n,) `heard`."""
    directions = _lengthened(generator.standard_normal(factors.shape))
    vectors = _lengthened(factors[heard].astype(np.float64))
    for _ in range(ROUNDS):
        vectors = _lengthened(vectors - vectors.mean(0))
    # A factor that vanished, or that is nothing but the mean, has no direction of its own.
    sound = np.linalg.norm(vectors, axis=1) > 0.5
    directions[np.flatnonzero(heard)[sound]] = vectors[sound]
    return directions.astype(np.float32)


def _lengthened(vectors: np.ndarray) -> np.ndarray:
    """float64 rows of length one; rows that are as good as zero become zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), 0.0)
