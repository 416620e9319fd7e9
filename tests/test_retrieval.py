"""Indexes against the exact answer, and sources within their budgets."""

import numpy as np
import pytest

from funnel.candidates import Requests
from funnel.features import Towers
from funnel.retrieval.index import HNSW, Exact, Index, InvertedFile, index_recall
from funnel.retrieval.retrieve import RetrievalSpec, Retrieve
from funnel.retrieval.sources import Fresh, FriendsReacted, Nearest, Popular
from funnel.world.bubbles import join
from funnel.world.world import World

INDEXES = (Exact(), InvertedFile(lists=16, probes=8), HNSW(links=16, search=64))


def _towers(world: World) -> Towers:
    random = np.random.default_rng(0)
    return Towers(
        random.standard_normal((world.users, 8), np.float32), random.standard_normal((world.items, 8), np.float32)
    )


def _retrieve(world: World, **sources) -> tuple[Retrieve, Requests]:
    requests = Requests(np.arange(40), np.arange(40) * 7)
    return Retrieve(RetrievalSpec(sources=sources), world.observed, _towers(world)), requests


@pytest.mark.parametrize("spec", INDEXES, ids=lambda spec: spec.kind)
def test_every_index_comes_near_the_exact_answer(world, spec):
    towers = _towers(world)
    index, exact = Index(spec, towers.item), Index(Exact(), towers.item)
    recall = index_recall(index, exact, towers.user[:100], 20)
    assert recall == 1 if spec.kind == "exact" else 0.7 < recall <= 1, recall
    assert 0 < spec.compared(world.items) <= world.items
    assert np.array_equal(index.search(towers.user[:9], 5), Index(spec, towers.item).search(towers.user[:9], 5))


def test_the_exact_index_is_a_sorted_matrix_product(world):
    towers = _towers(world)
    found = Index(Exact(), towers.item).search(towers.user[:10], 6)
    assert np.array_equal(found, np.argsort(-towers.user[:10] @ towers.item.T, axis=1)[:, :6])


def test_index_recall_counts_shared_items(world):
    towers = _towers(world)
    exact, poor = Index(Exact(), towers.item), Index(InvertedFile(lists=16, probes=1), towers.item)
    queries = towers.user[:30]
    found, truth = poor.search(queries, 10), exact.search(queries, 10)
    by_hand = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    assert index_recall(poor, exact, queries, 10) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    "source", [Nearest(budget=30), FriendsReacted(budget=12), Popular(budget=9), Fresh(budget=9)], ids=lambda s: s.kind
)
def test_every_source_keeps_its_budget_and_gives_no_item_twice(world, source):
    retrieve, requests = _retrieve(world, only=source)
    pool = retrieve(requests, join(world.observed, requests.user)).checked(world.items)
    assert 0 < pool.counts.max() <= source.budget
    assert (pool.source == 1).all()


def test_the_friends_source_prefers_the_closest(world):
    retrieve, requests = _retrieve(world, friends=FriendsReacted(budget=5))
    bubbles = join(world.observed, requests.user)
    pool = retrieve(requests, bubbles)
    for request in range(len(requests)):
        closeness = bubbles.closeness[bubbles.offsets[request] : bubbles.offsets[request + 1]]
        chosen = bubbles.closeness[bubbles.at(pool)[pool.request == request]]
        assert np.allclose(np.sort(chosen), np.sort(closeness)[-5:])


def test_the_union_has_each_pair_once_with_all_its_sources(world):
    parts = {"nearest": Nearest(budget=60), "friends": FriendsReacted(budget=40), "popular": Popular(budget=80)}
    retrieve, requests = _retrieve(world, **parts)
    bubbles = join(world.observed, requests.user)
    union = retrieve(requests, bubbles).checked(world.items)
    sources = {}
    for bit, (name, source) in enumerate(parts.items()):
        alone = _retrieve(world, **{name: source})[0](requests, bubbles)
        for key in alone.keys(world.items).tolist():
            sources[key] = sources.get(key, 0) | 1 << bit
    assert dict(zip(union.keys(world.items).tolist(), union.source.tolist(), strict=True)) == sources


def test_an_expensive_index_costs_more(world):
    cheap, _ = _retrieve(world, nearest=Nearest(budget=5, index=InvertedFile(lists=16, probes=1)))
    dear, _ = _retrieve(world, nearest=Nearest(budget=5, index=Exact()))
    none, _ = _retrieve(world, popular=Popular(budget=5))
    assert 0 == none.macs < cheap.macs < dear.macs == world.items * 8
    assert none.recall(np.arange(5)) == 1.0
