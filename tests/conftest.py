"""Fixtures that tests share."""

import pytest

from funnel.world.world import World, generate
from tests.worlds import TINY


@pytest.fixture(scope="session")
def world() -> World:
    return generate(TINY, seed=0)
