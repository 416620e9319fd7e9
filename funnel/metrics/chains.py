"""Tasks that can only happen after others: how likely their condition is, and what their labels come from."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.slices import impressed_or_not, where_true
from funnel.tasks import BUBBLE, chain


def joint(ledger: Ledger) -> list[Ratio]:
    """True probability per slot that a conditional task and its whole chain happen: conversions, not those per click.

    An empty slot counts 0, and so does one whose item lacks the bubble that the task needs.
    """
    return [_per_slot(ledger, task, ledger.truth[task] * met(ledger, task)) for task in conditional(ledger)]


def joint_label(ledger: Ledger) -> list[Ratio]:
    """Drawn occurrences per slot of a conditional task with its whole chain: what an A/B test would have counted."""
    return [_per_slot(ledger, task, ledger.labels[task]) for task in conditional(ledger)]


def selection(ledger: Ledger) -> list[Ratio]:
    """True mean of a conditional task where its condition is met, on what was shown, and on the rest of the pool.

    Labels come from the first of these, the choice is made among the last. How far they lie apart is the sample
    selection that a head meets which is trained where its condition held.
    """
    ratios = []
    for task in conditional(ledger):
        truth, chance = ledger.truth[task], met(ledger, task)
        slices = where_true(ledger, task, impressed_or_not(ledger))
        shown = slices["impressed"]
        ratios.append(Ratio(total(ledger, shown, chance * truth), total(ledger, shown, chance), "late", MET, task))
        ratios += [
            Ratio(total(ledger, rows, truth), count(ledger, rows), "late", name, task) for name, rows in slices.items()
        ]
    return ratios


MET = "met"
"""the slice of what was shown whose condition was met, each row counted with the probability of it"""


def conditional(ledger: Ledger) -> list[str]:
    """The conditional tasks whose chain the ledger knows."""
    known = {*ledger.truth, BUBBLE}
    return [task for task in ledger.truth if len(chain(task)) > 1 and known.issuperset(chain(task))]


def met(ledger: Ledger, task: str) -> np.ndarray:
    """float32 (n,): true probability that all that must come before a task happens; a bubble is seen and counts 1."""
    steps = [ledger.truth[step] for step in chain(task)[:-1] if step != BUBBLE]
    return np.prod(steps, axis=0, dtype=np.float32) if steps else np.ones(len(ledger.rows), np.float32)


def _per_slot(ledger: Ledger, task: str, column: np.ndarray) -> Ratio:
    slots = np.full(ledger.rows.requests, float(ledger.slate_size))
    return Ratio(total(ledger, ledger.slate, np.nan_to_num(column)), slots, "late", task=task)
