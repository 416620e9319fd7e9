"""From rows to a fitted network: what is held out, what is sampled, who balances, and which epoch is kept."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from funnel.balancing.base import Weigher
from funnel.balancing.catalogue import make
from funnel.errors import DataError
from funnel.models.blocks import Draws, MultiTaskModel
from funnel.models.catalogue import build
from funnel.tasks import TASK
from funnel.training.batches import Rows, Scaling, held_out
from funnel.training.evaluation import HeldOut
from funnel.training.groups import Groups
from funnel.training.heads import Heads
from funnel.training.lessons import Lessons, Tutor
from funnel.training.loop import fit
from funnel.training.record import Recorder
from funnel.training.sampling import sampled
from funnel.training.spec import RankerSpec
from funnel.training.update import Balanced, Normed, Operated, Weighed


class Fitted(NamedTuple):
    """A network, what its logits mean, and how the fit went; the last five fields of a `Ranker`."""

    model: MultiTaskModel
    heads: Heads
    inputs: Scaling
    curve: np.ndarray
    held_out_curve: np.ndarray
    kept_epoch: int


class Learnt(NamedTuple):
    """What a network that was fitted before knows."""

    model: MultiTaskModel
    heads: Heads

    def give(self, model: MultiTaskModel, heads: Heads) -> None:
        """Put weights and scales into a network of the same shape."""
        model.load_state_dict(self.model.state_dict())
        heads.load_state_dict(self.heads.state_dict())


def initial(
    spec: RankerSpec, columns: dict[str, int], seed: int, own_score: bool = False
) -> tuple[MultiTaskModel, Heads]:
    """The network of a spec with its initial weights, and what its logits mean.

    Args:
        own_score: whether it has a score beside its tasks.
    """
    model = build(spec.model, columns, spec.tasks, seed)
    if own_score:
        model.give_scorer(Draws(seed, columns))
    kept = [spec.train.sampling.get(task, 1.0) for task in spec.tasks]
    return model, Heads([TASK[task] for task in spec.tasks], model.parents, kept)


def fit_network(
    spec: RankerSpec,
    data: Rows,
    columns: dict[str, int],
    seed: int,
    device: str,
    recorder: Recorder | None = None,
    inputs: Scaling | None = None,
    lessons: Lessons | None = None,
    start: Learnt | None = None,
) -> Fitted:
    """The network of a spec, fitted to rows; arguments and errors as in `fit_ranker`."""
    taught = lessons is not None and lessons.score is not None
    fitting = prepared(spec, data, columns, seed, device, taught, inputs, start)
    fitting.update.recorder = recorder
    count = len(fitting.update.x)
    if lessons:
        among = ~held_out(lessons.request, spec.train.held_out, seed)
        steps = -(-count // spec.train.batch)
        fitting.update.tutor = Tutor(spec, lessons, fitting.inputs, among, steps, seed, device)
    return fitting.conclude(fit(fitting.update, spec.tasks, count, spec.train, seed, device))


class Fitting(NamedTuple):
    """All that is ready before the first step."""

    update: Balanced
    inputs: Scaling

    def conclude(self, curve: np.ndarray) -> Fitted:
        """What has been fitted, with its losses of every epoch, float32 (epochs, T)."""
        model, heads, watch = self.update.model, self.update.heads, self.update.watch
        told, kept = watch.conclude() if watch else (np.empty((0, curve.shape[1]), np.float32), None)
        last = len(curve) - 1 if kept is None else kept
        return Fitted(model.cpu().eval(), heads.cpu(), self.inputs, curve, told, last)


def prepared(
    spec: RankerSpec,
    data: Rows,
    columns: dict[str, int],
    seed: int,
    device: str,
    own_score: bool,
    inputs: Scaling | None = None,
    start: Learnt | None = None,
) -> Fitting:
    """The fitting of a spec to rows; arguments and errors as in `fit_ranker`, `own_score` as in `initial`.

    Without a start the network is the one of `initial`, its constants at the rates of the labels.
    """
    aside = _aside(data, spec.train.held_out, seed)
    seen = data.take(~aside) if aside.any() else data
    _check_labelled(spec.tasks, seen.labels)
    model, heads = initial(spec, columns, seed, own_score)
    inputs = inputs or Scaling.of(seen.x)
    if start:
        start.give(model, heads)
    else:
        model.towers.start(heads.start(seen.labels))
    model.to(device)
    heads.to(device)

    def scaled(rows: Rows) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(inputs.apply(rows.x)).to(device), heads.targets(rows.labels)

    watch = HeldOut(model, heads, *scaled(data.take(aside)), spec.train.patience) if aside.any() else None
    x, targets = scaled(sampled(seen, spec.tasks, spec.train.sampling, seed) if spec.train.sampling else seen)
    update = balanced(spec, model, heads, x, heads.joint(targets), seed)
    update.watch = watch
    return Fitting(update, inputs)


def _aside(data: Rows, share: float, seed: int) -> np.ndarray:
    """bool (N,): the rows that are held out."""
    aside = held_out(data.request, share, seed)
    if share and (aside.all() or not aside.any()):
        raise DataError(
            f"Training: should see some requests and hold out others. Found {len(np.unique(data.request))}, of which "
            f"`train.held_out = {share}` holds out {'all' if aside.all() else 'none'}. Log more, or change the share."
        )
    return aside


def _check_labelled(tasks: tuple[str, ...], labels: np.ndarray) -> None:
    for place, task in enumerate(tasks):
        if np.isnan(labels[:, place]).all():
            raise DataError(
                f"Task `{task}`: should have a label in the rows that training sees. Found none in {len(labels)}. "
                "Log more, hold out less, or take the task out."
            )


def balanced(spec: RankerSpec, model: MultiTaskModel, heads: Heads, x: Tensor, joint: Tensor, seed: int) -> Balanced:
    """The update by the balancer of a spec.

    Args:
        x: (N, F), scaled.
        joint: (N, T), from `Heads.joint`.

    Raises:
        SpecError: a solver that the balancer needs is not installed.
    """
    balancer = make(spec.balancer, spec.tasks, heads.kinds, seed)
    learnt = list(balancer.to(x.device).parameters()) if isinstance(balancer, Weigher) else []
    groups = Groups(model, heads, learnt, spec.train.head_rates)
    if not isinstance(balancer, Weigher):
        return Operated(model=model, heads=heads, groups=groups, x=x, joint=joint, surgeon=balancer)
    update = Normed if balancer.needs_norms else Weighed
    return update(model=model, heads=heads, groups=groups, x=x, joint=joint, weigher=balancer)
