"""One arm under one seed: every artifact that its rows are made of, each built at most once and shared by fingerprint.

A piece's recipe holds what it depends on and the names of the pieces that it is made from, so two arms that agree on a
prefix of the funnel meet in the same folder. The round 1 log is served by the *base* funnel, whatever the arm: all arms
are trained on the same log and inherit its selection.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel.candidates import Requests
from funnel.features import Towers
from funnel.retrieval.index import Index, InvertedFile
from funnel.retrieval.retrieve import Retrieve
from funnel.rng import seed_of
from funnel.scenario import fitted
from funnel.scenario.logs import shown
from funnel.scenario.memory import Memory
from funnel.scenario.rankers import Rankers
from funnel.scenario.store import Piece, Store
from funnel.stages.admission import Admission
from funnel.stages.rank import Rank
from funnel.stages.runner import CHUNK, Funnel
from funnel.stages.spec import STAGES, FunnelSpec
from funnel.traffic.arrivals import arrivals
from funnel.traffic.bootstrap import bootstrap
from funnel.traffic.log import cuts, impressions
from funnel.traffic.slates import explored, ranked
from funnel.training.spec import TowersSpec
from funnel.training.towers import load_towers, save_towers, train_towers
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.generate import generate
from funnel.world.world import World


class Lab:
    """Builds and loads the pieces of one arm under one seed."""

    def __init__(
        self,
        base: FunnelSpec,
        arm: FunnelSpec,
        seed: int,
        store: Store,
        device: str = "cpu",
        memory: Memory | None = None,
    ):
        """
        Args:
            base: the funnel that served round 1. arm: the funnel under examination.
            device: where rankers and towers are trained; part of their recipes, since it decides their last bits.
            memory: what is shared with the labs of other arms under this seed.
        """
        self.base, self.arm, self.seed, self.store, self.device = base, arm, seed, store, device
        self.memory = memory or Memory()

    def _piece(self, kind: str, build: Callable[[Path], None], **recipe: Any) -> Piece:
        return Piece(kind, {"seed": self.seed, **recipe}, build)

    # World

    @cached_property
    def world_piece(self) -> Piece:
        spec = self.arm.world
        decided = fitted.recipe(spec, self.memory)
        return self._piece("world", lambda folder: generate(spec, self.seed).save(folder), world=decided)

    @cached_property
    def world(self) -> World:
        piece = self.world_piece
        return self.memory.once("world", piece.name, lambda: World.load(self.store.ensure(piece)))

    @cached_property
    def engagement(self) -> Engagement:
        return self.memory.once("engagement", self.world_piece.name, lambda: Engagement.of(self.world))

    # Round 0: no model

    @cached_property
    def bootstrap_piece(self) -> Piece:
        traffic, slots = self.arm.traffic, self.base.stages.late.keep

        def build(folder: Path) -> None:
            requests = arrivals(self.world, "bootstrap", traffic.bootstrap_requests)
            observed = self.world.observed
            near = Index(InvertedFile(), observed.content)
            k = min(traffic.neighbours, self.world.items)
            parts = []
            for chunk in requests.chunks(CHUNK):
                found = near.search(observed.asked[chunk.user], k)
                found = np.where(found < 0, found[:, :1], found)  # an index may find fewer: the nearest stands in
                slates = bootstrap(chunk, found, observed.past_views, traffic.popular, slots, self.seed)
                parts.append(impressions(self.engagement, chunk, slates, join(observed, chunk.user)))
            pl.concat(parts).write_parquet(folder / "impressions.parquet")

        settings = traffic.model_dump(include={"bootstrap_requests", "neighbours", "popular"})
        return self._piece("bootstrap", build, world=self.world_piece.name, slots=slots, **settings)

    # Models, of either round

    def training_seed(self, replica: int) -> int:
        """The seed of what training draws: the lab's own for replica 0, another one for every further training."""
        return seed_of(self.seed, "replica", replica) if replica else self.seed

    def towers_piece(self, spec: TowersSpec, log: Piece, replica: int) -> Piece:
        seed = self.training_seed(replica)

        def build(folder: Path) -> None:
            save_towers(train_towers(spec, self.log(log), self.world.observed, seed, self.device), folder)

        recipe = {"towers": spec.table(), "log": log.name, "replica": replica, "device": self.device}
        return self._piece("towers", build, **recipe)

    def rankers(self, funnel: FunnelSpec, log: Piece, towers: Piece) -> Rankers:
        """The rankers of a funnel that are trained on a log."""
        return Rankers(
            funnel=funnel,
            log=log,
            towers=towers,
            seed=self.seed,
            training_seed=self.training_seed(funnel.replica),
            store=self.store,
            device=self.device,
            observed=lambda: self.world.observed,
        )

    def log(self, piece: Piece) -> pl.DataFrame:
        return shown(self.store, piece)

    def towers(self, piece: Piece) -> Towers:
        return load_towers(self.store.ensure(piece))

    def rank(self, name: str, rankers: Rankers, retrieve: Retrieve) -> Rank:
        """A trained stage, ready to serve this world behind a retrieval, whose towers it then reads."""
        spec = rankers.stages.named(name)
        server = rankers.load(name).server(retrieve.observed, retrieve.towers, spec.missing)
        return Rank(name, spec, server, retrieve.spec.bits, rankers.calibration(name))

    # Round 1: the base funnel, trained on round 0

    @cached_property
    def traffic_piece(self) -> Piece:
        base, traffic = self.base, self.arm.traffic
        log, replica = self.bootstrap_piece, base.replica
        towers = self.towers_piece(base.towers, log, replica)
        rankers = self.rankers(base, log, towers)

        def build(folder: Path) -> None:
            # The first version has none behind it, so no tower of this retrieval is stale.
            retrieve = Retrieve(base.retrieval, self.world.observed, self.towers(towers))
            funnel = Funnel(retrieve, tuple(self.rank(name, rankers, retrieve) for name in STAGES))
            seen, lost = [], []
            for chunk, bubbles, trace in funnel.serve(arrivals(self.world, "traffic", traffic.requests)):
                slates = explored(
                    ranked(trace["late"].after), trace["retrieval"].after, chunk, traffic.exploration, self.seed
                )
                seen.append(impressions(self.engagement, chunk, slates, bubbles))
                lost.append(cuts(trace, chunk, traffic.cuts, self.seed))
            pl.concat(seen).write_parquet(folder / "impressions.parquet")
            pl.concat(lost).write_parquet(folder / "stages.parquet")

        return self._piece(
            "traffic",
            build,
            towers=towers.name,
            retrieval=base.retrieval.table(),
            stages=base.stages.table(),
            **traffic.model_dump(include={"requests", "exploration", "cuts"}),
        )

    # The arm, trained on round 1

    @cached_property
    def arm_towers(self) -> Piece:
        return self.towers_piece(self.arm.towers, self.traffic_piece, self.arm.replica)

    def arm_ranker(self, name: str) -> Piece:
        """The piece of one stage's ranker."""
        return self.arm_rankers.piece(name)

    @cached_property
    def arm_rankers(self) -> Rankers:
        return self.rankers(self.arm, self.traffic_piece, self.arm_towers)

    def arm_rank(self, name: str) -> Rank:
        return self.rank(name, self.arm_rankers, self.retrieve)

    def admission(self, name: str) -> Admission:
        """The cut of one stage, for which its ranker need not be loaded."""
        return Admission(self.arm.stages.named(name).admission(), self.arm.retrieval.bits, self.world.observed)

    @cached_property
    def retrieve(self) -> Retrieve:
        def make() -> Retrieve:
            return Retrieve(self.arm.retrieval, self.world.observed, self._serving_towers())

        return self.memory.once("retrieve", json.dumps([self.arm_towers.name, self.arm.retrieval.table()]), make)

    def _serving_towers(self) -> Towers:
        """The towers that the arm's rankers were trained with, or one of them a version behind."""
        towers, stale = self.towers(self.arm_towers), self.arm.retrieval.stale
        if not stale:
            return towers
        before = self.towers(self.towers_piece(self.arm.towers, self.bootstrap_piece, self.arm.replica))
        return replace(towers, **{stale: getattr(before, stale)})

    @cached_property
    def requests(self) -> Requests:
        """The requests that every arm of this seed is examined on."""
        return arrivals(self.world, "evaluation", self.arm.evaluation.requests)
