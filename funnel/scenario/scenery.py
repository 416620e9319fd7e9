"""Scenes: the world as it is while something is served or examined, loaded from the store.

A log is read beside the scene in which it was served: who could show as a bubble then, what was counted then, which
items there were. Only the vectors of the towers are those of now, since a ranker is trained with the towers that it
serves with.
"""

from dataclasses import dataclass

from funnel.features import Towers
from funnel.scenario.memory import Memory
from funnel.scenario.store import Piece, Store
from funnel.training.towers import TrainedTowers
from funnel.world.engagement import Engagement
from funnel.world.observed import Observed
from funnel.world.world import World


@dataclass(frozen=True)
class Scenery:
    """Loads scenes, and what depends on nothing else."""

    store: Store
    memory: Memory

    def world(self, scene: Piece) -> World:
        return self.memory.once("world", scene.name, lambda: World.load(self.store.ensure(scene)))

    def observed(self, scene: Piece) -> Observed:
        return self.world(scene).observed

    def engagement(self, scene: Piece) -> Engagement:
        return self.memory.once("engagement", scene.name, lambda: Engagement.of(self.world(scene)))

    def towers(self, piece: Piece, scene: Piece) -> TrainedTowers:
        return TrainedTowers.load(self.store.ensure(piece), self.observed(scene))

    def vectors(self, towers: Piece, scene: Piece) -> Towers:
        """The vectors of the users and items of a scene."""
        key = f"{towers.name} {scene.name}"
        return self.memory.once("vectors", key, lambda: self.towers(towers, scene).vectors(self.observed(scene)))
