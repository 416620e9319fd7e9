"""What a ranker gives up of one task for another, as their training weights are swept."""

from funnel.training.diagnostics.trial import Trial, Value
from funnel.training.diagnostics.variants import weighted

SHARES = (0.02, 0.2, 0.5, 0.8, 0.98)
"""share of the second task in the weight of both, which adds up to 2"""


def weighted_losses(trial: Trial, tasks: tuple[str, str]) -> list[Value]:
    """Held-out losses of two tasks under static weights; all other tasks keep theirs."""
    values: list[Value] = []
    for share in SHARES:
        weights = dict(zip(tasks, (2 - 2 * share, 2 * share), strict=True))
        losses = trial.losses(weighted(trial.spec, weights))
        values += [("weighted_loss", task, "", "", share, losses[task]) for task in tasks]
    return values
