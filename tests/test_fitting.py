"""How a ranker is fitted: balancers, held-out requests, early stopping, sampling, rates of heads, notes."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from logs import log, towers, world

from funnel.balancing.spec import BalancerSpec, DWASpec, PCGradSpec, StaticSpec, UncertaintySpec
from funnel.errors import DataError, SpecError, TrainingError
from funnel.models.spec import ESMMSpec, MMoESpec, SharedBottomSpec, SingleTaskSpec
from funnel.scenario.store import Piece, Store
from funnel.training.batches import Period, Rows, columns_of, held_out, labels_of, rows
from funnel.training.ranker import Ranker, fit_ranker, train_ranker
from funnel.training.record import Recorder
from funnel.training.sampling import sampled
from funnel.training.spec import RankerSpec, TrainSpec

BALANCERS = get_args(get_args(BalancerSpec)[0])
SPEC = RankerSpec(
    features=("interests", "content", "tower_match", "bubble_count"),
    tasks=("long_view", "watch_seconds", "like", "bubble_engage", "watch_grade"),
    model=MMoESpec(experts=2, expert=(8, 4), tower=(4,)),
    train=TrainSpec(epochs=3, batch=1024),
)


def changed(**fields: Any) -> RankerSpec:
    """The spec with other fields, checked anew; those of `train` are laid over its own."""
    train = SPEC.train.model_copy(update=fields.pop("train", {}))
    return RankerSpec(**{name: getattr(SPEC, name) for name in RankerSpec.model_fields} | {"train": train} | fields)


def data(spec: RankerSpec = SPEC) -> Rows:
    return rows(spec, [Period(log(), world().observed, towers())])


def fitted(spec: RankerSpec = SPEC, part: Rows | None = None, recorder: Recorder | None = None) -> Ranker:
    columns = columns_of(spec.features, world().observed)
    return fit_ranker(spec, data(spec) if part is None else part, columns, seed=0, recorder=recorder)


def weights(ranker: Ranker) -> dict[str, torch.Tensor]:
    return {**ranker.model.state_dict(), **ranker.heads.state_dict()}


def same(first: Ranker, second: Ranker) -> bool:
    mine, other = weights(first), weights(second)
    return all(torch.equal(mine[name], other[name]) for name in mine)


# Balancers


@pytest.mark.parametrize("balancer", BALANCERS, ids=lambda spec: spec.__name__)
def test_every_balancer_trains_and_gives_the_same_bits_again(balancer):
    before = torch.get_rng_state()
    spec = changed(balancer=balancer())
    first, again = fitted(spec), fitted(spec)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(first, again)
    assert first.curve[-1].sum() < first.curve[0].sum()


def test_a_static_balancer_of_ones_is_the_default_and_another_is_not():
    ones = fitted(changed(balancer=StaticSpec(weights=dict.fromkeys(SPEC.tasks, 1.0))))
    assert same(fitted(), ones)
    assert not same(fitted(), fitted(changed(balancer=StaticSpec(weights={"like": 3.0}))))


def test_a_balancer_is_learnt_beside_the_model():
    recorder = Recorder(every=1)
    fitted(changed(balancer=UncertaintySpec()), recorder=recorder)
    np.testing.assert_allclose(recorder.weight[0], [1, 0.5, 1, 1, 1])
    assert (recorder.weight[-1] != recorder.weight[0]).all()


@pytest.mark.parametrize("balancer", [StaticSpec(), PCGradSpec()], ids=lambda spec: spec.kind)
def test_notes_change_no_bit_of_what_is_fitted(balancer):
    spec, recorder = changed(balancer=balancer), Recorder(every=4)
    assert same(fitted(spec), fitted(spec, recorder=recorder))
    steps, tasks = 3 * -(-len(log()) // 1024), len(SPEC.tasks)
    assert recorder.steps.tolist() == list(range(0, steps, 4))
    assert recorder.cosine.shape == (len(recorder.steps), tasks, tasks)
    np.testing.assert_allclose(np.diagonal(recorder.cosine, axis1=1, axis2=2), 1, rtol=1e-4)
    assert recorder.norm.shape == recorder.weight.shape == (len(recorder.steps), tasks)


# Held out


def test_the_same_requests_are_held_out_whatever_else_is_in_the_log():
    request = np.repeat(np.arange(2000), 3)
    aside = held_out(request, 0.2, seed=1)
    assert aside.mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(aside.reshape(-1, 3).all(1), aside[::3])
    np.testing.assert_array_equal(held_out(request[::-3], 0.2, seed=1), aside[::-3])
    assert not held_out(request, 0.0, seed=1).any()
    assert not np.array_equal(held_out(request, 0.2, seed=2), aside)


def test_what_is_held_out_is_not_trained_on_and_its_losses_are_told():
    spec = changed(train={"held_out": 0.3})
    aside = held_out(data().request, 0.3, seed=0)
    watched, apart = fitted(spec), fitted(part=data().take(~aside))
    assert same(watched, apart)
    assert watched.held_out_curve.shape == watched.curve.shape == (3, len(SPEC.tasks))
    np.testing.assert_allclose(watched.held_out_curve[-1], watched.losses(data().take(aside)), rtol=1e-4)
    assert apart.held_out_curve.shape == (0, len(SPEC.tasks))
    assert watched.kept_epoch == apart.kept_epoch == 2


def test_patience_keeps_the_best_epoch_and_stops():
    spec = changed(train={"held_out": 0.3, "patience": 2, "epochs": 40, "rate": 0.05, "batch": 256})
    ranker, aside = fitted(spec), held_out(data().request, 0.3, seed=0)
    assert len(ranker.held_out_curve) == len(ranker.curve) == ranker.kept_epoch + 3 < 40
    np.testing.assert_allclose(ranker.held_out_curve[ranker.kept_epoch], ranker.losses(data().take(aside)), rtol=1e-4)


def test_too_few_requests_to_hold_out_are_an_error():
    with pytest.raises(DataError) as error:
        fitted(changed(train={"held_out": 0.01}), part=data().take(data().request < 5))
    assert str(error.value) == (
        "Training: should see some requests and hold out others. Found 5, of which `train.held_out = 0.01` holds out "
        "none. Log more, or change the share."
    )


def test_a_task_whose_labels_are_all_held_out_is_an_error():
    part = data()
    part.labels[~held_out(part.request, 0.5, seed=0), 2] = np.nan
    with pytest.raises(DataError) as error:
        fitted(changed(train={"held_out": 0.5}), part=part)
    seen = (~held_out(part.request, 0.5, seed=0)).sum()
    assert str(error.value) == (
        f"Task `like`: should have a label in the rows that training sees. Found none in {seen}. "
        "Log more, hold out less, or take the task out."
    )


# Sampling


def test_sampling_leaves_out_negatives_alone_and_rows_without_a_label():
    part, tasks = data().tasks([0, 2]), ("long_view", "like")
    thinned = sampled(part, tasks, {"long_view": 0.3, "like": 0.1}, seed=0)
    labels = part.labels
    assert (thinned.labels == 1).sum(0).tolist() == (labels == 1).sum(0).tolist()
    assert (thinned.labels == 0).sum(0) == pytest.approx((labels == 0).sum(0) * [0.3, 0.1], rel=0.1)
    assert len(thinned) < len(part)
    assert not np.isnan(thinned.labels).all(1).any()


def test_what_is_sampled_of_a_request_does_not_depend_on_the_others():
    part, shares = data().tasks([2]), {"like": 0.5}
    whole = sampled(part, ("like",), shares, seed=0)
    some = sampled(part.take(part.request % 3 == 0), ("like",), shares, seed=0)
    kept = whole.take(whole.request % 3 == 0)
    np.testing.assert_array_equal(some.x, kept.x)


def test_predictions_of_a_sampled_task_are_on_the_scale_of_all_rows():
    spec = changed(tasks=("long_view", "bubble_engage"), train={"sampling": {"long_view": 0.1}, "epochs": 6})
    part = data(spec)
    seen = sampled(part, spec.tasks, spec.train.sampling, seed=0)
    rate, inflated = np.nanmean(part.labels, 0)[0], np.nanmean(seen.labels, 0)[0]
    told = fitted(spec).predict_rows(part)[:, 0].mean()
    assert told == pytest.approx(rate, rel=0.15)
    assert inflated > 2 * rate


# Rates of heads


def test_heads_at_the_common_rate_are_the_plain_fit():
    plain, apart = fitted(), fitted(changed(train={"head_rates": dict.fromkeys(SPEC.tasks, SPEC.train.rate)}))
    # A slice may be rounded in its last bit as the whole was not: where vector instructions end depends on the length.
    for name, weight in weights(plain).items():
        torch.testing.assert_close(weights(apart)[name], weight, rtol=1e-3, atol=1e-4)


def test_a_head_with_a_rate_of_nearly_zero_stays_where_it_was():
    still = fitted(changed(train={"head_rates": {"like": 1e-12, "watch_grade": 1e-12}}))
    start = fitted(changed(train={"rate": 1e-12}))
    towers_of = lambda ranker: [p for n, p in ranker.model.state_dict().items() if n.startswith("towers.")]  # noqa: E731
    for ours, initial in zip(towers_of(still), towers_of(start), strict=True):
        torch.testing.assert_close(ours[[2, 4]], initial[[2, 4]], rtol=1e-5, atol=1e-6)
        assert not torch.allclose(ours[0], initial[0], rtol=1e-3)
    torch.testing.assert_close(still.heads.thresholds_of(4)[0], start.heads.thresholds_of(4)[0], rtol=1e-5, atol=1e-6)


# Entire space


def test_esmm_predicts_conditional_probabilities_and_learns_from_all_rows():
    spec = changed(
        tasks=("bubble", "bubble_engage"), model=ESMMSpec(bottom=(8,), tower=(4,)), train={"epochs": 10, "batch": 128}
    )
    part, ranker = data(spec), fitted(spec)
    told = ranker.predict_rows(part)
    carried = part.labels[:, 0] == 1
    assert told[carried, 1].mean() == pytest.approx(np.nanmean(part.labels[:, 1]), rel=0.1)
    assert (told[:, 0] * told[:, 1]).mean() == pytest.approx(np.nansum(part.labels[:, 1]) / len(part), rel=0.1)


# Rows and files


def test_predictions_of_rows_are_in_the_unit_of_the_labels():
    ranker, part = fitted(changed(train={"epochs": 6})), data()
    told = ranker.predict_rows(part)
    assert told.shape == part.labels.shape and told.dtype == np.float32
    np.testing.assert_allclose(told.mean(0), np.nanmean(part.labels, 0), rtol=0.2)
    losses = ranker.losses(part)
    assert losses.shape == (len(SPEC.tasks),) and (losses > 0).all()
    assert np.isnan(ranker.losses(part.take(part.labels[:, 3] != part.labels[:, 3]))[3])


def test_a_saved_ranker_keeps_thresholds_and_curves(tmp_path):
    ranker = fitted(changed(train={"held_out": 0.2, "patience": 1}))
    ranker.save(tmp_path)
    kept = Ranker.load(tmp_path)
    np.testing.assert_array_equal(kept.predict_rows(data()), ranker.predict_rows(data()))
    np.testing.assert_array_equal(kept.held_out_curve, ranker.held_out_curve)
    assert kept.kept_epoch == ranker.kept_epoch
    assert same(kept, ranker)


def test_a_ranker_of_a_log_is_that_of_its_rows():
    assert same(train_ranker(SPEC, [Period(log(), world().observed, towers())], 0), fitted())
    np.testing.assert_array_equal(data().tasks([2, 0]).labels, labels_of(("like", "long_view"), log()))


def test_a_ranker_whose_loss_is_not_finite_is_named_and_not_kept(tmp_path):
    spec = changed(train={"rate": 1e38})
    with pytest.raises(TrainingError) as error:
        Store(tmp_path).ensure(Piece("ranker", {}, lambda folder: fitted(spec).save(folder)))
    assert str(error.value) == (
        "Training: the loss should be finite. Found nan for `long_view`, `watch_seconds`, `like`, `bubble_engage`, "
        "`watch_grade` at step 1. Lower `train.rate`, or look for extreme values in the features and labels."
    )
    assert not list(tmp_path.rglob("ranker.*"))


# Specs


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"train": {"patience": 2}},
            "late.train: `patience` should come with held-out requests. Found `patience = 2` and `held_out = 0`. "
            "Set `held_out` to 0.1, or take `patience` out.",
        ),
        (
            {"train": {"head_rates": {"shar": 0.1}}, "balancer": {"kind": "static", "weights": {"click": 2}}},
            "late: train.head_rates: `shar` is not a task that the ranker predicts. Did you mean `share`? "
            "balancer.weights: `click` is not a task that the ranker predicts. Did you mean `like`?",
        ),
        (
            {"train": {"sampling": {"watch_seconds": 0.5}}},
            "late: train.sampling: should name binary tasks. Found `watch_seconds`, a regression task. Take it out.",
        ),
        (
            {"balancer": {"kind": "pcgrad"}, "model": {"kind": "single_task"}},
            "late: balancer `pcgrad` works on shared parameters. Found a model of kind `single_task`, which shares "
            "none. Choose a model that shares, or another balancer: static, uncertainty, dwa.",
        ),
        (
            {"balancer": {"kind": "gradnorm"}, "model": {"kind": "ple", "shared": 0}},
            "late: balancer `gradnorm` works on shared parameters. Found a model of kind `ple`, which shares none. "
            "Choose a model that shares, or another balancer: static, uncertainty, dwa.",
        ),
        (
            {"balancer": {"kind": "dwa"}},
            "late: balancer `dwa` compares the losses of two epochs, so `train.epochs` should be at least 3. Found 2. "
            "Train for more epochs, or choose another balancer.",
        ),
        (
            {"model": {"kind": "esmm"}, "tasks": ["like", "conversion"]},
            "late: model `esmm` chains `conversion` to its parent `click`, which is not among the tasks. Add `click` "
            "to the tasks, or take `conversion` out.",
        ),
        (
            {
                "model": {"kind": "esmm"},
                "tasks": ["click", "conversion"],
                "train": {"sampling": {"click": 0.5}},
            },
            "late: train.sampling: should leave the chains of `esmm` whole. Found `click`, which is part of one. Take "
            "it out, or choose another model.",
        ),
    ],
)
def test_what_cannot_be_fitted_is_an_error_before_any_work(fields, message):
    table = {"features": ["age"], "tasks": ["like", "share", "watch_seconds"]} | fields
    with pytest.raises(SpecError) as error:
        RankerSpec.parse(table, "late")
    assert str(error.value) == message


def test_balancers_of_losses_go_with_any_model():
    for balancer in (StaticSpec(), UncertaintySpec(), DWASpec()):
        changed(model=SingleTaskSpec(trunk=(4,)), balancer=balancer)
    changed(model=SharedBottomSpec(), balancer=PCGradSpec())
