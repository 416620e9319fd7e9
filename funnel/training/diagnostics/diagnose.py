"""The examination of one ranker: it is fitted once more with requests held out, watched, and held against others.

Nothing that serves is touched: a diagnosis has its own fits on the same log.
"""

from itertools import combinations

import numpy as np

from funnel.training.batches import Rows
from funnel.training.diagnostics.ablation import ablations
from funnel.training.diagnostics.gates import gates
from funnel.training.diagnostics.sweep import weighted_losses
from funnel.training.diagnostics.transfer import Baselines, pair_transfer, transfer
from funnel.training.diagnostics.trial import Trial, Value, kept_losses
from funnel.training.diagnostics.variants import judged
from funnel.training.ranker import Ranker
from funnel.training.record import Recorder
from funnel.training.spec import RankerSpec

NOTES = 30
"""training steps at which the gradients of the tasks are compared"""


def diagnose(
    spec: RankerSpec,
    data: Rows,
    columns: dict[str, int],
    seed: int,
    device: str = "cpu",
    *,
    deep: bool = False,
    sweep: tuple[str, str] | None = None,
) -> list[Value]:
    """What sharing does to the tasks of a ranker.

    Args:
        data: labels in the order of `spec.tasks`.
        columns: columns of each feature, in the order of the input row.
        deep: also what every pair of tasks does to each other, and what each part is worth, at the cost of a fit each.
        sweep: two tasks whose training weights are swept.

    Raises:
        DataError: a task has no label in the rows that are not held out.
        TrainingError: a loss is not finite.
    """
    trial = Trial(judged(spec), data, columns, seed, device)
    recorder = Recorder(max(1, trial.steps // NOTES))
    ranker, baselines = trial.fit(trial.spec, recorder), Baselines(trial)
    full = kept_losses(ranker)
    values = transfer(full, baselines.well_trained())
    values += cosines(recorder, spec.tasks) + gates(ranker, trial.held_out()) + curves(ranker)
    if deep:
        values += pair_transfer(trial, baselines.even()) + ablations(trial, full)
    if sweep:
        values += weighted_losses(trial, sweep)
    return values


def cosines(recorder: Recorder, tasks: tuple[str, ...]) -> list[Value]:
    """Cosine of the gradients of every pair of tasks over the recorded steps."""
    cosine = recorder.cosine
    return [
        ("cosine", tasks[one], tasks[other], "", float(step), float(cosine[place, one, other]))
        for one, other in combinations(range(len(tasks)), 2)
        for place, step in enumerate(recorder.steps)
    ]


def curves(ranker: Ranker) -> list[Value]:
    """Loss of every task over the epochs, in training and held out."""
    return [
        ("loss", task, "", part, epoch + 1.0, float(loss))
        for part, curve in (("training", ranker.curve), ("held out", ranker.held_out_curve))
        for place, task in enumerate(ranker.spec.tasks)
        for epoch, loss in enumerate(np.asarray(curve)[:, place])
    ]
