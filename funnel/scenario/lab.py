"""One arm under one seed in one round: every artifact that its rows are made of, each built at most once and shared by
fingerprint.

A piece's recipe holds what it depends on and the names of the pieces that it is made from, so two arms that agree on a
prefix of the funnel meet in the same folder. The log of round 1 is served by the *base* funnel, whatever the arm: all
arms are trained on the same log and inherit its selection. What comes after it an arm has served itself: the lab of a
round knows the lab of the round before, whose funnel served the newest log.
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
from funnel.closeness.estimate import Estimate, estimate
from funnel.closeness.spec import Asking, ProxiesSpec, Refreshed
from funnel.features import Towers
from funnel.retrieval.index import Index, InvertedFile
from funnel.retrieval.retrieve import Retrieve
from funnel.rng import seed_of
from funnel.scenario import fitted
from funnel.scenario.logs import shown
from funnel.scenario.memory import Memory
from funnel.scenario.rankers import Rankers, Served
from funnel.scenario.scenery import Scenery
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
from funnel.training.towers import train_towers
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.generate import generate
from funnel.world.observed import Observed
from funnel.world.survey import ask
from funnel.world.synthetic.drift import drift
from funnel.world.world import World

ESTIMATE = "estimate"
"""folder of a scene that holds what the closeness model made"""


class Lab:
    """Builds and loads the pieces of one arm under one seed in one round."""

    def __init__(
        self,
        base: FunnelSpec,
        arm: FunnelSpec,
        seed: int,
        store: Store,
        device: str = "cpu",
        memory: Memory | None = None,
        before: "Lab | None" = None,
    ):
        """
        Args:
            base: the funnel that served round 1. arm: the funnel under examination.
            device: where rankers and towers are trained; part of their recipes, since it decides their last bits.
            memory: what is shared with the labs of other arms under this seed.
            before: the arm in the round before; None in the first.
        """
        self.base, self.arm, self.seed, self.store, self.device = base, arm, seed, store, device
        self.memory = memory or Memory()
        self.before = before
        self.round: int = before.round + 1 if before else 1
        self.scenery = Scenery(store, self.memory)

    def _piece(self, kind: str, build: Callable[[Path], None], **recipe: Any) -> Piece:
        return Piece(kind, {"seed": self.seed, **recipe}, build)

    # Scenes: the world at some time, and who may show as a bubble in it

    @cached_property
    def origin(self) -> Piece:
        """The world as it is drawn or fitted, before anything was served."""
        spec = self.arm.world
        decided = fitted.recipe(spec, self.memory)
        return self._piece("world", lambda folder: generate(spec, self.seed).save(folder), world=decided)

    @cached_property
    def start(self) -> Piece:
        """The scene of round 0, when no log has been written."""
        return self._first_scene(())

    @cached_property
    def world_piece(self) -> Piece:
        """The scene in which the arm is examined, and then serves."""
        return self._later_scene(self.before) if self.before else self._first_scene(self.logs)

    @property
    def world(self) -> World:
        return self.scenery.world(self.world_piece)

    @property
    def engagement(self) -> Engagement:
        return self.scenery.engagement(self.world_piece)

    def _first_scene(self, logs: tuple[Served, ...]) -> Piece:
        """The world of rounds 0 and 1 under the closeness that can be known from some logs."""
        if isinstance(self.arm.closeness, ProxiesSpec):  # which is what a world comes with
            return self.origin
        known = logs if self.arm.closeness.watches else ()

        def build(folder: Path) -> None:
            world = self.scenery.world(self.origin)
            self._write_scene(folder, world, self._estimate(world, known))

        return self._piece("scene", build, world=self.origin.name, **self._estimated(known))

    def _later_scene(self, before: "Lab") -> Piece:
        """The world a round later, the closeness estimate anew where that is due."""
        served, known = before.own, self.recent if self.arm.closeness.watches and self._due else ()

        def build(folder: Path) -> None:
            world = drift(before.world, self.round, self.log(served.log))
            found = self._estimate(world, known) if self._due else before.estimate
            assert found is not None
            self._write_scene(folder, world, found)

        return self._piece("scene", build, served=served.name, round=self.round, **self._estimated(known))

    def _write_scene(self, folder: Path, world: World, found: Estimate) -> None:
        threshold = world.spec.reactions.threshold
        replace(world, observed=world.observed.with_closeness(found.percentile, threshold)).save(folder)
        (folder / ESTIMATE).mkdir()
        found.save(folder / ESTIMATE)

    @property
    def _due(self) -> bool:
        """Whether the closeness model is asked again in this round."""
        spec = self.arm.closeness
        return not isinstance(spec, Refreshed) or (self.round - 1) % spec.every == 0

    def _estimated(self, known: tuple[Served, ...]) -> dict[str, Any]:
        return {"closeness": self.arm.closeness.table(), "due": self._due, "logs": [one.name for one in known]}

    def _estimate(self, world: World, known: tuple[Served, ...]) -> Estimate:
        spec = self.arm.closeness
        survey = ask(world, spec.answers, spec.close, spec.noise, self.round) if isinstance(spec, Asking) else None
        logs = [(self.log(one.log), self.scenery.observed(one.scene)) for one in known]
        latent = world.truth.closeness if spec.cheats else None
        return estimate(spec, world.observed, survey, logs, self.seed, self.round, latent)

    @property
    def estimate(self) -> Estimate | None:
        """What the closeness model made for this scene; None where it is the rule of thumb that the world came with."""
        folder = self.store.ensure(self.world_piece) / ESTIMATE
        return Estimate.load(folder) if folder.exists() else None

    # Round 0: no model

    @cached_property
    def bootstrap_piece(self) -> Piece:
        traffic, slots = self.arm.traffic, self.base.stages.late.keep

        def build(folder: Path) -> None:
            world, engagement = self.scenery.world(self.start), self.scenery.engagement(self.start)
            requests = arrivals(world, "bootstrap", traffic.bootstrap_requests)
            observed = world.observed
            near = Index(InvertedFile(), observed.content)
            k = min(traffic.neighbours, world.items)
            parts = []
            for chunk in requests.chunks(CHUNK):
                found = near.search(observed.asked[chunk.user], k)
                found = np.where(found < 0, found[:, :1], found)  # an index may find fewer: the nearest stands in
                slates = bootstrap(chunk, found, observed.past_views, traffic.popular, slots, self.seed)
                parts.append(impressions(engagement, chunk, slates, join(observed, chunk.user)))
            pl.concat(parts).write_parquet(folder / "impressions.parquet")

        settings = traffic.model_dump(include={"bootstrap_requests", "neighbours", "popular"})
        return self._piece("bootstrap", build, world=self.start.name, slots=slots, **settings)

    # Models, of any round

    def training_seed(self, replica: int) -> int:
        """The seed of what training draws: the lab's own for replica 0, another one for every further training."""
        return seed_of(self.seed, "replica", replica) if replica else self.seed

    def towers_piece(
        self, spec: TowersSpec, served: tuple[Served, ...], replica: int, start: Piece | None = None
    ) -> Piece:
        """Towers that are trained on some logs; from those of `start` on, if given."""
        seed = self.training_seed(replica)

        def build(folder: Path) -> None:
            logs = [(self.log(one.log), self.scenery.observed(one.scene)) for one in served]
            learnt = self.scenery.towers(start, served[-1].scene) if start else None
            train_towers(spec, logs, seed, self.device, learnt).save(folder)

        recipe = {"logs": [one.name for one in served], "replica": replica, "device": self.device}
        return self._piece("towers", build, towers=spec.table(), start=start and start.name, **recipe)

    def rankers(
        self, funnel: FunnelSpec, served: tuple[Served, ...], towers: Piece, before: Rankers | None = None
    ) -> Rankers:
        """The rankers of a funnel that are trained on some logs."""
        return Rankers(
            funnel=funnel,
            served=served,
            towers=towers,
            before=before,
            seed=self.seed,
            training_seed=self.training_seed(funnel.replica),
            store=self.store,
            device=self.device,
            scenery=self.scenery,
        )

    def log(self, piece: Piece) -> pl.DataFrame:
        return shown(self.store, piece)

    def rank(self, name: str, rankers: Rankers, observed: Observed, towers: Towers) -> Rank:
        """A trained stage, ready to serve where this can be observed, by these vectors."""
        spec, bits = rankers.stages.named(name), rankers.funnel.retrieval.bits
        return Rank(
            name, spec, rankers.load(name).server(observed, towers, spec.missing), bits, rankers.calibration(name)
        )

    # Round 1: the base funnel, trained on round 0

    @cached_property
    def first_log(self) -> Served:
        """Round 0, and its scene."""
        return Served(self.bootstrap_piece, self.start)

    @cached_property
    def traffic_piece(self) -> Piece:
        """The log of round 1."""
        return self.traffic.log

    @cached_property
    def traffic(self) -> Served:
        """Round 1, and its scene."""
        base, asked, scene = self.base, self.arm.traffic.requests, self._first_scene((self.first_log,))

        def build(folder: Path) -> None:
            requests = arrivals(self.scenery.world(scene), "traffic", asked)
            self._serve(folder, self.first_funnel(scene), requests, scene)

        recipe = {"retrieval": base.retrieval.table(), "stages": base.stages.table(), "requests": asked}
        made_by = {"towers": self.first_towers.name, "scene": scene.name}
        return Served(self._piece("traffic", build, **made_by, **recipe, **self._logging), scene)

    @property
    def first_towers(self) -> Piece:
        """Those of the base funnel, trained on round 0."""
        return self.towers_piece(self.base.towers, (self.first_log,), self.base.replica)

    def first_funnel(self, scene: Piece) -> Funnel:
        """The base funnel, trained on round 0, ready to serve in a scene."""
        rankers = self.rankers(self.base, (self.first_log,), self.first_towers)
        # The first version has none behind it, so no tower of this retrieval is stale.
        vectors = self.scenery.vectors(self.first_towers, scene)
        retrieve = Retrieve(self.base.retrieval, self.scenery.observed(scene), vectors)
        return Funnel(retrieve, self._ranks(rankers, retrieve))

    @property
    def _logging(self) -> dict[str, Any]:
        return self.arm.traffic.model_dump(include={"exploration", "cuts"})

    def _ranks(self, rankers: Rankers, retrieve: Retrieve) -> tuple[Rank, ...]:
        return tuple(self.rank(name, rankers, retrieve.observed, retrieve.towers) for name in STAGES)

    def _serve(self, folder: Path, funnel: Funnel, requests: Requests, scene: Piece) -> None:
        """Serves requests and writes their log."""
        traffic, engagement = self.arm.traffic, self.scenery.engagement(scene)
        seen, lost = [], []
        for chunk, bubbles, trace in funnel.serve(requests):
            slates = explored(
                ranked(trace["late"].after), trace["retrieval"].after, chunk, traffic.exploration, self.seed
            )
            seen.append(impressions(engagement, chunk, slates, bubbles))
            lost.append(cuts(trace, chunk, traffic.cuts, self.seed))
        pl.concat(seen).write_parquet(folder / "impressions.parquet")
        pl.concat(lost).write_parquet(folder / "stages.parquet")

    # The arm, trained on the newest logs

    @cached_property
    def logs(self) -> tuple[Served, ...]:
        """All traffic up to now, that of round 0 first."""
        return (*self.before.logs, self.before.own) if self.before else (self.first_log, self.traffic)

    @property
    def newest(self) -> Served:
        return self.logs[-1]

    @property
    def recent(self) -> tuple[Served, ...]:
        """The logs of the window."""
        return self.logs[-self.arm.loop.window :]

    @property
    def trained_on(self) -> tuple[Served, ...]:
        """Those of them that a funnel served: round 0 has taught the first one and is used up."""
        return tuple(one for one in self.recent if one is not self.logs[0])

    @property
    def _taught(self) -> "Lab | None":
        """The lab whose models training goes on from."""
        return self.before if self.arm.loop.start == "warm" else None

    @cached_property
    def arm_towers(self) -> Piece:
        taught = self._taught
        same = taught is not None and taught.arm.towers == self.arm.towers
        start = taught.arm_towers if taught and same else None
        return self.towers_piece(self.arm.towers, self.trained_on, self.arm.replica, start)

    def arm_ranker(self, name: str) -> Piece:
        """The piece of one stage's ranker."""
        return self.arm_rankers.piece(name)

    @cached_property
    def arm_rankers(self) -> Rankers:
        taught = self._taught.arm_rankers if self._taught else None
        return self.rankers(self.arm, self.trained_on, self.arm_towers, taught)

    def arm_rank(self, name: str, scene: Piece | None = None) -> Rank:
        """A stage of the arm, ready to serve its own scene; or another arm's, whose counters and histories it reads."""
        scene = scene or self.world_piece
        return self.rank(name, self.arm_rankers, self.scenery.observed(scene), self._serving_towers(scene))

    def admission(self, name: str) -> Admission:
        """The cut of one stage, for which its ranker need not be loaded."""
        return Admission(self.arm.stages.named(name).admission(), self.arm.retrieval.bits, self.world.observed)

    @property
    def retrieve(self) -> Retrieve:
        def make() -> Retrieve:
            return Retrieve(self.arm.retrieval, self.world.observed, self._serving_towers(self.world_piece))

        key = [self.arm_towers.name, self.world_piece.name, self.arm.retrieval.table()]
        return self.memory.once("retrieve", json.dumps(key), make)

    def _serving_towers(self, scene: Piece) -> Towers:
        """Vectors of the towers that the arm's rankers were trained with, or of one of them a version behind."""
        towers, stale = self.scenery.vectors(self.arm_towers, scene), self.arm.retrieval.stale
        if not stale:
            return towers
        return replace(towers, **{stale: getattr(self.scenery.vectors(self._older_towers, scene), stale)})

    @property
    def _older_towers(self) -> Piece:
        """Those of the version before: of the round before, in round 1 those trained on round 0."""
        if self.before:
            return self.before.arm_towers
        return self.towers_piece(self.arm.towers, (self.first_log,), self.arm.replica)

    # What the arm serves when it has been examined: the newest log of the next round

    @cached_property
    def own(self) -> Served:
        asked, scene = self.arm.loop.requests, self.world_piece
        recipe = {"retrieval": self.arm.retrieval.table(), "stages": self.arm.stages.table(), "requests": asked}
        made_by = {"towers": self.arm_towers.name, "rankers": [self.arm_ranker(name).name for name in STAGES]}

        def build(folder: Path) -> None:
            requests = arrivals(self.world, "traffic", asked, self.round + 1)
            funnel = Funnel(self.retrieve, self._ranks(self.arm_rankers, self.retrieve))
            self._serve(folder, funnel, requests, scene)

        return Served(
            self._piece("traffic", build, scene=scene.name, round=self.round, **made_by, **recipe, **self._logging),
            scene,
        )

    @property
    def requests(self) -> Requests:
        """The requests that every arm of this seed is examined on in this round."""

        def make() -> Requests:
            return arrivals(self.world, "evaluation", self.arm.evaluation.requests, self.round)

        key = [self.world_piece.name, self.round, self.arm.evaluation.requests]
        return self.memory.once("requests", json.dumps(key), make)
