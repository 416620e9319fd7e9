"""Intervals cover what they claim, and resampling agrees with theory where theory has an answer."""

import numpy as np
import pytest
from scipy import stats

from funnel.metrics.intervals import Interval, bootstrap, half_width, percentiles, t_interval


def test_t_interval_is_scipys():
    values = np.array([0.31, 0.28, 0.35, 0.30, 0.33])
    found = t_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.value, found.n, found.sd) == pytest.approx((values.mean(), 5, values.std(ddof=1)))


def test_one_seed_has_no_interval():
    assert t_interval(np.array([0.3])) == Interval(0.3, None, None, 1, None)


def test_equal_values_have_an_interval_of_no_width():
    assert t_interval(np.zeros(5)) == Interval(0.0, 0.0, 0.0, 5, 0.0)


def test_t_interval_of_five_seeds_covers_its_level():
    generator = np.random.default_rng(0)
    draws = generator.normal(0.3, 0.05, (4_000, 5))
    half = np.array([half_width(row.std(ddof=1), 5) for row in draws])
    covered = np.abs(draws.mean(1) - 0.3) <= half
    assert covered.mean() == pytest.approx(0.95, abs=0.015)


def test_bootstrap_over_five_seeds_covers_less_than_it_claims():
    """The reason why it stands beside the t interval and does not judge."""
    generator, covered = np.random.default_rng(1), 0
    for draw in range(200):
        worlds = generator.normal(0.3, 0.05, 5)
        values = [world + 0.02 * generator.normal(size=(20, 1)) for world in worlds]
        low, high = percentiles(bootstrap(values, [np.ones((20, 1))] * 5, seed=draw, draws=200)[:, 0])
        covered += low <= 0.3 <= high
    assert 0.7 < covered / 200 < 0.93


def test_bootstrap_of_one_seed_has_the_standard_error_of_the_mean():
    above = np.random.default_rng(2).normal(2, 1, (400, 1))
    replicates = bootstrap([above], [np.ones((400, 1))], seed=0, draws=4_000)
    assert replicates.std() == pytest.approx(above.std() / 20, rel=0.05)
    assert replicates.mean() == pytest.approx(above.mean(), abs=0.01)


def test_bootstrap_over_seeds_sees_the_spread_of_worlds():
    values = [np.full((50, 1), world) for world in (0.1, 0.2, 0.3, 0.4)]
    replicates = bootstrap(values, [np.ones((50, 1))] * 4, seed=0, draws=4_000)
    assert replicates.std() == pytest.approx(np.std([0.1, 0.2, 0.3, 0.4]) / 2, rel=0.05)


def test_bootstrap_pairs_its_columns():
    above = np.random.default_rng(3).normal(size=(60, 1))
    replicates = bootstrap([np.hstack([above, above + 1])], [np.ones((60, 2))], seed=0)
    np.testing.assert_allclose(replicates[:, 1] - replicates[:, 0], 1)


def test_bootstrap_is_a_function_of_its_seed():
    above = np.random.default_rng(4).normal(size=(30, 2))
    below = np.ones((30, 2))
    same = [bootstrap([above, above], [below, below], seed=5, draws=50) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (bootstrap([above, above], [below, below], seed=6, draws=50) != same[0]).any()


def test_a_measure_that_a_replicate_leaves_without_cases_has_no_bootstrap():
    below = np.zeros((10, 1))
    below[0] = 1  # one request in ten has a case: some replicates miss it
    assert percentiles(bootstrap([below], [below], seed=0)[:, 0]) is None
