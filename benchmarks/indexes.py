"""Nearest-neighbour indexes: queries per second at the base's budget, and the recall that the speed is bought with."""

import numpy as np

from benchmarks.bed import ARMS, Bed
from benchmarks.clock import alternating, one_thread
from benchmarks.figure import Figure
from funnel.retrieval.index import HNSW, Exact, Index, index_recall
from funnel.retrieval.sources import Nearest
from funnel.stages.runner import CHUNK

RECALL = 0.9
"""share of the exact nearest that an index should find"""


def indexes(bed: Bed) -> list[Figure]:
    retrieve = bed.funnel(ARMS[0]).retrieve
    items, queries = retrieve.towers.item, retrieve.towers.user[bed.requests().user]
    own = next(source for source in retrieve.spec.sources.values() if isinstance(source, Nearest))
    budget = min(own.budget, len(items) // 2)
    specs = (Exact(), own.index, HNSW())
    built = [Index(spec, items) for spec in specs]
    chunks = [queries[start : start + CHUNK] for start in range(0, len(queries), CHUNK)]

    def search(index: Index) -> None:
        for chunk in chunks:
            index.search(chunk, budget)

    def bare() -> None:
        for chunk in chunks:
            np.argpartition(chunk @ items.T, -budget, axis=1)

    with one_thread():
        *ours, floor = alternating(
            *(lambda index=index: search(index) for index in built), bare, rounds=bed.size.rounds
        )
    recalls = [index_recall(index, built[0], queries, budget) for index in built]
    return [
        Figure(
            what=f"index `{spec.kind}`, {budget} nearest, one thread",
            ours=len(queries) / taken,
            unit="queries/s",
            floor=len(queries) / floor,
            floor_is="bare product with all items and argpartition",
            aim=f"recall {RECALL}",
            met=bool(recall >= RECALL),
            remark=f"recall {recall:.3f}",
        )
        for spec, taken, recall in zip(specs, ours, recalls, strict=True)
    ]
