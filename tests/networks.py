"""Small networks of every architecture, and rows for them."""

import torch
from torch import Tensor

from funnel.models.blocks import MultiTaskModel
from funnel.models.catalogue import build
from funnel.models.spec import ESMMSpec, MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec, TowerTreeSpec

COLUMNS = {"surface": 3, "activity": 1, "content": 4, "tower_match": 1}
TASKS = ("long_view", "like", "share")
SURFACES = ("home", "search", "related")

CATALOGUE = [
    SingleTaskSpec(),
    SingleTaskSpec(trunk=(8, 6), tower=(5,)),
    SharedBottomSpec(),
    SharedBottomSpec(bottom=(8, 6), tower=(5,)),
    ESMMSpec(),
    ESMMSpec(bottom=(8, 6), tower=()),
    MMoESpec(),
    MMoESpec(experts=3, expert=(8,), tower=()),
    MMoESpec(experts=2, expert=(8, 8, 8), tower=(8, 8)),
    PLESpec(),
    PLESpec(layers=1, expert=(8,), tower=()),
    PLESpec(layers=3, shared=1, private=2, expert=(8, 6)),
    PLESpec(layers=3, private=0, expert=(8,)),
    PLESpec(layers=2, shared=len(TASKS) + 1, private=0, expert=(8,)),
    PLESpec(layers=2, shared=0, private=2, expert=(8,)),
    TowerTreeSpec(surfaces=SURFACES),
    TowerTreeSpec(surfaces=SURFACES, shared=0, private=2, expert=(8,), tower=()),
    TowerTreeSpec(surfaces=SURFACES, shared=2, private=0, expert=(8, 6), trunk=(9, 8), tower=(5,)),
    TowerTreeSpec(surfaces=SURFACES, expert=(8,), fusion={"search": ("tower_match",), "related": ("tower_match",)}),
    TowerTreeSpec(surfaces=("home",), shared=2, expert=(8,), trunk=(6,)),
]


def rows(count: int = 12, features: int = sum(COLUMNS.values())) -> Tensor:
    # Steps of 2.4 radians, so that each of the first columns is the greatest somewhere, and rows come to every surface.
    return (2.4 * torch.arange(count * features)).sin().view(count, features) * 1.5


def made(spec: ModelSpec, seed: int = 0) -> MultiTaskModel:
    return build(spec, COLUMNS, TASKS, seed)
