"""From a model spec to its network."""

from collections.abc import Mapping, Sequence

from funnel.models.blocks import Draws, MultiTaskModel
from funnel.models.mmoe import MMoE
from funnel.models.shared_bottom import SharedBottom
from funnel.models.spec import MMoESpec, ModelSpec, SharedBottomSpec

NETWORKS: dict[type, type] = {SharedBottomSpec: SharedBottom, MMoESpec: MMoE}


def build(spec: ModelSpec, columns: Mapping[str, int], tasks: Sequence[str], seed: int) -> MultiTaskModel:
    """A network with its initial weights.

    Args:
        columns: columns of each feature, in the order of the input row.
        tasks: T names, in the order of the logits.
        seed: initial weights of a feature, an expert or a task depend on it and on the name alone.
    """
    return NETWORKS[type(spec)](spec, tasks, Draws(seed, columns))
