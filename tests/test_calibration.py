"""Calibration by source: sums agree source by source, order within a source stays, and one source is one constant."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from funnel.candidates import SOURCES
from funnel.metrics.auc import expected_auc
from funnel.scenario.exam import Exam
from funnel.scenario.facts import facts
from funnel.scenario.file import load
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from funnel.training.calibration.base import Origins
from funnel.training.calibration.source import SourceShifts
from tests.worlds import SMALL_FUNNEL

TASKS = ("like", "watch_seconds", "watch_grade")
MASKS = np.array([1, 2, 3, 8])
"""a candidate of the first source, of the second, of both, and of the fourth"""


def log(count: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions (N, 3), labels (N, 3) and sources of a ranker that errs by source, and by nothing else."""
    random = np.random.default_rng(seed)
    source = random.choice(MASKS, count)
    chance = expit(random.normal(-2, 1, count))
    seconds = random.gamma(2, 10, count)
    wrong = np.select([source == 1, source == 2, source == 3, source == 8], [0.0, 0.8, 0.8, -0.5])
    predicted = np.stack([chance, seconds, 3 * chance], 1).astype(np.float32)
    liked = random.random(count) < expit(logit(chance) + wrong)
    labels = np.stack([liked, seconds * np.exp(wrong) * random.gamma(4, 0.25, count), 3 * chance], 1)
    labels[: count // 10] = np.nan  # no label, as where a condition did not hold
    return predicted, labels.astype(np.float32), source


def of(source: np.ndarray) -> Origins:
    """Candidates of these sources, on one surface."""
    return Origins(source, np.zeros(len(source), np.int8))


@pytest.fixture(scope="module")
def fitted() -> tuple[SourceShifts, np.ndarray, np.ndarray, np.ndarray]:
    predicted, labels, source = log()
    return SourceShifts.fit(TASKS, predicted, labels, of(source)), predicted, labels, source


def corrected(calibration: SourceShifts, predicted: np.ndarray, source: np.ndarray) -> np.ndarray:
    found = calibration(dict(zip(TASKS, predicted.T, strict=True)), of(source))
    assert all(column.dtype == np.float32 for column in found.values())
    return np.stack([found[task] for task in TASKS], 1)


def test_the_sums_of_what_was_shown_agree_source_by_source(fitted):
    calibration, predicted, labels, source = fitted
    known = ~np.isnan(labels[:, 0])
    expected = corrected(calibration, predicted, source)[known]
    for bit in (1, 2, 8):
        of_source = (source[known] & bit) > 0
        observed, before, after = (
            sums[of_source].sum(0, dtype=np.float64) for sums in (labels[known], predicted[known], expected)
        )
        # The prior holds every correction back by its own size, counted in labels.
        assert np.abs(after - observed).max() < 2 and np.abs(before - observed)[:2].max() > 10


def test_the_error_that_was_put_in_is_found(fitted):
    shift = fitted[0].shift
    assert shift[:2, [0, 1, 3]] == pytest.approx(np.array([[0, 0.8, -0.5]] * 2), abs=0.15)
    assert np.abs(shift[2]).max() < 1e-3
    assert not shift[:, [2, *range(4, SOURCES)]].any()


def test_order_within_a_source_stays(fitted):
    calibration, predicted, labels, source = fitted
    after = corrected(calibration, predicted, source)
    for mask in MASKS:
        rows = (source == mask) & ~np.isnan(labels[:, 0])
        assert (np.diff(after[rows, 0][np.argsort(predicted[rows, 0])]) >= 0).all()
        assert expected_auc(after[rows, 0], labels[rows, 0]) == pytest.approx(
            expected_auc(predicted[rows, 0], labels[rows, 0]), abs=1e-6
        )


def test_one_source_is_one_constant():
    predicted, labels, source = log(seed=1)
    calibration = SourceShifts.fit(TASKS, predicted, labels, of(np.ones_like(source)))
    moved = logit(corrected(calibration, predicted, np.ones_like(source))[:, 0]) - logit(predicted[:, 0])
    assert np.ptp(moved) < 1e-3 and moved.mean() == pytest.approx(calibration.shift[0, 0], abs=1e-4)


def test_a_log_that_asked_no_source_and_a_candidate_that_none_fetched_are_not_corrected(fitted):
    predicted, labels, source = log(500)
    nothing = SourceShifts.fit(TASKS, predicted, labels, of(np.zeros_like(source)))
    assert not nothing.shift.any()
    assert np.allclose(corrected(fitted[0], predicted, np.zeros_like(source)), predicted, rtol=1e-6)


def test_a_source_whose_candidates_were_all_liked_does_not_run_away():
    predicted, source = np.full((50, 1), 1e-4, np.float32), np.full(50, 4)
    shift = SourceShifts.fit(("like",), predicted, np.ones((50, 1), np.float32), of(source)).shift[0, 2]
    assert 5 < shift < 15 and np.isfinite(shift)


def test_corrections_survive_their_file(fitted, tmp_path):
    fitted[0].save(tmp_path)
    again = SourceShifts.load(tmp_path)
    assert again.tasks == TASKS and np.array_equal(again.shift, fitted[0].shift)


def test_an_arm_may_calibrate_a_stage_and_trains_nothing_anew(tmp_path):
    aligned = ("arms.aligned.at=['late']", "arms.aligned.stages.early.calibration=source")
    exam = Exam(
        load(Path("scenarios/quickstart.toml"), seeds=1, assignments=[*SMALL_FUNNEL, *aligned]), 0, Store(tmp_path)
    )
    lab, plain = exam.labs["aligned"], exam.labs["late_only"]
    assert [lab.arm_ranker(stage).name for stage in STAGES] == [plain.arm_ranker(stage).name for stage in STAGES]
    assert exam.rows_piece("aligned").name != exam.rows_piece("late_only").name
    ledger, other = exam.ledger(lab), exam.ledger(plain)
    fetched = ledger.rows.source > 0
    for task, before in other.predicted["early"].items():
        after, shift = ledger.predicted["early"][task], lab.arm_rank("early").calibration.shift
        assert shift.any() and not np.array_equal(after[fetched], before[fetched])
        assert np.allclose(after[~fetched], before[~fetched], rtol=1e-5)
        assert np.array_equal(ledger.predicted["late"][task], other.predicted["late"][task])
    assert facts(lab, ledger)["ledger_equals_funnel"] == 1.0
