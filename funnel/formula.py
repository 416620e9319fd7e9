"""The ranking formula on arrays: one home for the truth (world) and for predictions (stages)."""

import numpy as np

from funnel.tasks import TASK, Formula

TINY = np.float32(1e-9)
"""floor of a probability before it is raised to a power"""


def evaluate(formula: Formula, means: dict[str, np.ndarray], bubble: np.ndarray | None) -> np.ndarray:
    """The value of n rows.

    Args:
        formula: weights by task.
        means: float32 (n,) a task: probability, or expected seconds for a regression task.
        bubble: bool (n,), whether the row carries a bubble; None where that cannot be observed, and then a conditional
            task counts on every row.

    Returns:
        float32 (n,).
    """
    total = None
    for task, weight in formula.formula.items():
        part = weight * means[task] if formula.combine == "sum" else np.maximum(means[task], TINY) ** np.float32(weight)
        if TASK[task].given == "bubble" and bubble is not None:
            part = np.where(bubble, part, 0.0 if formula.combine == "sum" else 1.0)
        total = part if total is None else total + part if formula.combine == "sum" else total * part
    return np.asarray(total, dtype=np.float32)
