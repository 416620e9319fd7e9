"""The survey model: whether a friendship would be called close, learnt from the answers of a few (Friend Bubbles)."""

import numpy as np

from funnel.closeness.logistic import fitted
from funnel.world.survey import GRADES, Survey


def fit(survey: Survey, features: np.ndarray) -> np.ndarray | None:
    """Logits that a friendship would be called close, of all of them.

    Args:
        features: float64 (E, F), of every friendship, standardised.

    Returns:
        float64 (E,); None where all answers are the same, so that they tell nothing apart.
    """
    if survey.close.all() or not survey.close.any():
        return None
    return fitted(features[survey.edge], survey.close).logits(features)


def agreement(survey: Survey) -> float | None:
    """How often a friend that is called close is also said to be spoken to more than one that is not; ties half.

    One half says that the two questions have nothing to do with each other. None where all answers are the same.
    """
    grades = np.arange(GRADES)
    close, other = (np.bincount(survey.often[kind], minlength=GRADES) for kind in (survey.close, ~survey.close))
    ahead = (grades[:, None] > grades) + 0.5 * (grades[:, None] == grades)
    pairs = close.sum() * other.sum()
    return float(close @ ahead @ other / pairs) if pairs else None
