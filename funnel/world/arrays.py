"""Small operations on arrays that the parts of a world share."""

import numpy as np


def distinct(values: np.ndarray) -> np.ndarray:
    """The values once each, ascending. `np.unique` hashes, which at millions of values takes many times as long."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def offsets(owner: np.ndarray, owners: int) -> np.ndarray:
    """int64 (owners + 1,): where each owner's rows begin in arrays sorted by owner."""
    return np.searchsorted(owner, np.arange(owners + 1))


def percentile(values: np.ndarray) -> np.ndarray:
    """float32 (n,) in (0, 1): the share of values that rank lower, ties broken by place."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ((rank + 0.5) / max(len(values), 1)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 rows of length one."""
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def shares(amounts: np.ndarray) -> np.ndarray:
    """float64: amounts as shares of their sum; of float32 they sum to one more closely than these can."""
    return amounts.astype(np.float64) / amounts.sum(dtype=np.float64)
