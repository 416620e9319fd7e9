"""Small networks of every architecture, and rows for them."""

import torch
from torch import Tensor

from funnel.models.blocks import MultiTaskModel
from funnel.models.catalogue import build
from funnel.models.spec import ESMMSpec, MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec

COLUMNS = {"interests": 3, "activity": 1, "content": 4, "tower_match": 1}
TASKS = ("long_view", "like", "share")

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
]


def rows(count: int = 12, features: int = sum(COLUMNS.values())) -> Tensor:
    return torch.linspace(-2, 2, count * features).sin().view(count, features).contiguous() * 1.5


def made(spec: ModelSpec, seed: int = 0) -> MultiTaskModel:
    return build(spec, COLUMNS, TASKS, seed)
