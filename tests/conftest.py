"""Fixtures that tests share."""

import pytest
from tests.worlds import TINY

from funnel.world.world import World, generate


@pytest.fixture(scope="session")
def world() -> World:
    return generate(TINY, seed=0)
