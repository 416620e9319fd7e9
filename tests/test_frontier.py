"""The frontier against brute force, and its laws."""

import numpy as np
import pytest

from funnel.metrics.frontier import hypervolume, non_dominated
from funnel.rng import stream


def clouds() -> list[np.ndarray]:
    """Point clouds, some on a grid so that values tie."""
    draws = stream(0, "test", "frontier")
    return [draws.random((12, 2)) for _ in range(5)] + [draws.integers(0, 4, (15, 2)) / 4 for _ in range(5)]


@pytest.mark.parametrize("points", clouds())
def test_a_point_is_dominated_where_another_is_as_good_in_both_and_better_in_one(points):
    expected = [not any((other >= point).all() and (other > point).any() for other in points) for point in points]
    assert non_dominated(points).tolist() == expected


@pytest.mark.parametrize("points", clouds())
def test_the_hypervolume_is_the_share_of_a_fine_grid_that_is_dominated(points):
    reference = np.array([0.25, 0.1])
    ticks = (np.arange(400) + 0.5) / 400
    cells = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    covered = (cells > reference).all(1) & (cells[:, None] < points).all(2).any(1)
    assert hypervolume(points, reference) == pytest.approx(covered.mean(), abs=0.01)


@pytest.mark.parametrize("points", clouds())
def test_only_the_frontier_counts_in_the_hypervolume(points):
    origin = np.zeros(2)
    assert hypervolume(points[non_dominated(points)], origin) == pytest.approx(hypervolume(points, origin))
    assert hypervolume(points, points.max(0)) == 0.0


def test_a_frontier_of_two_steps():
    points = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 1.0], [2.0, 2.0]])
    assert non_dominated(points).tolist() == [True, True, False, True]
    assert hypervolume(points, np.array([0.0, 1.0])) == 1 * 2 + 1 * 1
