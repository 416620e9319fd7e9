"""Measures of friendships and of bubbles in the slate, and what the page says of them."""

from dataclasses import replace

import numpy as np
import pytest

from funnel.metrics import bubbles, closeness
from funnel.metrics.shown import Shown
from funnel.report import page
from funnel.report.figures import friends
from funnel.report.sections import friends as section
from funnel.report.view import View
from funnel.scenario import results
from tests import ledgers
from tests.pages import Tree, drawn, run_of


def of(found, task=""):
    return {one.slice: one.value for one in found}


@pytest.fixture
def ledger():
    plain = ledgers.random(np.random.default_rng(0), requests=60)
    return replace(plain, edges=ledgers.friendships(np.random.default_rng(1), 4_000))


def test_a_ledger_without_friendships_has_no_such_measure():
    plain = ledgers.random(np.random.default_rng(0))
    for measure in (closeness.closeness_auc, closeness.closeness_calibration, closeness.closeness_reliability):
        assert measure(plain) == []


def test_auc_is_that_of_all_pairs_in_every_third(ledger):
    edges, found = ledger.edges, of(closeness.closeness_auc(ledger))
    low, high = np.quantile(edges.friends, [1 / 3, 2 / 3])
    thirds = {
        "all": edges.friends > 0,
        "friends_low": edges.friends <= low,
        "friends_middle": (edges.friends > low) & (edges.friends <= high),
        "friends_high": edges.friends > high,
    }
    assert found.keys() == thirds.keys()
    for name, rows in thirds.items():
        close, other = edges.estimate[rows & edges.close], edges.estimate[rows & ~edges.close]
        assert found[name] == pytest.approx((close[:, None] > other).mean())
    perfect = replace(ledger, edges=replace(edges, estimate=edges.closeness))
    assert set(of(closeness.closeness_auc(perfect)).values()) == {1.0}


def test_calibration_is_predicted_over_true_and_only_of_probabilities(ledger):
    assert of(closeness.closeness_calibration(ledger))["all"] == pytest.approx(1.5, rel=1e-5)
    unknown = replace(ledger.edges, probability=np.full(4_000, np.nan, np.float32))
    assert closeness.closeness_calibration(replace(ledger, edges=unknown)) == []


def test_tenths_of_a_perfect_estimate_rise_and_of_a_random_one_are_flat(ledger):
    edges, lots = ledger.edges, np.random.default_rng(2).permutation(4_000)
    found = {}
    for name, estimate in (("perfect", np.argsort(np.argsort(edges.closeness))), ("random", lots)):
        known = replace(edges, estimate=((estimate + 0.5) / 4_000).astype(np.float32))
        told = closeness.closeness_reliability(replace(ledger, edges=known))
        assert [one.n for one in told] == [400] * 10
        found[name] = [one.value for one in told]
    assert found["perfect"] == pytest.approx(np.arange(0.05, 1, 0.1), abs=0.03)
    assert found["random"] == pytest.approx([0.5] * 10, abs=0.06)


def test_bubbles_are_counted_by_place_and_tenth(ledger):
    shown = ledger.slate & ledger.friend
    prevalence, engagement = of(bubbles.bubble_prevalence(ledger)), of(bubbles.bubble_engagement(ledger))
    assert prevalence["all"] == pytest.approx(shown.sum() / ledger.slate.sum())
    assert engagement["all"] == pytest.approx(ledger.truth["bubble_engage"][shown].mean())
    many = ledger.friends > np.quantile(ledger.friends, 0.9)
    rows = many[ledger.rows.request]
    assert prevalence["friends_decile_10"] == pytest.approx((shown & rows).sum() / (ledger.slate & rows).sum())
    assert engagement["friends_decile_10"] == pytest.approx(ledger.truth["bubble_engage"][shown & rows].mean())


def test_outcomes_are_told_by_what_a_bubble_shows(ledger):
    draws = np.random.default_rng(2)
    count = (ledger.friend * draws.integers(1, 4, len(ledger.rows))).astype(np.int8)
    expressive = ledger.friend & (draws.random(len(ledger.rows)) < 0.3)
    found = of(bubbles.bubble_outcomes(replace(ledger, shown=Shown(count, expressive))))
    bubbled, truth = ledger.slate & ledger.friend, ledger.truth["like"]
    assert list(found) == ["plain", "expressive", "shown_1", "shown_2", "shown_3"]
    assert found["expressive"] == pytest.approx(truth[bubbled & expressive].mean())
    assert found["plain"] == pytest.approx(truth[bubbled & ~expressive].mean())
    assert found["shown_2"] == pytest.approx(truth[bubbled & (count == 2)].mean())
    assert bubbles.bubble_outcomes(ledger) == []


def test_without_the_task_there_is_no_engagement(ledger):
    bare = replace(ledger, truth={"like": ledger.truth["like"]})
    assert bubbles.bubble_engagement(bare) == [] and bubbles.bubble_prevalence(bare)


# The page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("reports") / "plain")


@pytest.fixture(scope="module")
def view(folder):
    return View(results.read(folder))


def test_bubbles_have_a_line_an_arm_in_both_panels(view):
    left, right = drawn(friends.bubbles, view).axes
    assert len(left.containers) == len(right.containers) == len(view.arms)
    place = left.containers[0].lines[0]
    told = [
        view.estimate("baseline", "bubble_prevalence", "late", f"friends_decile_{t}")["value"] for t in range(1, 11)
    ]
    assert list(place.get_ydata()) == [value for value in told if value is not None]


def test_arms_with_one_estimate_share_a_line(view):
    left, right = drawn(friends.closeness, view).axes
    assert friends.alike(view) == [friends.named(view)]
    assert len(left.containers) == len(right.containers) == 1
    assert left.containers[0].get_label() == "baseline and 4 more"
    assert len(left.containers[0].lines[0].get_xdata()) == 10


def test_the_page_tells_of_the_estimate_and_of_who_cheats(folder, view):
    tree = Tree(page.build(folder).read_text())
    assert "Friends and closeness" in tree.text and "Cheating:" not in tree.text
    table, _ = section.section(view)["tables"]
    assert "Predicted over true, most friends" in [label for label, _ in table.rows]
    view.spec["arms"]["both"]["closeness"] = {"kind": "latent"}
    view.spec["arms"]["late_only"]["closeness"] = {"kind": "survey"}
    assert section.section(view)["cheats"] == ["both"]
