"""A ranker of one surface, out of the ranker of all: each team can go on with its own, and serve it alone.

It is a ranker like any other, so it is kept and loaded as one, and needs neither a store nor a world: rows of features
go in, predictions come out.
"""

import numpy as np
import torch

from funnel.errors import SpecError, unknown
from funnel.models.pruning import left, pruned
from funnel.models.tower_tree import MARKS, TowerTree
from funnel.training.batches import Rows, Scaling
from funnel.training.ranker import Ranker


def of_surface(ranker: Ranker, surface: str) -> Ranker:
    """The ranker of one surface. It reads neither which surface is asked on nor what only others fuse.

    Raises:
        SpecError: the ranker has no tower tree, or none for this surface.
    """
    model = ranker.model
    if not isinstance(model, TowerTree):
        raise SpecError(
            "checkpoint: should be of a ranker that has a part for each surface, a `tower_tree`. Found a model of kind "
            f"`{ranker.spec.model.kind}`."
        )
    if surface not in model.spec.surfaces:
        raise SpecError(f"surface: {unknown(surface, model.spec.surfaces, 'a surface of the ranker')}")
    columns = left(model, surface)
    kept, own = _columns(model, columns), _columns(model, {name: 0 for name in model.columns if name == MARKS})
    place = np.arange(len(own)) == model.spec.surfaces.index(surface)
    marks = (place - ranker.inputs.mean[own]) / ranker.inputs.std[own]
    features = tuple(name for name in ranker.spec.features if name in columns)
    spec = ranker.spec.model_copy(update={"features": features, "model": model.spec.only(surface)})
    return Ranker(
        spec=spec,
        columns=columns,
        model=pruned(model, surface, torch.from_numpy(marks.astype(np.float32))),
        heads=ranker.heads,
        inputs=Scaling(ranker.inputs.mean[kept], ranker.inputs.std[kept]),
        # What was learnt how was learnt from all surfaces.
        curve=np.empty((0, len(spec.tasks)), np.float32),
        held_out_curve=np.empty((0, len(spec.tasks)), np.float32),
        kept_epoch=ranker.kept_epoch,
    )


def own_rows(whole: Ranker, alone: Ranker, data: Rows) -> Rows:
    """Rows of a surface with the columns that its own ranker reads, of rows that the whole ranker reads."""
    assert isinstance(whole.model, TowerTree)
    return Rows(data.x[:, _columns(whole.model, alone.columns)], data.labels, data.request)


def difference(ranker: Ranker, ours: np.ndarray, others: np.ndarray) -> float:
    """Greatest difference of two predictions of the same rows, (n, T) as a ranker makes them.

    Of probabilities as they are, of amounts in standard deviations of their labels: seconds are sums of far greater
    parts than their differences, so that rounding shows.
    """
    return float((np.abs(ours - others) / ranker.heads.std.numpy()).max(initial=0.0))


def _columns(model: TowerTree, features: dict[str, int]) -> np.ndarray:
    """int64: where the columns of some features stand in the input row of the whole network."""
    return model.places(features).numpy()
