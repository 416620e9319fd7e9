"""What diagnosing a ranker finds: laws over the whole catalogue of models, and reductions that give plain zeros."""

from functools import cache

import numpy as np
import pytest

from funnel.balancing.spec import PCGradSpec, StaticSpec, UncertaintySpec
from funnel.models.spec import ESMMSpec, MMoESpec, PLESpec, SharedBottomSpec, SingleTaskSpec
from funnel.training.batches import Period, Rows, columns_of, rows
from funnel.training.diagnostics.ablation import ablations
from funnel.training.diagnostics.diagnose import NOTES, cosines, diagnose
from funnel.training.diagnostics.gates import gates
from funnel.training.diagnostics.sweep import SHARES, weighted_losses
from funnel.training.diagnostics.transfer import Baselines, pair_transfer
from funnel.training.diagnostics.trial import Trial, Value, improvement, kept_losses
from funnel.training.diagnostics.variants import (
    HELD_OUT,
    alone,
    fewer_experts,
    judged,
    of_tasks,
    unbalanced,
    weighted,
)
from funnel.training.ranker import fit_ranker
from funnel.training.record import Recorder
from funnel.training.spec import RankerSpec, TrainSpec
from tests.logs import log, towers, world

TASKS = ("long_view", "like", "watch_seconds")
MODELS = (
    SingleTaskSpec(trunk=(8,)),
    SharedBottomSpec(bottom=(8,)),
    ESMMSpec(bottom=(8,), tower=(4,)),
    MMoESpec(experts=2, expert=(8,), tower=()),
    PLESpec(layers=2, shared=1, private=1, expert=(8,), tower=()),
)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)


def spec_of(model=MODELS[3], **settings) -> RankerSpec:
    fields = {"features": ("interests", "content", "duration", "tower_match"), "tasks": TASKS, "model": model}
    return RankerSpec(**fields | {"train": TrainSpec(epochs=2, batch=1024)} | settings)


@cache
def data() -> Rows:
    return rows(spec_of(), [Period(log(), world().observed, towers())])


def trial(spec: RankerSpec) -> Trial:
    return Trial(judged(spec), data(), columns_of(spec.features, world().observed), seed=0)


def named(values: list[Value], measure: str) -> list[Value]:
    return [value for value in values if value[0] == measure]


# Variants


def test_a_ranker_is_judged_on_requests_that_are_held_out_even_if_it_had_none():
    assert judged(spec_of()).train.held_out == HELD_OUT
    own = spec_of(train=TrainSpec(held_out=0.3, patience=2))
    assert judged(own) == own


def test_settings_by_task_go_with_their_task():
    train = TrainSpec(head_rates={"like": 0.1}, sampling={"like": 0.5})
    spec = spec_of(train=train, balancer=StaticSpec(weights={"like": 2.0, "long_view": 3.0}))
    without = of_tasks(spec, ("long_view", "watch_seconds"))
    assert without.train == TrainSpec()
    assert without.balancer == StaticSpec(weights={"long_view": 3.0})
    assert of_tasks(spec, TASKS) == spec


def test_one_task_has_nothing_to_balance():
    spec = spec_of(balancer=PCGradSpec())
    assert of_tasks(spec, TASKS[:2]).balancer == PCGradSpec()
    assert of_tasks(spec, TASKS[:1]).balancer == StaticSpec()


@every_model
def test_alone_every_task_has_its_network_and_takes_all_epochs(model):
    balancer = UncertaintySpec()
    baseline = alone(spec_of(model, balancer=balancer, train=TrainSpec(epochs=2, held_out=0.2, patience=1)), times=3)
    assert (baseline.model.kind, baseline.balancer) == ("single_task", StaticSpec())
    assert (baseline.train.epochs, baseline.train.patience, baseline.train.held_out) == (6, None, 0.2)


def test_what_is_not_there_cannot_be_dropped():
    assert fewer_experts(spec_of()).model.experts == 1
    assert fewer_experts(spec_of(SharedBottomSpec())) is None
    assert unbalanced(spec_of(balancer=PCGradSpec())).balancer == StaticSpec()
    assert unbalanced(spec_of()) is None


def test_swept_weights_stand_beside_those_of_other_tasks():
    spec = spec_of(balancer=StaticSpec(weights={"like": 2.0, "watch_seconds": 3.0}))
    assert weighted(spec, {"like": 0.5}).balancer.weights == {"like": 0.5, "watch_seconds": 3.0}


# Reductions: where nothing is shared, nothing helps and nothing harms


def test_where_nothing_is_shared_no_task_does_anything_to_another():
    apart = trial(spec_of(MODELS[0]))
    values = pair_transfer(apart, Baselines(apart).even())
    assert [value[1:3] for value in values] == [
        *(("long_view", "like"), ("like", "long_view")),
        *(("long_view", "watch_seconds"), ("watch_seconds", "long_view")),
        *(("like", "watch_seconds"), ("watch_seconds", "like")),
    ]
    np.testing.assert_allclose([value[-1] for value in values], 0, atol=1e-5)


def test_where_nothing_is_shared_no_task_is_missed():
    apart = trial(spec_of(MODELS[0]))
    values = ablations(apart, kept_losses(apart.fit(apart.spec)))
    assert [value[1] for value in values if value[3] == "without `like`"] == ["long_view", "watch_seconds"]
    np.testing.assert_allclose([value[-1] for value in values], 0, atol=1e-5)


def test_a_baseline_is_no_worse_than_with_the_rankers_epochs():
    baselines = Baselines(trial(spec_of()))
    even, well = baselines.even(), baselines.well_trained()
    assert all(well[task] <= even[task] for task in TASKS)


def test_improvement_is_a_share_of_what_the_loss_was():
    assert improvement(0.5, 0.4) == pytest.approx(0.2)
    assert improvement(0.5, 0.6) == pytest.approx(-0.2)


# Gates


@every_model
def test_mean_shares_of_a_gate_add_up_to_one(model):
    tried = trial(spec_of(model))
    values = gates(tried.fit(tried.spec), tried.held_out())
    layers = {"mmoe": ["experts"], "ple": ["layer 1", "layer 2"]}.get(model.kind, [])
    assert list(dict.fromkeys(value[3] for value in values)) == layers
    for layer in layers:
        for task in TASKS:
            shares = [value for value in named(values, "gate") if value[3] == layer and value[1] == task]
            assert sum(value[-1] for value in shares) == pytest.approx(1, abs=1e-5)
    assert all(-1e-6 <= value[-1] <= 1 + 1e-6 for value in values)
    if model.kind == "ple":
        assert [value[2] for value in values[:2]] == ["own 1", "shared 1"]


def test_gates_of_one_expert_are_alike_and_of_private_experts_alone_have_nothing_in_common():
    for model, apart in ((MMoESpec(experts=1, expert=(8,)), 0.0), (PLESpec(shared=0, private=2, expert=(8,)), 1.0)):
        tried = trial(spec_of(model))
        distances = named(gates(tried.fit(tried.spec), tried.held_out()), "gate_distance")
        assert [value[-1] for value in distances] == pytest.approx([apart] * len(distances), abs=1e-5)


# The whole


def test_cosines_are_those_of_the_recorder():
    tried, recorder = trial(spec_of()), Recorder(2)
    tried.fit(tried.spec, recorder)
    values = cosines(recorder, TASKS)
    assert len(values) == 3 * len(recorder.steps)
    assert values[1][1:5] == ("long_view", "like", "", 2.0)
    assert values[1][-1] == recorder.cosine[1, 0, 1]


def test_a_sweep_fits_every_share():
    values = weighted_losses(trial(spec_of()), ("like", "long_view"))
    assert [(value[1], value[4]) for value in values] == [
        (task, share) for share in SHARES for task in ("like", "long_view")
    ]
    losses = {share: value for _, task, _, _, share, value in values if task == "long_view"}
    assert losses[0.98] < losses[0.02]


@every_model
def test_every_model_can_be_diagnosed(model):
    spec = spec_of(model)
    values = diagnose(spec, data(), columns_of(spec.features, world().observed), 0)
    assert [value[1] for value in named(values, "transfer")] == list(TASKS)
    assert len(named(values, "loss")) == 2 * 2 * len(TASKS)
    steps = {value[4] for value in named(values, "cosine")}
    assert len(steps) <= NOTES + 1
    shares = model.shares
    assert all(np.isfinite(value[-1]) == shares for value in named(values, "cosine"))
    assert all(np.isfinite(value[-1]) for value in values if value[0] != "cosine")
    assert not named(values, "pair_transfer") + named(values, "ablation") + named(values, "weighted_loss")


def test_a_deep_diagnosis_takes_the_ranker_apart_and_is_the_same_every_time():
    spec = spec_of(balancer=StaticSpec(weights={"like": 2.0}), train=TrainSpec(epochs=1, batch=2048))
    columns = columns_of(spec.features, world().observed)
    first, again = (diagnose(spec, data(), columns, 0, deep=True, sweep=("like", "long_view")) for _ in range(2))
    assert first == again
    parts = list(dict.fromkeys(value[3] for value in named(first, "ablation")))
    without = [f"without `{task}`" for task in TASKS]
    assert parts == [*without, "with an expert less", "without its balancer"]
    assert len(named(first, "pair_transfer")) == 6 and len(named(first, "weighted_loss")) == 2 * len(SHARES)


def test_diagnosing_changes_nothing_of_what_is_diagnosed():
    spec = spec_of()
    columns = columns_of(spec.features, world().observed)
    before = fit_ranker(spec, data(), columns, 0)
    diagnose(spec, data(), columns, 0)
    after = fit_ranker(spec, data(), columns, 0)
    assert np.array_equal(before.curve, after.curve)
    assert np.array_equal(before.predict_rows(data()), after.predict_rows(data()))
