"""The variance split finds the parts that were put in, and says what it cannot tell."""

import numpy as np
import pytest

from funnel.metrics.variance import Components, components, influence

WORLD, TRAINING, REQUEST = 0.04, 0.01, 4.0
"""variances; that of one request is divided by their number"""


def simulated(seeds: int, twins: int, requests: int = 200, shared: float = 0.5):
    """Values and influences of a number that is the mean over requests, part of whose spread all twins share."""
    generator = np.random.default_rng(0)
    level = generator.normal(0, WORLD**0.5, (seeds, 1)) + generator.normal(0, TRAINING**0.5, (seeds, twins))
    common = generator.normal(0, (shared * REQUEST) ** 0.5, (seeds, requests, 1))
    own = generator.normal(0, ((1 - shared) * REQUEST) ** 0.5, (seeds, requests, twins))
    each = level[:, None] + common + own
    values = each.mean(1)
    return values, [(found - found.mean(0)) / requests for found in each]


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_parts_that_were_put_in_come_out(shared):
    found = components(*simulated(3_000, 3, shared=shared))
    assert found.world == pytest.approx(WORLD, rel=0.15)
    assert found.training == pytest.approx(TRAINING, rel=0.15)
    assert found.requests == pytest.approx(REQUEST / 200, rel=0.05)
    assert found.note == ""


def test_without_twins_training_stands_inside_the_world():
    found = components(*simulated(3_000, 1))
    assert found.world == pytest.approx(WORLD + TRAINING, rel=0.15)
    assert found.training is None
    assert found.note == (
        "No two arms differ by `replica` alone, so the part of training cannot be told. The world's part holds it."
    )


def test_of_one_seed_the_world_is_unknown():
    found = components(*simulated(1, 1))
    assert (found.world, found.training) == (None, None) and found.requests > 0
    assert found.note == (
        "One seed is one world, so the spread between worlds is unknown. "
        "No two arms differ by `replica` alone, so the part of training cannot be told."
    )


def test_an_estimate_below_zero_is_told_as_zero():
    values = np.array([[0.1, 0.1], [0.1, 0.1]])
    noise = np.random.default_rng(0).normal(size=(50, 2))
    found = components(values, [noise - noise.mean(0)] * 2)
    assert (found.world, found.training) == (0.0, 0.0)
    assert found.note == "The estimate of world and training came out below zero and is told as zero."


def test_nothing_varies_where_nothing_varies():
    still = [np.zeros((10, 2))] * 3
    assert components(np.ones((3, 2)), still) == Components(0.0, 0.0, 0.0, "")


def test_the_part_of_the_requests_is_what_resampling_them_finds():
    generator = np.random.default_rng(2)
    above, below = generator.gamma(2, 1, 500), generator.integers(1, 5, 500).astype(float)
    found = components(np.ones((1, 1)), [influence(above, below)[:, None]]).requests
    picked = generator.integers(500, size=(4_000, 500))
    again = above[picked].sum(1) / below[picked].sum(1)
    assert found == pytest.approx(again.var(), rel=0.1)


def test_what_a_twin_has_on_the_others_everywhere_is_no_spread():
    generator = np.random.default_rng(5)
    values = generator.normal(0, 0.001, (2_000, 4))
    still = [np.zeros((2, 4))] * 2_000
    plain = components(values, still)
    ahead = components(values + np.array([0.0, 0.01, 0.0, 0.0]), still)
    assert plain.training == pytest.approx(1e-6, rel=0.05)
    assert ahead.training == pytest.approx(plain.training, rel=1e-6)
