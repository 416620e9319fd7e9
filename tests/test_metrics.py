"""Every measure against laws, closed forms, other people's code, and small tables worked out by hand."""

import inspect
from dataclasses import replace

import ir_measures
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from funnel import schema
from funnel.candidates import Requests
from funnel.metrics import auc, calibration, chains, overlap, recall, regret, value
from funnel.metrics.auc import expected_auc
from funnel.metrics.catalogue import METRICS, rows
from funnel.metrics.deaths import deaths
from funnel.metrics.ratio import Ratio
from tests import ledgers


def by(ratios, *fields):
    """Values by the named fields of each ratio."""
    return {tuple(getattr(ratio, name) for name in fields): ratio.value for ratio in ratios}


@st.composite
def random_ledgers(draw):
    corpus = draw(st.integers(2, 30))
    keep = draw(st.integers(1, corpus))
    slate_size = draw(st.integers(1, keep))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    return ledgers.random(generator, draw(st.integers(1, 6)), corpus, keep, slate_size)


@given(random_ledgers())
@settings(max_examples=60, deadline=None)
def test_laws_of_every_ledger(ledger):
    falls = by(recall.recall(ledger), "slice", "stage")
    assert falls["all", "retrieval"] >= falls["all", "early"] >= falls["all", "late"]
    soft = by(value.soft_recall(ledger), "stage")
    assert 1 + 1e-6 >= soft["retrieval",] >= soft["early",] >= soft["late",]

    parts = by(value.waterfall(ledger), "stage")
    assert sum(parts.values()) == pytest.approx(1, abs=1e-12)
    assert parts["shown",] == pytest.approx(soft["late",])
    assert sum(by([r for r in recall.terminal(ledger) if r.slice == "all"], "stage").values()) == pytest.approx(1)

    blame = by(regret.regret(ledger), "stage")
    assert sum(blame.values()) == pytest.approx(1 - parts["shown",], abs=1e-6)
    alone = by(recall.alone_recall(ledger), "stage")
    assert alone["retrieval",] == falls["all", "retrieval"]


def test_a_control_is_told_of_where_a_stage_predicts_it():
    plain = ledgers.random(np.random.default_rng(0))
    rate = plain.truth["like"]
    ledger = replace(plain, truth=plain.truth | {"noise": rate}, labels=plain.labels | {"noise": rate})
    late = ledger.predicted["late"] | {"noise": rate}
    predicted = replace(ledger, predicted=ledger.predicted | {"late": late})
    for measure in (value.probability, value.label):
        assert ("noise",) not in by(measure(ledger), "task") and ("noise",) in by(measure(predicted), "task")


@given(random_ledgers())
@settings(max_examples=20, deadline=None)
def test_the_tables_of_every_ledger_keep_their_schema(ledger):
    table, sums = rows(ledger, 3, "both")
    assert dict(table.schema) == schema.ROWS
    assert dict(sums.schema) == schema.REQUEST_ROWS
    assert table["value"].is_finite().all() or table["value"].null_count()
    assert table.select("measure", "stage", "slice", "task").is_unique().all()
    assert sums.height % ledger.rows.requests == 0


def test_request_rows_sum_to_the_value():
    table, sums = rows(ledgers.random(np.random.default_rng(0)), 0, "both")
    key = ["measure", "stage", "slice", "task"]
    totals = sums.group_by(key).agg(pl.col("numerator", "denominator").sum()).join(table, on=key, validate="1:1")
    np.testing.assert_allclose(totals["numerator"] / totals["denominator"], totals["value"])


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_measure_has_a_definition_in_one_paragraph(metric):
    assert metric.definition.endswith(".")
    assert len(metric.definition) < 400
    assert metric.definition.split()[0] in inspect.getdoc(metric.compute)


# One request, five items, worth 5 4 3 2 1; a slate of two; retrieval misses the best item.
VALUE = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]])
FOUND = np.array([[False, True, True, True, True]])
EARLY = np.array([[9.0, 1.0, 2.0, 3.0, 4.0]])
LATE = VALUE
FRIEND = np.array([[True, True, False, False, True]])


@pytest.fixture
def small():
    """Early keeps items 2, 3, 4 and so cuts item 1; late shows 2 and 3."""
    return ledgers.of_scores(VALUE, EARLY, LATE, keep=3, slate_size=2, retrieved=FOUND, friend=FRIEND)


def test_recall_by_hand(small):
    falls = by(recall.recall(small), "slice", "stage")
    assert [falls["all", stage] for stage in ("retrieval", "early", "late")] == [0.5, 0.0, 0.0]
    assert falls["friend", "retrieval"] == 0.5
    assert falls["other", "retrieval"] is None  # both oracle items are a friend's
    ended = by(recall.terminal(small), "slice", "stage")
    assert [ended["all", stage] for stage in ("retrieval", "early", "late", "shown")] == [0.5, 0.5, 0.0, 0.0]


def test_lost_by_hand(small):
    # The reference (here the late score) wants items 1 and 2 of the pool; early cut item 1.
    assert by(recall.lost(small), "slice") == {("all",): 0.5, ("friend",): 1.0, ("other",): 0.0}


def test_value_by_hand(small):
    assert by(value.soft_recall(small), "stage") == pytest.approx(
        {("retrieval",): 7 / 9, ("early",): 5 / 9, ("late",): 5 / 9}
    )
    assert by(value.waterfall(small), "stage") == pytest.approx(
        {("retrieval",): 2 / 9, ("early",): 2 / 9, ("late",): 0.0, ("shown",): 5 / 9}
    )
    assert by(value.value(small), "slice")["all",] == 2.5


def test_regret_by_hand(small):
    # Worth of the slate by the stages that are oracles. R alone: early keeps items 0, 3, 4 and late shows 0 and 3.
    worth = {"": 5, "R": 7, "E": 7, "L": 5, "RE": 9, "RL": 7, "EL": 7, "REL": 9}
    retrieval = (2 * (worth["R"] - worth[""]) + (worth["RE"] - worth["E"]) + (worth["RL"] - worth["L"])) / 6
    retrieval += 2 * (worth["REL"] - worth["EL"]) / 6
    assert by(regret.regret(small), "stage") == pytest.approx(
        {("retrieval",): retrieval / 9, ("early",): (4 - retrieval) / 9, ("late",): 0.0}
    )


def test_survival_and_share_by_hand(small):
    passed = by(recall.survival(small), "slice", "stage")
    assert passed["friend", "early"] == 0.5
    assert passed["other", "early"] == 1.0
    assert passed["oracle_friend", "early"] == 0.0
    held = by(value.share(small), "slice", "stage")
    assert held["friend", "oracle"] == 1.0
    assert held["friend", "late"] == 0.0


def test_overlap_by_hand(small):
    # Impressed: K is 1; early prefers item 3, late item 2. Unimpressed: items 1 and 4, both inside K = 3.
    assert by(overlap.overlap(small), "slice") == {("impressed",): 0.0, ("unimpressed",): 1.0}
    # Early's top two are items 4 and 3; only 3 was shown.
    assert by(overlap.penetration(small), "stage") == {("early",): 0.5}
    assert by(overlap.candidates(small), "stage") == {("retrieval",): 4.0, ("early",): 3.0, ("late",): 2.0}
    assert by(overlap.keep_ratio(small), "stage") == {("early",): 0.75, ("late",): pytest.approx(2 / 3)}


def test_the_rest_of_the_value_leaves_the_new_tasks_out():
    rest = np.array([[2.0, 1.5, 1.0]])
    ledger = ledgers.of_scores(rest, rest, np.array([[2.0, 1.5, 4.0]]), keep=3, slate_size=2, rest_value=rest / 2)
    assert by(value.rest_value(ledger), "stage") == {("late",): 0.75}


def test_recoverable_by_hand():
    # The change adds 3 to item 2 alone; without it the oracle shows item 0, worth 2 now; with it item 2, worth 4.
    true, blind = np.array([[2.0, 1.5, 4.0]]), np.array([[2.0, 1.5, 1.0]])
    sees = ledgers.of_scores(true, true, true, keep=2, slate_size=1, blind_value=blind)
    cuts = ledgers.of_scores(true, blind, true, keep=2, slate_size=1, blind_value=blind)
    assert by(value.recoverable(sees), "stage") == {("retrieval",): 1.0, ("early",): 1.0, ("late",): 1.0}
    assert by(value.recoverable(cuts), "stage") == {("retrieval",): 1.0, ("early",): 0.0, ("late",): 0.0}


def test_what_is_recoverable_is_a_share_and_falls_down_the_funnel():
    ledger = ledgers.random(np.random.default_rng(0))
    shares = list(by(value.recoverable(ledger), "stage").values())
    assert 1 >= shares[0] >= shares[1] >= shares[2] >= 0 and shares[0] > shares[2]


def test_a_change_that_adds_nothing_leaves_nothing_to_recover():
    ledger = ledgers.of_scores(VALUE, EARLY, LATE, keep=3, slate_size=2)
    assert by(value.recoverable(ledger), "stage") == {("retrieval",): None, ("early",): None, ("late",): None}


def test_early_keep_of_the_whole_pool_loses_nothing_at_early():
    generator = np.random.default_rng(1)
    shape = (30, 25)
    ledger = ledgers.of_scores(
        generator.normal(size=shape), generator.normal(size=shape), generator.normal(size=shape), 25, 5
    )
    assert by(recall.lost(ledger), "slice")["all",] == 0.0
    assert by(value.waterfall(ledger), "stage")["early",] == 0.0
    assert by(regret.regret(ledger), "stage")["early",] == 0.0


def test_product_of_stage_recalls_meets_joint_recall_where_only_one_stage_cuts():
    ledger = ledgers.of_scores(VALUE, VALUE, LATE, keep=3, slate_size=2, retrieved=FOUND)
    joint = by(recall.recall(ledger), "slice", "stage")["all", "late"]
    assert by(recall.product_recall(ledger), "stage") == {("late",): joint} == {("late",): 0.5}


def test_recall_agrees_with_ir_measures():
    ledger = ledgers.random(np.random.default_rng(5), requests=12, corpus=50, keep=15, slate_size=6)
    request, item = ledger.rows.request.astype(str), ledger.rows.item.astype(str)
    wanted = [ir_measures.Qrel(r, i, 1) for r, i in zip(request[ledger.oracle], item[ledger.oracle], strict=True)]
    kept = ledger.early
    run = [
        ir_measures.ScoredDoc(r, i, float(s))
        for r, i, s in zip(request[kept], item[kept], ledger.early_score[kept], strict=True)
    ]
    expected = ir_measures.calc_aggregate([ir_measures.R @ 15], wanted, run)[ir_measures.R @ 15]
    assert by(recall.recall(ledger), "slice", "stage")["all", "early"] == pytest.approx(expected)


@pytest.mark.parametrize(("rho", "keep", "slate_size"), [(0.9, 100, 20), (0.5, 100, 20), (0.0, 200, 50)])
def test_survival_law_of_normal_scores(rho, keep, slate_size):
    """Share of the late top n that survives an early cut at K: Phi2(-x, -y; rho) / (n / C)."""
    pool, generator = 1_000, np.random.default_rng(2)
    late = generator.normal(size=(300, pool))
    early = rho * late + np.sqrt(1 - rho**2) * generator.normal(size=late.shape)
    ledger = ledgers.of_scores(late, early, late, keep, slate_size)
    x, y = stats.norm.ppf(1 - keep / pool), stats.norm.ppf(1 - slate_size / pool)
    both = stats.multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf([-x, -y])
    lost = by(recall.lost(ledger), "slice")["all",]
    assert 1 - lost == pytest.approx(both / (slate_size / pool), abs=0.02)


def test_selection_law_of_the_winners_curse():
    """Truth N(0,1), prediction with noise sd s, top fraction f: the mean excess is s^2 / sqrt(1 + s^2) * phi(z) / f."""
    s, fraction, generator = 0.7, 0.05, np.random.default_rng(3)
    truth = generator.normal(size=(200, 1_000))
    predicted = truth + s * generator.normal(size=truth.shape)
    ledger = ledgers.of_scores(truth, predicted, predicted, keep=100, slate_size=50)
    ledger = replace(ledger, truth={"like": truth.reshape(-1)}, predicted={"late": {"like": predicted.reshape(-1)}})
    excess = by(calibration.winners_curse(ledger), "stage", "task")
    z = stats.norm.ppf(1 - fraction)
    assert excess["late", "like"] == pytest.approx(s**2 / np.sqrt(1 + s**2) * stats.norm.pdf(z) / fraction, abs=0.01)
    assert excess["retrieval", "like"] == pytest.approx(0, abs=0.01)


def test_calibration_counts_only_where_the_condition_holds():
    ledger = ledgers.random(np.random.default_rng(4))
    found = by(calibration.calibration(ledger), "task", "stage", "slice")
    assert found["like", "late", "all"] == pytest.approx(1.1)
    assert found["bubble_engage", "late", "friend"] == pytest.approx(0.9)
    assert found["bubble_engage", "late", "other"] is None


def _pairwise_auc(score: np.ndarray, probability: np.ndarray) -> float:
    """The definition, pair by pair."""
    weight = probability[:, None] * (1 - probability)
    np.fill_diagonal(weight, 0)
    right = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    return (weight * right).sum() / weight.sum()


@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_expected_auc_by_sorting_is_that_of_all_pairs(rows, levels, seed):
    generator = np.random.default_rng(seed)
    score, probability = generator.integers(0, levels, rows), generator.random(rows)
    assert expected_auc(score, probability) == pytest.approx(_pairwise_auc(score, probability))


def test_expected_auc_of_drawn_outcomes_is_the_auc():
    generator = np.random.default_rng(0)
    score, drawn = generator.normal(size=300), generator.random(300) < 0.3
    ranks = stats.mannwhitneyu(score[drawn], score[~drawn]).statistic / (drawn.sum() * (~drawn).sum())
    assert expected_auc(score, drawn.astype(float)) == pytest.approx(ranks)
    assert expected_auc(score, np.ones(300)) is None and expected_auc(score[:0], score[:0]) is None


def test_rankers_are_judged_on_what_was_shown_and_on_the_rest_apart():
    ledger = ledgers.random(np.random.default_rng(4))
    ratios = by(calibration.ranker_calibration(ledger), "stage", "slice", "task")
    assert set(ratios) == {
        (stage, slice_, task)
        for stage, task in (("early", "like"), ("late", "like"), ("late", "bubble_engage"))
        for slice_ in ("impressed", "unselected")
    } | {("late", "met", "bubble_engage")}
    assert ratios["early", "unselected", "like"] == pytest.approx(0.8)
    assert ratios["late", "impressed", "like"] == pytest.approx(1.1)
    errors = by(calibration.ranker_error(ledger), "stage", "slice", "task")
    shown = np.sqrt(np.square(0.1 * ledger.truth["like"][ledger.slate]).mean())
    assert errors["late", "impressed", "like"] == pytest.approx(shown)
    areas = by(auc.auc(ledger), "stage", "slice", "task")
    # The predictions stand in the order of the truth, so no ranker of these rows has a greater area.
    rest = ledger.retrieved & ~ledger.slate
    best = _pairwise_auc(ledger.truth["like"][rest], ledger.truth["like"][rest].astype(np.float64))
    assert areas["early", "unselected", "like"] == pytest.approx(best)
    friends = rest & ledger.friend
    truth = ledger.truth["bubble_engage"][friends].astype(np.float64)
    assert areas["late", "unselected", "bubble_engage"] == pytest.approx(_pairwise_auc(truth, truth))


def test_a_chain_is_counted_by_the_slot(small):
    # Items 2 and 3 are shown, neither carries a bubble. Clicks 0.5 and 0.2, conversions given a click 0.4 and 0.1.
    truth = small.truth | {
        "click": np.full(len(small.rows), 0.5, np.float32) - 0.3 * (small.rows.item == 3),
        "conversion": np.full(len(small.rows), 0.4, np.float32) - 0.3 * (small.rows.item == 3),
    }
    drawn = small.labels | {
        "conversion": np.where(small.rows.item == 2, 1.0, np.nan),
        "click": np.ones(len(small.rows)),
    }
    ledger = replace(small, truth=truth, labels=drawn)
    assert by(chains.joint(ledger), "task") == pytest.approx({("bubble_engage",): 0.0, ("conversion",): 0.11})
    assert by(chains.joint_label(ledger), "task") == {("bubble_engage",): 0.0, ("conversion",): 0.5}
    without = replace(small, truth={"conversion": truth["conversion"]})
    assert chains.joint(without) == []
    # Of seven clicks on what was shown, five fall on the item that converts four times as often.
    selected = by(chains.selection(ledger), "slice", "task")
    assert selected["met", "conversion"] == pytest.approx((0.5 * 0.4 + 0.2 * 0.1) / 0.7)
    assert selected["impressed", "conversion"] == pytest.approx(0.25)
    assert selected["unselected", "conversion"] == pytest.approx(0.4)
    # A head that says 0.25 everywhere is right on all that was shown or on what was clicked, not on both.
    flat = {"late": {"conversion": np.full(len(small.rows), 0.25)}}
    ratios = by(calibration.ranker_calibration(replace(ledger, predicted=flat)), "slice")
    assert ratios["impressed",] == pytest.approx(1)
    assert ratios["met",] == pytest.approx(0.25 / selected["met", "conversion"])


def test_slices_divide_the_whole():
    ledger = ledgers.random(np.random.default_rng(6), requests=50)
    ratios = [r for r in recall.recall(ledger) if r.stage == "early"]
    total = {ratio.slice: ratio.denominator.sum() for ratio in ratios}
    assert total["friend"] + total["other"] == total["all"] == 50 * 4
    assert total["close_low"] + total["close_middle"] + total["close_high"] == total["friend"]
    tenths = [r.denominator.sum() for r in recall.recall_by_friends(ledger) if r.stage == "early"]
    assert len(tenths) == 10
    assert sum(tenths) == total["all"]


def test_an_empty_slice_has_no_value_and_no_requests():
    empty = Ratio(np.zeros(3), np.zeros(3))
    assert empty.value is None
    assert empty.n == 0


def test_death_certificates_by_hand(small):
    table = deaths(small, 7, "late_only", Requests(np.array([70]), np.array([4])))
    assert dict(table.schema) == schema.DEATHS
    assert table.drop("source", "value").to_dicts() == [
        {
            "seed": 7,
            "arm": "late_only",
            "request": 70,
            "user": 4,
            "item": 0,
            "friend": True,
            "ended": "retrieval",
            "early_rank": None,
            "early_gap": None,
            "late_rank": None,
            "late_gap": None,
        },
        {
            "seed": 7,
            "arm": "late_only",
            "request": 70,
            "user": 4,
            "item": 1,
            "friend": True,
            "ended": "early",
            "early_rank": 4,
            "early_gap": -1.0,
            "late_rank": None,
            "late_gap": None,
        },
    ]
