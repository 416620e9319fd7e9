"""The account of a fitted world: nothing that was assumed is left out."""

import pytest

from funnel.world.fitted.account import account
from funnel.world.fitted.spec import FactorsSpec, FittedSpec
from funnel.world.laws import EngagementSpec, ReactionsSpec
from tests.listeners import folder


def assumed(at, rates: dict[str, float], **how) -> dict[str, object]:
    """What is told, by name."""
    spec = FittedSpec(source=str(folder(at, **how)), factors=FactorsSpec(dims=4), rates=rates)
    return {part["what"]: part["value"] for part in account(spec, 0)["assumed"]}


def test_every_law_and_setting_that_no_data_told_is_listed(tmp_path):
    told = assumed(tmp_path / "data", rates={"like": 0.05})
    engagement = set(EngagementSpec.model_fields) - {"channels"}
    assert {f"engagement.{name}" for name in engagement} | {
        f"reactions.{name}" for name in ReactionsSpec.model_fields
    } <= set(told)
    assert {f"engagement.channels.{name}" for name in EngagementSpec().channels} <= set(told)
    assert "base -2.5" in str(told["engagement.channels.watch"])
    assert told["rates.like"] == 0.05 and "base" not in str(told["engagement.channels.like"])


@pytest.mark.parametrize("there", [False, True])
def test_a_law_is_assumed_where_the_data_has_nothing(tmp_path, there):
    told = assumed(tmp_path / "data", rates={}, friends=there, items=there)
    for name in ("neighbours", "duration_median", "duration_sigma"):
        assert (name in told) is not there
