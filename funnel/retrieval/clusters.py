"""Groups of like vectors by k-means (Lloyd 1982), as faiss does it."""

import numpy as np


def clusters(vectors: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each of n vectors, and the centroids.

    Args:
        vectors: float32 (n, d). k: clusters, at most n. seed: of the start.

    Returns:
        int64 (n,), from 0 to k - 1; and float32 (k, d).
    """
    import faiss  # late, as in `index`: torch has to be imported before it

    vectors = np.ascontiguousarray(vectors, np.float32)
    # faiss takes a seed of 31 bits, and warns on the terminal of clusters with fewer than 39 vectors each.
    means = faiss.Kmeans(vectors.shape[1], k, seed=seed % 2**31, min_points_per_centroid=1)
    means.train(vectors)
    return means.index.search(vectors, 1)[1][:, 0], means.index.reconstruct_n(0, k)
