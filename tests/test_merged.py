"""Measures by surface: slices that partition the whole, and the merged slate by hand."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.metrics.catalogue import rows
from funnel.metrics.ledger import Ledger
from funnel.metrics.merged import merged_share, merged_value
from tests import ledgers

# Two users on two surfaces: four requests over three items, a slate of two.
VALUE = np.array([[5.0, 4.0, 1.0], [6.0, 1.0, 2.0], [3.0, 2.0, 1.0], [1.0, 9.0, 8.0]])
LATE = np.array([[5.0, 4.0, 0.0], [1.0, 0.0, 9.0], [3.0, 2.0, 1.0], [0.0, 2.5, 2.2]])


def on_surfaces(ledger: Ledger) -> Ledger:
    """Every second request on the second of two surfaces."""
    second = np.arange(ledger.rows.requests) % 2 == 1
    return replace(ledger, surfaces={"home": ~second, "search": second})


@pytest.fixture
def pages() -> Ledger:
    return on_surfaces(ledgers.of_scores(VALUE, LATE, LATE, keep=3, slate_size=2))


def test_the_merged_slate_by_hand(pages):
    # User 0: slates {0, 1} and {2, 0}; item 0 counts on home, at 5. Shown: search's 2 (worth 2) and home's 0 (5).
    # User 1: slates {0, 1} and {1, 2}; item 1 counts on search at 2.5. Shown: home's 0 (3), search's 1 (9).
    (value,), (share,) = merged_value(pages), merged_share(pages)
    assert (value.value, value.n) == ((2 + 5 + 3 + 9) / 4, 2)
    # The best of the same slates: search's 0 (6) and home's 1 (4); search's 1 (9) and 2 (8).
    assert share.value == pytest.approx((2 + 5 + 3 + 9) / (6 + 4 + 9 + 8))


def test_slates_merged_by_the_truth_are_the_best():
    ledger = on_surfaces(ledgers.of_scores(VALUE, VALUE, VALUE, keep=3, slate_size=2))
    assert merged_share(ledger)[0].value == 1.0


def test_without_surfaces_nothing_is_merged_and_no_slice_is_added():
    ledger = ledgers.random(np.random.default_rng(0))
    assert merged_value(ledger) == merged_share(ledger) == []
    plain, split = (set(rows(each, 0, "a")[0]["slice"]) for each in (ledger, on_surfaces(ledger)))
    assert split - plain == {
        f"{name}_{surface}" for name in ("surface", "impressed", "unselected") for surface in ("home", "search")
    }


def test_slices_by_surface_share_out_the_whole():
    table = rows(on_surfaces(ledgers.random(np.random.default_rng(0))), 0, "a")[0]
    found = {tuple(key): value for *key, value in table.select("measure", "stage", "slice", "value").iter_rows()}
    assert found["value", "late", "all"] == pytest.approx(
        (found["value", "late", "surface_home"] + found["value", "late", "surface_search"]) / 2
    )
    for measure, stage in (("recall", "early"), ("recall", "late"), ("lost", "early")):
        parts = sorted(found[measure, stage, f"surface_{surface}"] for surface in ("home", "search"))
        assert parts[0] <= found[measure, stage, "all"] <= parts[1]
