"""The survival law: its limits, what it says of the bivariate normal, and the correlation that it is fed with."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from funnel.metrics import laws, recall
from funnel.metrics.laws import survival
from tests import ledgers


def normals(rho: float, requests: int = 300, pool: int = 400, keep: int = 40, slate: int = 8):
    """A ledger whose two scores are bivariate normal; what retrieval missed is noise that must not count."""
    generator = np.random.default_rng(3)
    late = generator.normal(size=(requests, pool + 50))
    early = rho * late + np.sqrt(1 - rho**2) * generator.normal(size=late.shape)
    retrieved = np.arange(pool + 50)[None, :] < np.full((requests, 1), pool)
    return ledgers.of_scores(late, early, late, keep, slate, retrieved)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.3, 0.8, 0.99])
@pytest.mark.parametrize(("keep", "top"), [(10, 10), (100, 10), (700, 200)])
def test_it_is_a_share_of_the_bivariate_normal(rho, keep, top):
    corner = -ndtri(1 - np.array([keep, top]) / 1_000)
    exact = multivariate_normal.cdf(corner, cov=[[1, rho], [rho, 1]], abseps=1e-12, releps=1e-12) / (top / 1_000)
    assert survival(rho, 1_000, keep, top) == pytest.approx(exact, abs=1e-6)


def test_its_limits():
    assert survival(0.0, 1_000, 250, 10) == pytest.approx(0.25)
    assert survival(1.0, 1_000, 100, 10) == pytest.approx(1.0)
    assert survival(1.0, 1_000, 5, 10) == pytest.approx(0.5, abs=0.02)
    assert survival(-1.0, 1_000, 100, 10) == pytest.approx(0.0)
    assert survival(0.3, 100, 100, 10) == survival(0.3, 100, 150, 10) == 1.0


def test_it_rises_with_the_correlation_and_the_budget():
    found = survival(np.linspace(0, 0.95, 9)[:, None], 1_000, np.array([25, 50, 100, 200, 400]), 10)
    assert found.shape == (9, 5)
    assert (np.diff(found, axis=0) > 0).all() and (np.diff(found, axis=1) > 0).all()


@pytest.mark.parametrize("rho", [0.2, 0.5, 0.8])
def test_simulated_stages_lose_what_it_says(rho):
    ledger = normals(rho)
    (expected,), lost = laws.predicted_lost(ledger), recall.lost(ledger)[0]
    assert lost.value == pytest.approx(expected.value, abs=0.02)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_the_correlation_is_that_of_the_normals(rho):
    (found,) = laws.correlation(normals(rho))
    assert found.value == pytest.approx(rho, abs=0.02)
    assert (found.stage, found.n) == ("early", 300)


def test_the_correlation_needs_the_ranks_alone():
    generator = np.random.default_rng(5)
    late, noise = generator.normal(size=(2, 20, 60))
    bent = [ledgers.of_scores(late, early, np.exp(late), 10, 4) for early in (late + noise, np.exp(3 * (late + noise)))]
    one, other = (laws.correlation(ledger)[0] for ledger in bent)
    assert np.allclose(one.numerator, other.numerator)


def test_equal_and_reversed_rankings():
    scores = np.random.default_rng(6).normal(size=(5, 30))
    same, turned = (ledgers.of_scores(scores, early, scores, 10, 4) for early in (scores, -scores))
    assert laws.correlation(same)[0].value == pytest.approx(1.0)
    assert laws.correlation(turned)[0].value == pytest.approx(-1.0)
    assert laws.predicted_lost(same)[0].value == pytest.approx(0.0, abs=1e-6)


def test_a_pool_of_one_candidate_has_no_correlation():
    one = np.ones((3, 1))
    (found,) = laws.correlation(ledgers.of_scores(one, one, one, 1, 1))
    assert (found.value, found.n) == (None, 0)
    assert laws.predicted_lost(ledgers.of_scores(one, one, one, 1, 1))[0].value == 0.0
