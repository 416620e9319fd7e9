"""Nearest-neighbour indexes over item vectors (faiss, inner product), and how close each comes to the exact answer."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from funnel.spec import Spec


class Exact(Spec):
    """Every vector is compared: the reference that the others are measured against."""

    kind: Literal["exact"] = "exact"

    def factory(self, items: int) -> str:
        return "Flat"

    def tune(self, index: Any) -> None:
        """Nothing to tune."""

    def compared(self, items: int) -> int:
        """Vectors that a query is compared with."""
        return items


class InvertedFile(Spec):
    """Vectors in lists around centroids; the nearest lists are searched (Sivic and Zisserman 2003)."""

    kind: Literal["inverted_file"] = "inverted_file"
    lists: int = Field(256, ge=1)
    """lists, about the square root of the corpus"""
    probes: int = Field(48, ge=1)
    """lists searched a query"""

    def _lists(self, items: int) -> int:
        """A centroid needs some forty vectors to be trained on, so a small corpus gets fewer lists."""
        return min(self.lists, max(1, items // 40))

    def factory(self, items: int) -> str:
        return f"IVF{self._lists(items)},Flat"

    def tune(self, index: Any) -> None:
        index.nprobe = self.probes

    def compared(self, items: int) -> int:
        lists = self._lists(items)
        return lists + items * min(self.probes, lists) // lists


class HNSW(Spec):
    """A hierarchical navigable small-world graph (Malkov and Yashunin 2018)."""

    kind: Literal["hnsw"] = "hnsw"
    links: int = Field(32, ge=2)
    """neighbours a node keeps"""
    search: int = Field(800, ge=1)
    """nodes held while searching; at least the budget that is asked for"""

    def factory(self, items: int) -> str:
        return f"HNSW{self.links}"

    def tune(self, index: Any) -> None:
        index.hnsw.efSearch = self.search

    def compared(self, items: int) -> int:
        return min(items, self.search * self.links)


IndexSpec = Annotated[Exact | InvertedFile | HNSW, Field(discriminator="kind")]


class Index:
    """An index over I item vectors."""

    def __init__(self, spec: IndexSpec, vectors: np.ndarray):
        """Builds the index; faiss draws its centroids from a seed of its own, which is fixed.

        Args:
            vectors: float32 (I, d).
        """
        import faiss  # late: a spec must not wait for it, and torch has to be imported before it

        vectors = np.ascontiguousarray(vectors, np.float32)
        self.faiss = faiss.index_factory(vectors.shape[1], spec.factory(len(vectors)), faiss.METRIC_INNER_PRODUCT)
        if not self.faiss.is_trained:
            self.faiss.train(vectors)
        self.faiss.add(vectors)
        spec.tune(self.faiss)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """int64 (R, k): items of greatest inner product, best first; -1 where the index found fewer."""
        return self.faiss.search(np.ascontiguousarray(queries, np.float32), k)[1]


def index_recall(index: Index, exact: Index, queries: np.ndarray, k: int) -> float:
    """Mean share of the exact k nearest that the index finds too."""
    found, truth = np.sort(index.search(queries, k), 1), np.sort(exact.search(queries, k), 1)
    items = int(max(found.max(), truth.max())) + 1
    row = np.arange(len(queries))[:, None] * items
    hits = np.isin((row + found)[found >= 0], (row + truth).ravel(), assume_unique=True)
    return float(hits.sum() / truth.size)
