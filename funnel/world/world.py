"""A world: truth, and what can be observed of it."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from funnel.spec import Spec
from funnel.world.observed import Observed
from funnel.world.spec import WorldSpec
from funnel.world.truth import Truth

CARD = "world.json"
"""what a world's folder says of it, beside its arrays"""


class _Card(Spec):
    spec: WorldSpec
    seed: int


@dataclass(frozen=True)
class World:
    """Truth and observables under one spec and seed."""

    spec: WorldSpec
    seed: int
    truth: Truth
    observed: Observed

    @property
    def users(self) -> int:
        return len(self.truth.taste)

    @property
    def items(self) -> int:
        return len(self.truth.topic)

    def save(self, folder: Path) -> None:
        """One `.npy` an array, so that processes share them by memory map."""
        for part in (self.truth, self.observed):
            for name, array in _arrays(part):
                np.save(folder / f"{type(part).__name__.lower()}.{name}.npy", array)
        (folder / CARD).write_text(json.dumps(_Card(spec=self.spec, seed=self.seed).table()))

    @classmethod
    def load(cls, folder: Path) -> "World":
        card = _Card.parse(json.loads((folder / CARD).read_text()), "")

        def read(kind: str, name: str) -> np.ndarray:
            # As a plain array over the map: slicing a memmap object costs more than the work on small slices.
            return np.asarray(np.load(folder / f"{kind}.{name}.npy", mmap_mode="r"))

        truth = Truth(**{field.name: read("truth", field.name) for field in fields(Truth)})
        kept = [field.name for field in fields(Observed) if field.name not in ("cap", "surfaces")]
        arrays: dict[str, Any] = {name: read("observed", name) for name in kept}
        policy, surfaces = card.spec.reactions, card.spec.surfaces
        return cls(card.spec, card.seed, truth, Observed(**arrays, cap=policy.cap, surfaces=len(surfaces)))


def _arrays(part: Truth | Observed) -> list[tuple[str, np.ndarray]]:
    named = ((field.name, getattr(part, field.name)) for field in fields(part))
    return [(name, array) for name, array in named if isinstance(array, np.ndarray)]
