"""The binary model behind every closeness model: a logistic regression on standardised inputs."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Logistic:
    """P(y) = sigmoid(intercept + x w)."""

    weights: np.ndarray
    """float64 (F,)"""
    intercept: float

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """float64 (n,) of (n, F)."""
        return self.intercept + inputs @ self.weights


def fitted(inputs: np.ndarray, happened: np.ndarray) -> Logistic:
    """The model of highest posterior with a standard normal prior on every weight: scikit-learn's default ridge.

    Args:
        inputs: float64 (n, F), standardised. happened: bool (n,), of both kinds.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second to load, and few runs need it

    model = LogisticRegression(tol=1e-8, max_iter=1_000).fit(inputs, happened)
    return Logistic(model.coef_[0], float(model.intercept_[0]))
