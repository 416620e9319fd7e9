"""The two kinds of world as data: which one a table means, what it says of a wrong one, and what it draws alike."""

import pytest

from funnel.errors import SpecError
from funnel.patch import merge
from funnel.spec import Spec
from funnel.world.fitted.spec import FittedSpec
from funnel.world.spec import WorldSpec
from funnel.world.synthetic.spec import SyntheticSpec


class Holder(Spec):
    world: WorldSpec


def parsed(table):
    return Holder.parse({"world": table}, "base").world


def test_a_world_without_a_kind_is_synthetic():
    assert parsed({"users": 50}) == SyntheticSpec(users=50)
    assert parsed({"kind": "synthetic"}) == SyntheticSpec()
    assert parsed({"kind": "fitted", "source": "data"}) == FittedSpec(source="data")
    assert parsed(FittedSpec(source="data")) == FittedSpec(source="data")


@pytest.mark.parametrize("spec", [SyntheticSpec(users=50), FittedSpec(source="data", rates={"like": 0.02})])
def test_a_world_is_its_table(spec):
    assert parsed(spec.table()) == spec


def test_another_kind_of_world_starts_from_its_own_defaults():
    table = merge(SyntheticSpec(history=3).table(), {"kind": "fitted", "source": "data"})
    assert parsed(table) == FittedSpec(source="data")


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ({"kind": "fited"}, ("base.world.kind: `fited` is not a known kind. Did you mean `fitted`?",)),
        ({"kind": "fitted"}, ("base.world.source: should be given. Found nothing.",)),
        (
            {"kind": "fitted", "source": "data", "creators": 5, "neighbors": 5},
            (
                "base.world.creators: `creators` is not a known key. Did you mean `reactions`?",
                "base.world.neighbors: `neighbors` is not a known key. Did you mean `neighbours`?",
            ),
        ),
        (
            {"kind": "fitted", "source": "data", "rates": {"lke": 0.5, "watch": 1.0, "like": 0.0}},
            (
                "base.world.rates: `lke` is not a channel. Did you mean `like`? The rate of `watch` should be between "
                "0 and 1, without either. Found 1. The rate of `like` should be between 0 and 1, without either. "
                "Found 0.",
            ),
        ),
        (
            {"kind": "fitted", "source": "data", "friends": {"homophily": 0.5}},
            (
                "base.world.friends.homophily: `homophily` is not a known key. Known: close, close_mutual, "
                "close_sigma, contact_close, contact_far, messages_close.",
            ),
        ),
    ],
)
def test_wrong_worlds_are_told(table, problems):
    with pytest.raises(SpecError) as caught:
        parsed(table)
    assert caught.value.problems == problems


def test_policy_draws_nothing_in_either_kind():
    for spec in (SyntheticSpec(), FittedSpec(source="data")):
        policy = spec.reactions.model_copy(update={"threshold": 0.9, "cap": 1})
        assert spec.model_copy(update={"reactions": policy}).draws_as(spec)
        assert not spec.model_copy(update={"history": 3}).draws_as(spec)
    assert not FittedSpec(source="data").draws_as(SyntheticSpec())
    assert not FittedSpec(source="data").draws_as(FittedSpec(source="other"))
