"""Rows, losses, the loop, and the ranker that comes of them; served and trained must agree."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from logs import SLOTS, log, towers, world

from funnel.candidates import Candidates, Requests, from_pairs
from funnel.errors import DataError, ResultsError, SpecError, StageError
from funnel.features import FEATURES, Pairs, per_candidate, table, tell_of_friends
from funnel.models.spec import MMoESpec, SharedBottomSpec
from funnel.training.batches import REQUESTS_AT_ONCE, Period, Rows, Scaling, columns_of, labels_of, rows, shuffled
from funnel.training.loop import Descent, TrainingError, fit
from funnel.training.ranker import Ranker, train_ranker
from funnel.training.spec import RankerSpec, TrainSpec
from funnel.world.bubbles import join

EVERYTHING = RankerSpec(
    features=tuple(feature.name for feature in FEATURES),
    tasks=("long_view", "watch_seconds", "like", "bubble_engage"),
    model=MMoESpec(experts=2, expert=(8, 4), tower=(4,)),
    train=TrainSpec(batch=512),
)
CHEAP = RankerSpec(
    features=("position", "content", "interests", "tower_match", "age"),
    tasks=("long_view", "like"),
    model=SharedBottomSpec(bottom=(8,)),
    train=TrainSpec(batch=512),
)
both_rankers = pytest.mark.parametrize("spec", [CHEAP, EVERYTHING], ids=lambda spec: spec.model.kind)


def trained(spec: RankerSpec, seed: int = 0) -> Ranker:
    return train_ranker(spec, [Period(log(), world().observed, towers())], seed)


def pool(requests: int = 7, each: int = 40) -> tuple[Requests, Candidates]:
    """Requests with many candidates, some with a bubble."""
    user = np.arange(requests) * 11 + 3
    item = np.concatenate([(np.arange(each) * 7 + r) % world().items for r in range(requests)])
    request = np.repeat(np.arange(requests), each)
    found = from_pairs(request, item, np.ones(len(item), np.int64), requests, world().items)
    return Requests(np.arange(requests), user), found


# Specs


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"features": ["bubble_cuont"], "tasks": ["lik"]},
            "early.features: `bubble_cuont` is not a feature. Did you mean `bubble_count`?\n"
            "early.tasks: `lik` is not a task. Did you mean `like`?",
        ),
        (
            {"features": [], "tasks": ["like", "share", "like"]},
            "early.features: should name at least one feature. Found none.\n"
            "early.tasks: should name each task once. Found `like` twice.",
        ),
        ({"features": ["age"]}, "early.tasks: should be given. Found nothing."),
        (
            {"features": ["age"], "tasks": ["like"], "train": {"epochs": 0, "epoch": 1}},
            "early.train.epoch: `epoch` is not a known key. Did you mean `epochs`?\n"
            "early.train.epochs: should be greater than or equal to 1. Found 0.",
        ),
    ],
)
def test_a_wrong_ranker_spec_names_every_problem(table, message):
    with pytest.raises(SpecError) as error:
        RankerSpec.parse(table, "early")
    assert str(error.value) == message


def test_specs_of_models_and_training_are_read_without_torch():
    code = "import sys, funnel.training.spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_ranker_is_named_by_what_decides_its_training():
    class Stage(RankerSpec):
        keep: int = 10

    spec = Stage(features=("age",), tasks=("like",), keep=3)
    assert spec.ranker() == RankerSpec(features=("age",), tasks=("like",))
    assert type(spec.ranker()) is RankerSpec


# Rows


def test_columns_stand_user_item_pair_context_whatever_the_order_of_the_names():
    assert list(columns_of(CHEAP.features, world().observed)) == [
        "interests",
        "content",
        "age",
        "tower_match",
        "position",
    ]


def test_rows_are_the_features_of_the_logged_pairs():
    observed, data = world().observed, rows(CHEAP, [Period(log(), world().observed, towers())])
    user, item, position = (log()[name].to_numpy() for name in ("user", "item", "position"))
    match = (towers().user[user] * towers().item[item]).sum(1)
    expected = [observed.interests[user], observed.content[item], np.log1p(observed.age[item])[:, None]]
    expected += [match[:, None], np.log1p(position)[:, None]]
    np.testing.assert_allclose(data.x, np.concatenate(expected, 1), rtol=1e-4, atol=1e-5)


def test_rows_of_a_shuffled_log_are_the_shuffled_rows():
    order = np.random.Generator(np.random.PCG64(1)).permutation(len(log()))
    straight, turned = (
        rows(EVERYTHING, [Period(frame, world().observed, towers())]) for frame in (log(), log()[order])
    )
    np.testing.assert_allclose(turned.x, straight.x[order], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(turned.labels, straight.labels[order])


def test_rows_of_two_periods_are_the_rows_of_each_stacked():
    """Each period is read beside what could be observed then, which moves from one to the other."""
    turned = replace(world().observed, age=world().observed.age[::-1].copy(), past_views=world().observed.past_likes)
    one, other = Period(log(), world().observed, towers()), Period(log(seed=1), turned, towers())
    first, second, both = rows(EVERYTHING, [one]), rows(EVERYTHING, [other]), rows(EVERYTHING, [one, other])
    for name in ("x", "labels", "request"):
        stacked = np.concatenate([getattr(first, name), getattr(second, name)])
        np.testing.assert_array_equal(getattr(both, name), stacked)
    assert not np.array_equal(second.x, rows(EVERYTHING, [replace(other, observed=world().observed)]).x)


def test_a_task_may_have_its_labels_in_one_period_alone_and_must_have_them_in_one():
    bare = log(seed=1).with_columns(bubble_engage=pl.lit(None, pl.Float32))
    full, empty = (Period(frame, world().observed, towers()) for frame in (log(), bare))
    place = EVERYTHING.tasks.index("bubble_engage")
    labels = rows(EVERYTHING, [empty, full]).labels[:, place]
    assert np.isnan(labels[: len(bare)]).all() and not np.isnan(labels[len(bare) :]).all()
    with pytest.raises(DataError) as error:
        rows(EVERYTHING, [empty, empty])
    assert str(error.value) == (
        f"Task `bubble_engage`: should have a label in the training log. Found none in {2 * len(bare)} impressions. "
        "Its condition `bubble` never held: log more, or take the task out of the stage."
    )


def test_rows_do_not_depend_on_how_many_requests_are_joined_at_once(monkeypatch):
    whole = rows(EVERYTHING, [Period(log(), world().observed, towers())])
    assert log()["request"].n_unique() < REQUESTS_AT_ONCE
    monkeypatch.setattr("funnel.training.batches.REQUESTS_AT_ONCE", 17)
    np.testing.assert_allclose(
        rows(EVERYTHING, [Period(log(), world().observed, towers())]).x, whole.x, rtol=1e-5, atol=1e-6
    )


def test_the_bubble_feature_is_the_bubble_that_was_logged():
    spec = RankerSpec(features=("bubble_count",), tasks=("like",))
    data = rows(spec, [Period(log(), world().observed, towers())])
    np.testing.assert_array_equal(data.x[:, 0], log()["bubble_count"].to_numpy())
    assert data.x.max() > 0


def test_labels_are_nan_where_the_log_is_null():
    labels = labels_of(("like", "bubble_engage"), log())
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(labels[:, 1]), log()["bubble_engage"].is_null().to_numpy())
    assert not np.isnan(labels[:, 0]).any()


def test_a_task_without_labels_is_an_error_before_training():
    dry = log().filter(pl.col("bubble_count") == 0)
    with pytest.raises(DataError) as error:
        train_ranker(EVERYTHING, [Period(dry, world().observed, towers())], 0)
    assert str(error.value) == (
        f"Task `bubble_engage`: should have a label in the training log. Found none in {len(dry)} impressions. "
        "Its condition `bubble` never held: log more, or take the task out of the stage."
    )
    with pytest.raises(DataError) as error:
        labels_of(("like",), log().with_columns(like=pl.lit(None, pl.Float32)))
    assert str(error.value) == (
        f"Task `like`: should have a label in the training log. Found none in {len(log())} impressions. "
        "Log it, or take the task out of the stage."
    )


def test_scaling_leaves_constants_alone_and_does_not_count_nan():
    columns = np.array([[1, 5, np.nan], [3, 5, 2], [5, 5, 4]], np.float32)
    scaling = Scaling.of(columns)
    np.testing.assert_allclose(scaling.mean, [3, 5, 3])
    np.testing.assert_allclose(scaling.std, [np.sqrt(8 / 3), 1, 1])
    np.testing.assert_allclose(scaling.apply(columns)[:, 1], 0)


def test_an_epoch_is_a_permutation_of_the_rows():
    batches = list(shuffled(10, 4, seed=0, epoch=0))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches)) == list(range(10))
    assert not np.array_equal(batches[0], next(shuffled(10, 4, seed=0, epoch=1)))


# Training


@both_rankers
def test_the_same_seed_gives_the_same_bits(spec):
    first, again, other = trained(spec), trained(spec), trained(spec, seed=1)
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name])
    assert np.array_equal(first.curve, again.curve)
    assert not np.array_equal(first.curve, other.curve)


@both_rankers
def test_training_lowers_the_loss(spec):
    longer = spec.model_copy(update={"train": TrainSpec(epochs=6, batch=512)})
    curve = trained(longer).curve
    assert curve.shape == (6, len(spec.tasks))
    # A task with a handful of positives may wander; what all of them lose together falls.
    assert curve[-1].sum() < curve[0].sum() and (curve[-1] < curve[0]).sum() >= len(spec.tasks) - 1


def test_training_starts_from_the_base_rates():
    """With a vanishing rate the ranker keeps its initial weights, and the constant of each head is the task's rate."""
    still = CHEAP.model_copy(update={"train": TrainSpec(epochs=1, rate=1e-12)})
    labels = labels_of(CHEAP.tasks, log())
    rates = torch.sigmoid(trained(still).model.towers.bias.detach()).flatten().numpy()
    np.testing.assert_allclose(rates, (labels.sum(0) + 1) / (len(labels) + 2), rtol=1e-4)


def test_a_loss_that_is_not_finite_names_task_and_step():
    model = torch.nn.Linear(1, 1)

    def losses(chosen: torch.Tensor) -> torch.Tensor:
        finite = model(torch.ones(1, 1)).sum() ** 2
        return torch.stack([finite, finite / (chosen != 7).all()])

    with pytest.raises(TrainingError) as error:
        fit(Descent(model.parameters(), losses), ("like", "watch_seconds"), 8, TrainSpec(batch=1, epochs=1), 0, "cpu")
    step = [int(batch[0]) for batch in shuffled(8, 1, seed=0, epoch=0)].index(7)
    assert str(error.value) == (
        f"Training: the loss should be finite. Found inf for `watch_seconds` at step {step}. "
        "Lower `train.rate`, or look for extreme values in the features and labels."
    )


def test_the_conditional_head_ignores_rows_without_a_bubble():
    """Whatever stands in the log where the condition fails, the head is fitted on bubble impressions alone."""
    spec = CHEAP.model_copy(update={"tasks": ("bubble_engage",), "train": TrainSpec(epochs=1, batch=10**6)})
    carried = log().filter(pl.col("bubble_count") > 0)
    known = labels_of(spec.tasks, carried)
    rate = torch.sigmoid(trained(spec).model.towers.bias.detach()).item()
    assert rate == pytest.approx((known.sum() + 1) / (len(known) + 2), rel=0.05)


# Serving


def served_rows(spec: RankerSpec) -> np.ndarray:
    """float32 (n, F): the input rows of the pool, unscaled, as training would build them."""
    observed = world().observed
    requests, candidates = pool()
    bubbles = join(observed, requests.user)
    user = requests.user[candidates.request]
    position = np.zeros(len(candidates), np.float32)
    pairs = Pairs(observed, towers(), user, candidates.item, position, bubbles, bubbles.at(candidates))
    sides = [table(spec.features, "user", observed)[user], table(spec.features, "item", observed)[candidates.item]]
    return np.concatenate([*sides, per_candidate(spec.features, pairs)], 1)


@both_rankers
def test_serving_adds_up_to_the_plain_forward_pass(spec):
    ranker, observed = trained(spec), world().observed
    requests, candidates = pool()
    bubbles = join(observed, requests.user)
    with torch.inference_mode():
        expected = ranker.model(torch.from_numpy(ranker.inputs.apply(served_rows(spec))))
    served = ranker.server(observed, towers()).predict(requests, candidates, bubbles)
    assert list(served) == list(spec.tasks)
    for task, column in zip(spec.tasks, expected.T, strict=True):
        seconds = column * ranker.heads.std[1] + ranker.heads.mean[1] if task == "watch_seconds" else None
        means = column.sigmoid() if seconds is None else seconds
        np.testing.assert_allclose(served[task], means.numpy(), rtol=1e-4, atol=1e-5)
        assert served[task].dtype == np.float32


@pytest.mark.parametrize(
    "missing",
    [("activity",), ("content", "age"), ("tower_match",), ("bubble_count", "interests"), EVERYTHING.features[:-1]],
    ids=len,
)
def test_what_is_missing_at_serving_reads_as_nought(missing):
    ranker, observed = trained(EVERYTHING), world().observed
    requests, candidates = pool()
    there = np.repeat([name not in missing for name in ranker.columns], list(ranker.columns.values()))
    x = served_rows(EVERYTHING) * there
    expected = ranker.predict_rows(Rows(x, np.empty((len(x), 0)), candidates.request))
    server = ranker.server(observed, towers(), missing)
    assert server.needs_bubbles == tell_of_friends(tuple(set(EVERYTHING.features) - set(missing)))
    served = server.predict(requests, candidates, join(observed, requests.user))
    for task, column in zip(EVERYTHING.tasks, expected.T, strict=True):
        np.testing.assert_allclose(served[task], column, rtol=1e-4, atol=1e-5)


@both_rankers
def test_serving_does_not_depend_on_the_chunk_or_the_block(spec, monkeypatch):
    observed = world().observed
    server = trained(spec).server(observed, towers())
    requests, candidates = pool()
    whole = server.predict(requests, candidates, join(observed, requests.user))
    monkeypatch.setattr("funnel.training.ranker.CACHED_FLOATS", 1000)
    low, high = candidates.offsets[2], candidates.offsets[5]
    part = Candidates(
        candidates.offsets[2:6] - low,
        candidates.item[low:high],
        candidates.source[low:high],
        candidates.score[low:high],
    )
    some = server.predict(requests.slice(2, 5), part, join(observed, requests.user[2:5]))
    for task in spec.tasks:
        np.testing.assert_allclose(some[task], whole[task][low:high], rtol=1e-5, atol=1e-6)


def test_serving_nothing_gives_nothing():
    server = trained(CHEAP).server(world().observed, towers())
    nothing = from_pairs(*(np.empty(0, np.int64) for _ in range(3)), requests=2, items=world().items)
    served = server.predict(Requests(np.arange(2), np.arange(2)), nothing, None)
    assert {task: len(column) for task, column in served.items()} == {"long_view": 0, "like": 0}


def test_bubbles_are_asked_for_only_where_a_feature_tells_of_friends():
    assert tell_of_friends(EVERYTHING.features)
    assert not tell_of_friends(CHEAP.features)
    requests, candidates = pool()
    blind = trained(CHEAP).server(world().observed, towers())
    assert len(blind.predict(requests, candidates, None)["like"]) == len(candidates)
    with pytest.raises(StageError) as error:
        trained(EVERYTHING).server(world().observed, towers()).predict(requests, candidates, None)
    assert str(error.value) == (
        "Ranker: should be given bubbles, since its features tell of friends. Found None. "
        "Join them with `funnel.world.bubbles.join`."
    )


def test_a_ranker_learns_what_the_log_tells():
    """A label that is a function of an observable is predicted nearly exactly, on requests it has not seen."""
    observed = world().observed
    short = observed.duration < np.median(observed.duration)
    taught = log().with_columns(like=pl.Series(short[log()["item"].to_numpy()].astype(np.float32)))
    spec = RankerSpec(features=("duration",), tasks=("like",), train=TrainSpec(epochs=20, batch=256))
    requests, candidates = pool()
    ranker = train_ranker(spec, [Period(taught, observed, towers())], 0)
    served = ranker.server(observed, towers()).predict(requests, candidates, None)["like"]
    assert ((served > 0.5) == short[candidates.item]).mean() > 0.97


def test_costs_are_those_of_serving():
    ranker = trained(CHEAP)
    # The pair and context columns of the first layer, two heads, and the inner product of the towers.
    assert ranker.macs == 2 * 8 + 2 * 8 + 32
    assert ranker.parameters == (4 + 4 + 1 + 1 + 1) * 8 + 8 + 2 * 8 + 2
    assert ranker.feature_bytes == 4 * 11


# Files


@both_rankers
def test_a_saved_ranker_serves_the_same_bits(spec, tmp_path):
    ranker, observed = trained(spec), world().observed
    ranker.save(tmp_path)
    kept = Ranker.load(tmp_path)
    requests, candidates = pool()
    bubbles = join(observed, requests.user)
    first, again = (r.server(observed, towers()).predict(requests, candidates, bubbles) for r in (ranker, kept))
    assert all(np.array_equal(first[task], again[task]) for task in spec.tasks)
    assert (kept.spec, kept.columns) == (ranker.spec, ranker.columns)
    assert np.array_equal(kept.curve, ranker.curve)


def test_a_damaged_ranker_is_an_error_with_a_remedy(tmp_path):
    folder = tmp_path / "ranker-1"
    folder.mkdir()
    with pytest.raises(ResultsError) as error:
        Ranker.load(folder)
    assert str(error.value) == (
        "Ranker `ranker-1`: should hold a trained ranker. Found FileNotFoundError: [Errno 2] No such file or "
        f"directory: '{folder / 'ranker.json'}'. Delete the folder and it is trained again."
    )
    trained(CHEAP).save(folder)
    face = json.loads((folder / "ranker.json").read_text())
    face["spec"]["features"] = ["agee"]
    (folder / "ranker.json").write_text(json.dumps(face))
    with pytest.raises(ResultsError) as error:
        Ranker.load(folder)
    assert str(error.value) == (
        "Ranker `ranker-1`: should hold a trained ranker. Found SpecError: ranker.features: `agee` is not a feature. "
        "Did you mean `age`?. Delete the folder and it is trained again."
    )


def test_no_feature_moves_when_labels_are_redrawn():
    task_names = [name for name in log().columns if name in ("like", "long_view", "watch_seconds")]
    redrawn = log().with_columns(pl.col(name).reverse() for name in task_names)
    first, again = (rows(EVERYTHING, [Period(frame, world().observed, towers())]) for frame in (log(), redrawn))
    assert np.array_equal(first.x, again.x)
    assert not np.array_equal(first.labels, again.labels)


def test_the_pair_features_are_what_their_names_say():
    """The quick computation by stretches of one user against the plain one, pair by pair."""
    observed = replace(world().observed)
    user, item = log()["user"].to_numpy()[: 5 * SLOTS], log()["item"].to_numpy()[: 5 * SLOTS]
    bubbles = join(observed, user[::SLOTS])
    bubble = bubbles.find(np.repeat(np.arange(5), SLOTS), item)
    pairs = Pairs(observed, towers(), user, item, np.zeros(len(user), np.float32), bubbles, bubble)
    names = ("content_match", "history_match", "creator_seen")
    for row, columns in enumerate(per_candidate(names, pairs)):
        watched = observed.history[user[row]]
        similar = observed.content[watched] @ observed.content[item[row]]
        seen = (observed.creator[watched] == observed.creator[item[row]]).sum()
        expected = [observed.interests[user[row]] @ observed.content[item[row]], similar.max(), similar.mean(), seen]
        np.testing.assert_allclose(columns, expected, rtol=1e-4, atol=1e-5)
