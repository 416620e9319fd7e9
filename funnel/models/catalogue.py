"""From a model spec to its network."""

from collections.abc import Mapping, Sequence

from funnel.models.blocks import Draws, MultiTaskModel
from funnel.models.esmm import ESMM
from funnel.models.mmoe import MMoE
from funnel.models.ple import PLE
from funnel.models.shared_bottom import SharedBottom
from funnel.models.single_task import SingleTask
from funnel.models.spec import ESMMSpec, MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec, TowerTreeSpec
from funnel.models.tower_tree import TowerTree

NETWORKS: dict[type, type] = {
    SingleTaskSpec: SingleTask,
    SharedBottomSpec: SharedBottom,
    ESMMSpec: ESMM,
    MMoESpec: MMoE,
    PLESpec: PLE,
    TowerTreeSpec: TowerTree,
}


def build(spec: ModelSpec, columns: Mapping[str, int], tasks: Sequence[str], seed: int) -> MultiTaskModel:
    """A network with its initial weights.

    Args:
        columns: columns of each feature, in the order of the input row.
        tasks: T names, in the order of the logits.
        seed: initial weights of a feature, an expert or a task depend on it and on the name alone.
    """
    return NETWORKS[type(spec)](spec, tasks, Draws(seed, columns))
