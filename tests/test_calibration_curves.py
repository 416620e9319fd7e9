"""Calibration by curves: they find the error that was put in, and a finer one never fits its own log worse."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from funnel.training.calibration.base import Calibration, Origins
from funnel.training.calibration.catalogue import CALIBRATIONS
from funnel.training.calibration.curves import Isotonic, Platt, SurfaceIsotonic, SurfacePlatt

TASKS = ("like", "watch_seconds", "share")
curves = pytest.mark.parametrize(
    "kind", [Platt, Isotonic, SurfacePlatt, SurfaceIsotonic], ids=lambda kind: kind.__name__
)


def log(count: int = 30_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Origins]:
    """Predictions, labels and surfaces of a ranker that is too sure of itself, and expects too little on surface 1."""
    random = np.random.default_rng(seed)
    surface = random.choice(3, count, p=(0.6, 0.3, 0.1)).astype(np.int8)
    predicted = expit(random.normal(-1, 1.5, (count, 3))).astype(np.float32)
    wrong = 0.5 * logit(predicted) + np.array([0.0, 1.0, -0.5])[surface, None]
    labels = (random.random((count, 3)) < expit(wrong)).astype(np.float32)
    labels[: count // 10, 0] = np.nan
    return predicted, labels, Origins(np.ones(count, np.int64), surface)


def corrected(calibration: Calibration, predicted: np.ndarray, served: Origins) -> np.ndarray:
    found = calibration(dict(zip(TASKS, predicted.T, strict=True)), served)
    return np.stack([found[task] for task in TASKS], 1)


def log_loss(predicted: np.ndarray, labels: np.ndarray) -> float:
    known = ~np.isnan(labels)
    p, y = predicted[known].astype(np.float64), labels[known]
    return float(-np.log(np.where(y > 0, p, 1 - p)).mean())


def squares(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(np.nanmean(np.square(predicted.astype(np.float64) - labels)))


@pytest.mark.parametrize("task", [0, 2])
@pytest.mark.parametrize(
    ("plain", "finer", "loss"), [(Platt, SurfacePlatt, log_loss), (Isotonic, SurfaceIsotonic, squares)]
)
def test_on_what_it_was_fitted_to_a_finer_calibration_is_never_worse(plain, finer, loss, task):
    predicted, labels, served = log()
    losses = [loss(predicted[:, task], labels[:, task])]
    for kind in (plain, finer):
        after = corrected(kind.fit(TASKS, predicted, labels, served), predicted, served)
        losses.append(loss(after[:, task], labels[:, task]))
    assert losses[2] < losses[1] < losses[0]


def test_a_line_for_each_surface_finds_the_error_that_was_put_in():
    fitted = SurfacePlatt.fit(TASKS, *log())
    found = {surface: (curve.x[0], curve.y[0]) for (task, surface), curve in fitted.curves.items() if task == "share"}
    for surface, constant in enumerate((0.0, 1.0, -0.5)):
        assert found[surface] == pytest.approx((0.5, constant), abs=0.12)


def test_platt_is_the_logistic_regression_of_scikit_learn():
    predicted, labels, served = log(2_000)
    rows = ~np.isnan(labels[:, 0])
    x = logit(predicted[rows, :1].astype(np.float64))
    reference = LogisticRegression(C=np.inf).fit(x, labels[rows, 0]).predict_proba(x)[:, 1]
    after = corrected(Platt.fit(TASKS, predicted, labels, served), predicted, served)
    assert after[rows, 0] == pytest.approx(reference, abs=1e-3)


@curves
def test_amounts_are_left_as_they_are_and_no_order_is_turned(kind):
    predicted, labels, served = log()
    after = corrected(kind.fit(TASKS, predicted, labels, served), predicted, served)
    assert np.array_equal(after[:, 1], predicted[:, 1]) and after.dtype == np.float32
    for surface in range(3):
        rows = served.surface == surface
        assert (np.diff(after[rows, 0][np.argsort(predicted[rows, 0])]) >= 0).all()


@curves
def test_a_surface_with_one_outcome_takes_the_curve_of_all_and_a_task_with_one_is_left_alone(kind):
    predicted, labels, served = log(4_000)
    labels[served.surface == 2, 0] = 0.0
    labels[:, 2] = 1.0
    fitted = kind.fit(TASKS, predicted, labels, served)
    whole = kind.__mro__[1 if kind.by_surface else 0].fit(TASKS, predicted, labels, served)
    rows = served.surface == 2
    assert np.array_equal(corrected(fitted, predicted, served)[rows, 0], corrected(whole, predicted, served)[rows, 0])
    assert np.array_equal(corrected(fitted, predicted, served)[:, 2], predicted[:, 2])


@curves
def test_on_one_surface_all_calibrations_of_a_kind_are_the_same(kind):
    predicted, labels, served = log(2_000)
    one = Origins(served.source, np.zeros_like(served.surface))
    plain = kind.__mro__[1 if kind.by_surface else 0]
    found = [corrected(each.fit(TASKS, predicted, labels, one), predicted, one) for each in (kind, plain)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("kind", CALIBRATIONS)
def test_corrections_survive_their_file(kind, tmp_path):
    predicted, labels, served = log(2_000)
    fitted = CALIBRATIONS[kind].fit(TASKS, predicted, labels, served)
    fitted.save(tmp_path)
    again = CALIBRATIONS[kind].load(tmp_path)
    assert type(again) is type(fitted)
    assert np.array_equal(corrected(again, predicted, served), corrected(fitted, predicted, served))
