"""What a slate gives up of one task for another, as the late formula's weight of the second is swept.

The weights belong to the stage and not to its ranker, so nothing is trained: the same predictions are put together
anew.
"""

import numpy as np
from pydantic import ValidationError

from funnel.formula import evaluate, joint
from funnel.metrics.ledger import Ledger
from funnel.stages.rank import Rank
from funnel.stages.spec import RankSpec
from funnel.training.diagnostics.trial import Value

TIMES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""the weights, as multiples of the formula's own, or of 1 where it leaves the task out"""


def slate_means(ledger: Ledger, rank: Rank, tasks: tuple[str, str]) -> list[Value]:
    """True means of two tasks over the slate, per slot; one whose condition fails there counts 0.

    Args:
        rank: the late stage whose predictions the ledger holds.

    Returns:
        Nothing for a stage that does not predict the second task.
    """
    values: list[Value] = []
    slots = ledger.rows.requests * ledger.slate_size
    truth = {task: np.nan_to_num(joint(task, ledger.truth, ledger.friend)) for task in tasks}
    for times in TIMES:
        spec = _reweighed(rank.spec, tasks[1], times)
        if spec is None:
            return []
        slate = _slate(ledger, Rank(rank.name, spec, rank.server, rank.admission.bits))
        values += [("slate_mean", task, "", "", times, float(truth[task][slate].sum() / slots)) for task in tasks]
    return values


def _reweighed(spec: RankSpec, task: str, times: float) -> RankSpec | None:
    """The stage with another weight; None where it cannot weigh the task."""
    formula = spec.formula | {task: times * (spec.formula.get(task) or 1.0)}
    try:
        return RankSpec(**{name: getattr(spec, name) for name in RankSpec.model_fields} | {"formula": formula})
    except ValidationError:
        return None


def _slate(ledger: Ledger, rank: Rank) -> np.ndarray:
    """bool (n,): what the stage shows of the early survivors."""
    own = evaluate(rank.spec, ledger.predicted["late"], ledger.friend if rank.looks_at_bubbles else None)
    rows = ledger.rows.scored(ledger.early_score)
    scored = rows.scored(rank.admission.score(rows, own, ledger.early))
    return rank.admission.kept(scored, rank.spec.keep, ledger.early)
