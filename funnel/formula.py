"""The ranking formula on arrays: one home for the truth (world) and for predictions (stages)."""

import numpy as np

from funnel.tasks import BUBBLE, Formula, chain

TINY = np.float32(1e-9)
"""floor of a probability before it is raised to a power"""


def evaluate(formula: Formula, means: dict[str, np.ndarray], bubble: np.ndarray | None) -> np.ndarray:
    """The value of n rows.

    Args:
        formula: weights by task.
        means: float32 (n,) a task: probability, expected grade, or expected seconds; conditional ones as if the
            condition held. The parents of a conditional task must be there, but for `bubble`.
        bubble: bool (n,), whether the row carries a bubble; None where that cannot be observed. The predicted
            probability of a bubble then stands in, and without that a task counts as if every row carried one.

    Returns:
        float32 (n,).
    """
    return combined(formula, {task: joint(task, means, bubble) for task in formula.formula}, bubble)


def joint(task: str, means: dict[str, np.ndarray], bubble: np.ndarray | None) -> np.ndarray:
    """float32 (n,): mean of a task times the probabilities of its chain but for a bubble that is seen or not foretold.

    Args as in `evaluate`.
    """
    mean = means[task]
    for step in chain(task)[:-1]:
        if step != BUBBLE or (bubble is None and step in means):
            mean = mean * means[step]
    return mean


def combined(formula: Formula, joints: dict[str, np.ndarray], bubble: np.ndarray | None) -> np.ndarray:
    """float32 (n,): the value of rows whose tasks have these joint means; a task without its bubble is left out."""
    total = None
    for task, weight in formula.formula.items():
        part = (
            weight * joints[task] if formula.combine == "sum" else np.maximum(joints[task], TINY) ** np.float32(weight)
        )
        if needs_bubble(task) and bubble is not None:
            part = np.where(bubble, part, 0.0 if formula.combine == "sum" else 1.0)
        total = part if total is None else total + part if formula.combine == "sum" else total * part
    return np.asarray(total, dtype=np.float32)


def needs_bubble(task: str) -> bool:
    """Whether the task can only happen on an impression that carries a bubble."""
    return BUBBLE in chain(task)[:-1]
