"""Two regression tasks of chosen correlation, by the recipe of the MMoE paper (Ma et al., KDD 2018, section 3.2).

    u_1, u_2 orthogonal unit vectors,  w_1 = c u_1,  w_2 = c (p u_1 + sqrt(1 - p^2) u_2)
    y_k = w_k . x + sum_i sin(alpha_i w_k . x + beta_i) + noise,  x standard normal

So p is the cosine of the two weight vectors. At 1 the tasks are one task; at 0 they read different directions of the
input; at -1 they read the same direction with opposite signs. The noise is normal, of variance 0.01 in the paper. What
the paper leaves open is set here: c, the number of sines, alpha_i = i / 2 and beta_i = i. They are the same for every
seed: as drawn phases they made some pairs several times as hard as others, which hid what models differ by.

Unlike the paper's, our labels are standardised, with the mean and the variance that the law gives, so a loss is a
share of the label's variance and compares between seeds. Both labels have the same law at every correlation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from funnel.rng import stream
from funnel.spec import Spec

TASKS = ("first", "second")
AT_ONCE = 2**16
"""rows that are drawn together; the samples do not depend on it"""


class SinusoidSpec(Spec):
    """The law of both tasks."""

    columns: int = Field(100, ge=2)
    """columns of x"""
    scale: float = Field(2.0, gt=0)
    """c, the length of the weight vectors: the standard deviation of w . x"""
    sines: int = Field(4, ge=0)
    """sine terms; with none both tasks are linear"""
    noise: float = Field(0.1, ge=0)
    """standard deviation of the noise"""


@dataclass(frozen=True)
class Pair:
    """Two tasks, drawn: everything that turns a row into its two labels."""

    weights: np.ndarray
    """float32 (F, 2): w_1 and w_2"""
    alpha: np.ndarray
    """float32 (m,)"""
    beta: np.ndarray
    """float32 (m,)"""
    noise: float
    mean: float
    """of a label, before it is standardised"""
    std: float

    @classmethod
    def draw(cls, spec: SinusoidSpec, correlation: float, seed: int) -> "Pair":
        """The pair of a seed. All correlations of a seed share u_1 and u_2."""
        frame, _ = np.linalg.qr(stream(seed, "sinusoids", "directions").standard_normal((spec.columns, 2)))
        turn = np.array([[1.0, correlation], [0.0, np.sqrt(1 - correlation**2)]])
        beta = np.arange(1.0, spec.sines + 1)
        alpha = beta / 2
        mean, std = _moments(spec, alpha, beta)
        return cls(
            weights=(spec.scale * frame @ turn).astype(np.float32),
            alpha=alpha.astype(np.float32),
            beta=beta.astype(np.float32),
            noise=spec.noise,
            mean=mean,
            std=std,
        )

    @property
    def floor(self) -> float:
        """The loss of the true law: the noise as a share of a label's variance."""
        return (self.noise / self.std) ** 2

    def labels(self, x: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """float32 (B, 2): the standardised labels of rows (B, F) with standard normal noise (B, 2)."""
        signal = _law(x @ self.weights, self.alpha, self.beta)
        return ((signal + self.noise * noise - self.mean) / self.std).astype(np.float32)


def batches(pair: Pair, batch: int, count: int, seed: int, purpose: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A stream of `count` batches that nobody has seen: x float32 (batch, F), labels float32 (batch, 2).

    x and noise depend on the seed and the purpose alone, so all correlations and all models see the same ones.
    """
    rows, noise = stream(seed, "sinusoids", purpose, "x"), stream(seed, "sinusoids", purpose, "noise")
    together = max(1, AT_ONCE // batch)
    for start in range(0, count, together):
        block = min(together, count - start)
        x = rows.standard_normal((block * batch, len(pair.weights)), np.float32)
        y = pair.labels(x, noise.standard_normal((block * batch, 2), np.float32))
        yield from zip(x.reshape(block, batch, -1), y.reshape(block, batch, 2), strict=True)


def _law(projection: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The labels without noise of projections w . x of any shape."""
    return projection + np.sin(projection[..., None] * alpha + beta).sum(-1)


def _moments(spec: SinusoidSpec, alpha: np.ndarray, beta: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a label by Gauss-Hermite quadrature, since w . x is normal with deviation c."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    signal, shares = _law(spec.scale * nodes, alpha, beta), weights / weights.sum()
    mean = float(shares @ signal)
    return mean, float(np.sqrt(shares @ (signal - mean) ** 2 + spec.noise**2))
