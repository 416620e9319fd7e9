"""Learning from teachers: what is learnt, what stays as it was, and what is served."""

from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
import torch
from logs import cut_log, log, towers, world
from scipy.stats import spearmanr

from funnel.balancing.spec import BalancerSpec
from funnel.candidates import Requests, from_pairs
from funnel.models.spec import MMoESpec, PLESpec, SharedBottomSpec, SingleTaskSpec
from funnel.tasks import Formula
from funnel.training.batches import Period, columns_of, held_out, rows
from funnel.training.lessons import Lessons
from funnel.training.logged import logged
from funnel.training.loop import TrainingError
from funnel.training.ranker import SCORE, Ranker, fit_ranker, train_ranker
from funnel.training.repair_spec import ListwiseSpec, PairwiseSpec, PointwiseSpec, PrivilegedSpec, PSelectSpec
from funnel.training.spec import RankerSpec, TrainSpec
from funnel.training.teachers import Teachers

KINDS = [PointwiseSpec(), ListwiseSpec(), PairwiseSpec(), PSelectSpec()]
BALANCERS = get_args(get_args(BalancerSpec)[0])
STUDENT = RankerSpec(
    features=("interests", "content", "tower_match", "position"),
    tasks=("long_view", "like", "bubble_engage"),
    model=SharedBottomSpec(bottom=(16,)),
    train=TrainSpec(epochs=3, batch=512),
)
LATE = RankerSpec(
    features=("interests", "content", "tower_match", "bubble_count", "position"),
    tasks=("long_view", "watch_seconds", "bubble_engage"),
    train=TrainSpec(epochs=3, batch=512),
)
FORMULA = Formula(formula={"long_view": 1.0, "bubble_engage": 2.0})


def changed(spec: RankerSpec = STUDENT, **fields: Any) -> RankerSpec:
    return RankerSpec(**{name: getattr(spec, name) for name in RankerSpec.model_fields} | fields)


@pytest.fixture(scope="module")
def candidates():
    return logged(log(), cut_log(), world().observed)


@pytest.fixture(scope="module")
def late() -> Ranker:
    return train_ranker(LATE, [Period(log(), world().observed, towers())], 0)


@pytest.fixture(scope="module")
def lessons(candidates) -> Lessons:
    """Lessons of a teacher whose scores are a plain function of what the student reads, and soft labels of its kind."""
    data = rows(STUDENT, [Period(candidates, world().observed, towers())])
    draws = np.random.Generator(np.random.PCG64(0))
    score = (data.x @ draws.standard_normal(data.x.shape[1])).astype(np.float32)
    probability = 1 / (1 + np.exp(-np.stack([score, -score, score], 1) / score.std()))
    return Lessons(data.x, data.request, score, probability.astype(np.float32))


def fitted(spec: RankerSpec, lessons: Lessons | None = None) -> Ranker:
    columns = columns_of(spec.features, world().observed)
    return fit_ranker(spec, rows(spec, [Period(log(), world().observed, towers())]), columns, 0, lessons=lessons)


def own_scores(ranker: Ranker, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return ranker.model.score(ranker.model.represent_rows(torch.from_numpy(ranker.inputs.apply(x)))).numpy()


def same(first: Ranker, second: Ranker) -> bool:
    """Whether all that both have is the same bits."""
    mine, other = ({**ranker.model.state_dict(), **ranker.heads.state_dict()} for ranker in (first, second))
    return all(torch.equal(mine[name], other[name]) for name in mine.keys() & other.keys())


# What is learnt


@pytest.mark.parametrize("kind", KINDS, ids=lambda spec: spec.kind)
def test_a_score_that_the_student_could_give_itself_is_learnt(kind, lessons):
    spec = changed(distil=kind, train=TrainSpec(epochs=8, batch=256))
    learnt = own_scores(fitted(spec, lessons), lessons.x)
    of_request = [spearmanr(learnt[part], lessons.score[part])[0] for part in _parts(lessons.request)]
    assert np.mean(of_request) > (0.8 if kind.kind == "pselect" else 0.93)


def _parts(request: np.ndarray) -> list[np.ndarray]:
    return np.split(np.arange(len(request)), np.flatnonzero(np.diff(request)) + 1)[:100]


@pytest.mark.parametrize("kind", KINDS, ids=lambda spec: spec.kind)
def test_three_lists_are_enough_for_an_epoch_of_five_steps(kind, lessons):
    kept, short = lessons.request < 3, log().filter(pl.col("request") < 50)
    three = Lessons(lessons.x[kept], lessons.request[kept], lessons.score[kept], lessons.probability[kept])
    spec = changed(distil=kind, privileged=PrivilegedSpec(), train=TrainSpec(epochs=2, batch=100))
    data, columns = rows(spec, [Period(short, world().observed, towers())]), columns_of(spec.features, world().observed)
    assert np.isfinite(fit_ranker(spec, data, columns, 0, lessons=three).curve).all()


def test_soft_labels_are_learnt(lessons):
    longer = changed(train=TrainSpec(epochs=8, batch=256))
    soft = Lessons(lessons.x, lessons.request, probability=lessons.probability)
    taught, plain = fitted(changed(longer, privileged=PrivilegedSpec(weight=5.0)), soft), fitted(longer)

    def agreement(ranker: Ranker) -> float:
        with torch.no_grad():
            said = torch.sigmoid(ranker.model(torch.from_numpy(ranker.inputs.apply(lessons.x)))).numpy()
        return float(spearmanr(said[:, 1], lessons.probability[:, 1])[0])

    # The labels, which say something else, go on being learnt.
    assert agreement(taught) > 0.6 and agreement(plain) < 0.3


@pytest.mark.parametrize("model", [SingleTaskSpec(), MMoESpec(experts=2, expert=(8,)), PLESpec(layers=1, expert=(8,))])
def test_every_architecture_can_be_given_a_score(model, lessons):
    ranker = fitted(changed(model=model, distil=PairwiseSpec()), lessons)
    assert spearmanr(own_scores(ranker, lessons.x), lessons.score)[0] > 0.6


# What stays as it was


@pytest.mark.parametrize("balancer", BALANCERS, ids=lambda spec: spec.__name__)
def test_lessons_without_weight_change_no_bit_of_the_tasks(balancer, lessons):
    spec = changed(balancer=balancer())
    silent = {"distil": PairwiseSpec.model_construct(weight=0.0), "privileged": PrivilegedSpec(weight=0.0)}
    assert same(fitted(spec), fitted(spec.model_copy(update=silent), lessons))


def test_with_weight_the_tasks_learn_beside_the_score(lessons):
    plain, taught = fitted(STUDENT), fitted(changed(distil=ListwiseSpec()), lessons)
    assert not same(plain, taught)
    # They share a trunk, and neither ruins the other.
    assert (taught.curve[-1] < taught.curve[0]).sum() >= 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda spec: spec.kind)
def test_the_same_lessons_give_the_same_bits(kind, lessons):
    spec = changed(distil=kind)
    assert same(fitted(spec, lessons), fitted(spec, lessons))


def test_lessons_of_held_out_requests_are_not_given(lessons):
    """Whatever a teacher says of a held-out request, the student is the same."""
    spec = changed(distil=PointwiseSpec(), train=TrainSpec(epochs=2, batch=512, held_out=0.3))
    aside = held_out(lessons.request, 0.3, 0)
    other = Lessons(lessons.x, lessons.request, np.where(aside, 99.0, lessons.score).astype(np.float32))
    assert aside.any() and same(fitted(spec, lessons), fitted(spec, other))


def test_the_best_epoch_keeps_its_score(lessons):
    """Early stopping puts the weights of the best epoch back, those of the score among them."""
    stop = TrainSpec(epochs=6, batch=256, rate=0.1, held_out=0.2, patience=2)
    stopped = fitted(changed(distil=PointwiseSpec(), train=stop), lessons)
    assert stopped.kept_epoch < len(stopped.curve) - 1
    watched = stopped.model.scorer
    assert watched is not None and any(watched.head is parameter for parameter in stopped.model.parameters())


def test_a_lesson_that_is_not_finite_is_told(lessons):
    wild = Lessons(lessons.x, lessons.request, np.full_like(lessons.score, np.inf))
    with np.errstate(invalid="ignore"), pytest.raises(TrainingError) as error:
        fitted(changed(distil=PointwiseSpec()), wild)
    assert str(error.value) == (
        "Training: the loss should be finite. Found nan for `distil` at step 0. Lower `train.rate`, or look for "
        "extreme values in the features and labels."
    )


# What teachers say


def test_the_late_teacher_says_what_it_sorts_by(late, candidates):
    observed = world().observed
    found = Teachers(late=(late, FORMULA)).lessons(STUDENT, [Period(candidates, observed, towers())])
    assert found.probability is None and np.array_equal(found.request, candidates["request"].to_numpy())
    unplaced = candidates.with_columns(position=0)
    said = dict(zip(LATE.tasks, late.predict_rows(rows(LATE, [Period(unplaced, observed, towers())])).T, strict=True))
    carried = candidates["bubble_count"].to_numpy() > 0
    expected = said["long_view"] + np.where(carried, 2 * said["bubble_engage"], 0)
    np.testing.assert_allclose(found.score, expected, rtol=1e-5)


def test_the_privileged_teacher_gives_soft_labels_where_it_can_tell(candidates):
    spec = changed(tasks=("watch_seconds", "like", "bubble_engage"))
    teacher = train_ranker(changed(spec, features=LATE.features), [Period(log(), world().observed, towers())], 0)
    found = Teachers(privileged=teacher).lessons(spec, [Period(candidates, world().observed, towers())])
    carried = candidates["bubble_count"].to_numpy() > 0
    assert found.score is None and np.isnan(found.probability[:, 0]).all()
    assert not np.isnan(found.probability[:, 1]).any()
    assert np.array_equal(np.isnan(found.probability[:, 2]), ~carried)


# Serving and files


def test_the_score_is_served_beside_the_tasks_and_survives_the_disk(lessons, tmp_path):
    ranker, observed = fitted(changed(distil=PairwiseSpec()), lessons), world().observed
    ranker.save(tmp_path)
    requests = Requests(np.arange(4), np.arange(4))
    request, item = np.repeat(np.arange(4), 30), np.tile(np.arange(30), 4)
    pool = from_pairs(request, item, np.ones(120, np.int64), 4, world().items)
    served, again = (
        one.server(observed, towers()).predict(requests, pool, None) for one in (ranker, Ranker.load(tmp_path))
    )
    assert list(served) == [*STUDENT.tasks, SCORE]
    assert all(np.array_equal(served[name], again[name]) for name in served)
    frame = log().head(120).with_columns(request=request, user=request, item=item, position=np.zeros(120, np.int16))
    data = rows(STUDENT, [Period(frame, observed, towers())])
    np.testing.assert_allclose(served[SCORE], own_scores(ranker, data.x), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(served["like"], ranker.predict_rows(data)[:, 1], rtol=1e-3, atol=1e-5)


def test_a_score_costs_one_more_tower(lessons):
    plain, taught = fitted(STUDENT), fitted(changed(distil=PairwiseSpec()), lessons)
    assert taught.macs - plain.macs == 16
    assert taught.parameters - plain.parameters == 16 + 1
