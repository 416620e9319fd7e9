"""The survival law: what a cut by one noisy ranking leaves of another's best, in closed form.

Give every candidate of a pool two normal scores whose correlation is rho: what the early stage sorts by, and what the
late stage wants. The early stage keeps K of m, the late stage wants the best n. Then a wanted candidate survives with

    P(early score > a | late score > b),   a = Phi^-1(1 - K/m),   b = Phi^-1(1 - n/m),

a share of the bivariate normal. It needs the ranks alone, so any two scores may be put through it; what it takes for
granted is that one correlation tells how they hang together at the top as well as in the bulk. Scores that agree on the
bulk and not on a few friend items lose more than it says.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
"""of the quadrature; 64 nodes are exact to seven digits or more for correlations up to 0.999"""
GREATEST = 1 - 1e-9
"""correlations are held below it, where the conditional spread would be nothing"""


def survival(rho: ArrayLike, pool: ArrayLike, keep: ArrayLike, top: ArrayLike) -> np.ndarray:
    """Probability that one of the `top` best by one score is among the `keep` best by the other.

    Args:
        rho: correlation of the two scores, between -1 and 1. pool: candidates. keep: survivors; at least `pool` is all
            of them. top: the wanted, at least one. All broadcast against each other.

    Returns:
        float64 of the broadcast shape: K/m at rho = 0, and 1 at rho = 1 where K is at least n.
    """
    r, m, k, n = np.broadcast_arrays(*(np.asarray(given, np.float64) for given in (rho, pool, keep, top)))
    r = np.clip(r, -GREATEST, GREATEST)[..., None]
    cut = ndtri(1 - np.clip(k / m, 0, 1))[..., None]
    wanted = np.clip(n / m, 0, 1)[..., None]
    # The mean over the wanted, by the square root of their quantile: the integrand is steep where the quantile is 0.
    root = (NODES + 1) / 2
    late = -ndtri(wanted * root**2)
    passed = ndtr((r * late - cut) / np.sqrt(1 - r**2))
    return (passed * root * WEIGHTS).sum(-1)


def correlation(ledger: Ledger) -> list[Ratio]:
    """Correlation of the early score with the score of the reference's late stage inside a request's pool, by normal
    scores of the ranks (van der Waerden); mean over requests.

    1 where both put the pool in one order, 0 where one tells nothing of the other. Of equal scores the lower item id
    has the lower rank.
    """
    each = ledger.correlations
    found = ~np.isnan(each)
    return [Ratio(np.where(found, each, 0.0), found.astype(np.float64), "early")]


def predicted_lost(ledger: Ledger) -> list[Ratio]:
    """Lost candidates that the survival law expects of a bivariate normal with the measured correlation.

    Where `lost` is greater, the stages agree less on the top of the pool than they do on the bulk.
    """
    rho = correlation(ledger)[0].value or 0.0
    return [expected_lost(rho, count(ledger, ledger.retrieved), count(ledger, ledger.early), ledger.slate_size)]


def expected_lost(rho: float, pool: np.ndarray, keep: np.ndarray, slate_size: int) -> Ratio:
    """What the survival law expects to be lost of each request's best.

    Args:
        rho: correlation of the two rankings. pool, keep: float64 (R,), candidates of a request and its survivors.
    """
    wanted = np.minimum(pool, slate_size)
    asked = np.maximum(pool, 1)
    return Ratio(wanted * (1 - survival(rho, asked, keep, np.maximum(wanted, 1))), wanted, "early")
