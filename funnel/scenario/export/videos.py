"""The video columns of the layout for every item of a world, from what can be observed of it."""

import numpy as np

from funnel.retrieval.clusters import clusters
from funnel.rng import seed_of
from funnel.scenario.export.clock import uploaded
from funnel.world.observed import Observed

COARSE = 2
"""categories of the first level: RecFlow has two, since its research code pads with a third"""
FINE = 100
"""categories of the second level at most"""
LEAST = 40
"""items that a category of the second level should have on average, at least"""


def videos(observed: Observed, traffic: int, seed: int) -> dict[str, np.ndarray]:
    """int64 (I,) a column of `recflow.VIDEO`.

    Args:
        traffic: requests of the log. seed: of the world.
    """
    items = len(observed.creator)
    coarse, fine = _categories(observed.content, seed)
    return {
        "video_id": np.arange(items),
        "author_id": observed.creator.astype(np.int64),
        "category_level_one": coarse,
        "category_level_two": fine,
        "upload_type": np.zeros(items, np.int64),  # of which the world knows nothing
        "upload_timestamp": uploaded(observed.age, traffic),
        "duration": np.rint(observed.duration * 1000.0).astype(np.int64),
    }


def _categories(content: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """int64 (I,) each: first and second level. Each of the second lies in one of the first.

    They are clusters of the observed content, never the communities that the world draws its topics from.
    """
    least = min(COARSE, len(content))
    fine, centroids = clusters(content, max(least, min(FINE, len(content) // LEAST)), seed_of(seed, "categories", 2))
    coarse, _ = clusters(centroids, least, seed_of(seed, "categories", 1))
    return coarse[fine], fine
