"""What learning together does to each task: against a network of its own, and pair by pair."""

from itertools import combinations

import numpy as np

from funnel.training.diagnostics.trial import Losses, Trial, Value, improvement, kept_losses
from funnel.training.diagnostics.variants import alone, of_tasks

LONGER = 3
"""how many times the ranker's epochs a baseline may take"""


class Baselines:
    """Every task with a network to itself, of the widths that the ranker gives it.

    A model of single tasks shares nothing, so one fit trains them all; Adam's steps are taken number by number, so no
    task feels another's.
    """

    def __init__(self, trial: Trial):
        self.trial = trial
        self.own_epochs = trial.fit(alone(trial.spec, 1))
        """with the ranker's own number of epochs"""

    def even(self) -> Losses:
        """Held-out losses after as many epochs as the ranker has: what another task is judged against."""
        return kept_losses(self.own_epochs)

    def well_trained(self) -> Losses:
        """The least held-out loss of each task at any epoch, of a fit as long as the ranker's and of one longer.

        Two fits, since the learning rate falls to zero over the epochs: the first epochs of a long fit are no short
        fit. The least of several looks at the same rows favours the baselines a little, so transfer is understated.
        """
        curves = [self.own_epochs.held_out_curve, self.trial.fit(alone(self.trial.spec, LONGER)).held_out_curve]
        return dict(zip(self.trial.spec.tasks, np.concatenate(curves).min(0).tolist(), strict=True))


def transfer(full: Losses, single: Losses) -> list[Value]:
    """Transfer improvement ratio of every head: TIR_k = (L_single - L_mtl) / L_single.

    Args:
        full: held-out losses of the ranker. single: of the well-trained baselines.
    """
    return [("transfer", task, "", "", None, improvement(single[task], loss)) for task, loss in full.items()]


def pair_transfer(trial: Trial, single: Losses) -> list[Value]:
    """The pairwise transfer matrix: for each pair the ranker of these two tasks, and what each did to the other.

    Args:
        single: held-out losses of each task alone, after as many epochs.
    """
    values: list[Value] = []
    for pair in combinations(trial.spec.tasks, 2):
        spec = of_tasks(trial.spec, pair)
        if spec:
            together = trial.losses(spec)
            values += [
                ("pair_transfer", task, other, "", None, improvement(single[task], together[task]))
                for task, other in (pair, pair[::-1])
            ]
    return values
