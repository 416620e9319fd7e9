"""Fixtures that tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from funnel.world.generate import generate
from funnel.world.world import World
from tests.projects import lay_out
from tests.worlds import SHOP, TINY

# Machines are shared and noisy: how long an example takes says nothing.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def world() -> World:
    return generate(TINY, seed=0)


@pytest.fixture(scope="session")
def shop() -> World:
    """The people of `world` on three surfaces."""
    return generate(SHOP, seed=0)


@pytest.fixture
def scenarios(tmp_path, monkeypatch) -> Path:
    """The folder of scenarios of a project in which commands run: one base, one preset and one scenario."""
    monkeypatch.chdir(tmp_path)
    return lay_out(tmp_path)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """`tests.exports.Exported`: exports of a few arms."""
    from tests.exports import exported  # late: it loads torch, which few tests need

    return exported(tmp_path_factory.mktemp("exported"))
