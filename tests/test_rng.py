"""Named streams and keyed draws."""

import numpy as np
from scipy.stats import kstest

from funnel.rng import keyed_uniforms, seed_of, stream


def test_a_stream_is_its_name_and_seed():
    assert stream(1, "a", 2).random() == stream(1, "a", 2).random()
    assert stream(1, "a").random() != stream(1, "b").random() != stream(2, "b").random()
    assert 0 <= seed_of(3, "x") < 2**63


def test_a_pair_keeps_its_draws_in_any_batch_and_order():
    request, item = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    draws = keyed_uniforms(7, "outcome", request, item, 4)
    order = np.random.default_rng(0).permutation(1000)
    assert np.array_equal(keyed_uniforms(7, "outcome", request[order], item[order], 4), draws[order])
    assert np.array_equal(keyed_uniforms(7, "outcome", request[:1], item[:1], 2), draws[:1, :2])


def test_keyed_draws_are_uniform_and_independent():
    request, item = np.repeat(np.arange(400), 50), np.tile(np.arange(50), 400)
    draws = keyed_uniforms(0, "x", request, item, 3)
    assert draws.min() > 0 and draws.max() < 1
    assert all(kstest(column, "uniform").pvalue > 1e-3 for column in draws.T)
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.03
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.03
    assert abs(np.corrcoef(draws[:, 0], keyed_uniforms(1, "x", request, item, 1)[:, 0])[0, 1]) < 0.03
