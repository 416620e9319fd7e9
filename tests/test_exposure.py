"""What slates expose people to, on ledgers whose answers can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.metrics import exposure
from funnel.metrics.exposed import Exposed
from funnel.metrics.ledger import Ledger
from tests import ledgers

SHOWN = np.array([[3, 2, 1, 0], [3, 2, 1, 0], [0, 1, 2, 3]], float)
"""value and score of four items in three requests; two are shown: items 0 and 1 twice, then 2 and 3"""
TOPIC = np.array([5, 5, 6, 7])
CREATOR = np.array([0, 1, 1, 2])


@pytest.fixture
def ledger() -> Ledger:
    """Users with 0, 1 and 9 friends; the second knows topic 5, nobody a creator but the third creator 2."""
    plain = ledgers.of_scores(SHOWN, SHOWN, SHOWN, keep=3, slate_size=2, friends=np.array([0, 1, 9]))
    item, request = plain.rows.item, plain.rows.request
    topic, creator = TOPIC[item], CREATOR[item]
    known = Exposed(topic, creator, (topic == 5) & (request == 1), (creator == 2) & (request == 2), creators=200)
    return replace(plain, exposed=known)


def of(ratios) -> dict[str, float | None]:
    """Values by slice."""
    return {ratio.slice: ratio.value for ratio in ratios}


def test_different_topics_and_creators_are_counted_on_each_slate(ledger):
    # Slates {0, 1}, {0, 1}, {2, 3}: topics 5 5, 5 5, 6 7; creators 0 1, 0 1, 1 2.
    assert of(exposure.topics(ledger)) == pytest.approx(
        {"all": 4 / 3, "friends_none": 1, "friends_few": 1, "friends_many": 2}
    )
    assert of(exposure.creators(ledger))["all"] == 2


def test_what_is_new_is_a_share_of_the_slots(ledger):
    topics, creators = of(exposure.new_topics(ledger)), of(exposure.new_creators(ledger))
    assert (topics["all"], topics["friends_none"], topics["friends_many"]) == pytest.approx((4 / 6, 1, 1))
    assert (creators["all"], creators["friends_many"]) == pytest.approx((5 / 6, 1 / 2))


def test_coverage_and_concentration_are_of_all_creators(ledger):
    # Six slots: two of creator 0, three of creator 1, one of creator 2; two of 200 creators are the top hundredth.
    (coverage,), (concentration,) = exposure.coverage(ledger), exposure.concentration(ledger)
    assert coverage.value == pytest.approx(3 / 200) and concentration.value == pytest.approx(5 / 6)
    few = replace(ledger, exposed=replace(ledger.exposed, creators=3))
    assert exposure.concentration(few)[0].value == pytest.approx(3 / 6)  # at least one creator is the top


def test_what_was_not_shown_exposes_nobody(ledger):
    moved = replace(ledger.exposed, topic=np.where(ledger.slate, ledger.exposed.topic, 99))
    assert of(exposure.topics(replace(ledger, exposed=moved))) == of(exposure.topics(ledger))
    nothing = replace(ledger, slate=np.zeros_like(ledger.slate))
    assert exposure.concentration(nothing)[0].value is None and of(exposure.new_topics(nothing))["all"] is None


def test_a_world_without_topics_has_none_of_these(ledger):
    bare = replace(ledger, exposed=None)
    measures = ("topics", "creators", "new_topics", "new_creators", "concentration", "coverage")
    assert all(getattr(exposure, name)(bare) == [] for name in measures)
