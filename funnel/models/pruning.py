"""The network of one surface, cut out of a tower tree: nothing of the other surfaces is left in it.

On one surface its marks are constants, so what the first layer makes of them goes into its constant, and their columns
go. So do the columns that only other surfaces fuse.
"""

import re

import torch
from torch import Tensor

from funnel.models.blocks import Draws
from funnel.models.tower_tree import MARKS, TowerTree

BRANCHES = re.compile(r"^(branches|towers\.trees|scorer\.trees)\.(\d+)\.")
FIRST = {"shared.weight": "shared.bias", "branches.0.private.weight": "branches.0.private.bias"} | {
    "branches.0.gate_weight": "branches.0.gate_bias"
}
"""weights of the first layer, and the constants beside them"""


def left(model: TowerTree, surface: str) -> dict[str, int]:
    """The columns of each feature that the network of one surface reads, in the order of its input row."""
    fused = model.spec.only(surface).fused
    gone = {MARKS, *model.spec.fused} - set(fused)
    return {name: count for name, count in model.columns.items() if name not in gone}


@torch.no_grad()
def pruned(model: TowerTree, surface: str, marks: Tensor) -> TowerTree:
    """The network of one surface, which says of its rows what the whole one does.

    Args:
        marks: (S,), the marks of that surface, scaled as the model's input is.
    """
    place = model.spec.surfaces.index(surface)
    alone = TowerTree(model.spec.only(surface), model.tasks, Draws(0, left(model, surface)))
    if model.scorer:
        alone.give_scorer(Draws(0, alone.columns))
    kept = _of_surface(model.state_dict(), place)
    of_marks = torch.isin(model.inside, model.places([name for name in (MARKS,) if name in model.columns]))
    for weight, bias in FIRST.items():
        if weight in kept:
            # In double precision, so that one rounding is all that the sum costs.
            kept[bias] = (kept[bias].double() + marks.double() @ kept[weight][of_marks].double()).float()
            kept[weight] = kept[weight][~of_marks]
    alone.load_state_dict(kept)
    return alone.eval()


def _of_surface(state: dict[str, Tensor], place: int) -> dict[str, Tensor]:
    """The tensors that all surfaces share and those of one, which becomes the first."""
    kept = {}
    for name, value in state.items():
        branch = BRANCHES.match(name)
        if branch is None:
            kept[name] = value
        elif int(branch[2]) == place:
            kept[f"{branch[1]}.0.{name[branch.end() :]}"] = value
    return kept
