"""Logged candidates, and the rows that candidates which were cut make."""

import numpy as np
import polars as pl
import pytest
from logs import SLOTS, cut_log, log, towers, world
from scipy.stats import chisquare

from funnel.tasks import TASKS
from funnel.training.batches import Period, rows
from funnel.training.logged import logged, training_log
from funnel.training.ranker import train_ranker
from funnel.training.spec import RankerSpec, TrainSpec, labelled_when_cut
from funnel.world.bubbles import join

SPEC = RankerSpec(
    features=("content", "tower_match", "bubble_count", "position"),
    tasks=("long_view", "watch_seconds", "like", "hide", "bubble_engage"),
    train=TrainSpec(epochs=1, batch=1024),
)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return logged(log(), cut_log(), world().observed)


def with_negatives(*stages: str) -> TrainSpec:
    return SPEC.train.model_copy(update={"negatives": stages})


def test_every_candidate_stands_in_it_once_request_by_request(table):
    assert table["request"].is_sorted()
    assert len(table.unique(["request", "item"])) == len(table)
    assert set(table.select("request", "item").iter_rows()) == {
        *log().select("request", "item").iter_rows(),
        *cut_log().select("request", "item").iter_rows(),
    }


def test_what_was_shown_comes_first_and_as_it_was_logged(table):
    shown = table.filter(pl.col("cut").is_null()).drop("cut")
    assert shown.equals(log().select(shown.columns))
    first = table.group_by("request", maintain_order=True).head(SLOTS)
    assert first["cut"].null_count() == len(first)


def test_a_cut_candidate_has_no_label_and_the_bubble_that_it_would_have_carried(table):
    lost = table.filter(pl.col("cut").is_not_null())
    assert all(lost[task.name].null_count() == len(lost) for task in TASKS)
    assert (lost["position"] == 0).all() and set(lost["cut"]) == {"early", "late"}
    assert (lost["bubble_count"] > 0).any()
    for request, user, item, count in lost.select("request", "user", "item", "bubble_count").head(200).iter_rows():
        bubbles = join(world().observed, np.array([user]))
        place = bubbles.find(np.array([0]), np.array([item]))[0]
        assert count == (bubbles.count[place] if place >= 0 else 0), request


def test_without_negatives_the_log_is_the_impressions():
    assert training_log(SPEC.train, log(), cut_log(), world().observed) is log()


def test_each_stage_adds_the_candidates_that_it_cut(table):
    for stages in (("early",), ("late",), ("early", "late")):
        found = training_log(with_negatives(*stages), log(), cut_log(), world().observed)
        assert len(found) == len(log()) + table["cut"].is_in(stages).sum()
        assert set(found["cut"].drop_nulls()) == set(stages)


def test_cut_candidates_are_negatives_of_wanted_binary_tasks_alone():
    found = training_log(with_negatives("early", "late"), log(), cut_log(), world().observed)
    lost, shown = found.filter(pl.col("cut").is_not_null()), found.filter(pl.col("cut").is_null())
    assert shown.select(log().columns[-len(TASKS) :]).equals(log().select(log().columns[-len(TASKS) :]))
    carried = lost["bubble_count"] > 0
    for task in TASKS:
        expected = [0.0 if labelled_when_cut(task.name) and (not task.given or seen) else None for seen in carried]
        assert lost[task.name].to_list() == expected, task.name


def test_position_tells_nothing_of_having_been_cut(table):
    found = training_log(with_negatives("early", "late"), log(), cut_log(), world().observed)
    lost, shown = found.filter(pl.col("cut").is_not_null()), found.filter(pl.col("cut").is_null())
    assert shown["position"].equals(log()["position"]) and lost["position"].dtype == pl.Int16
    assert (table.filter(pl.col("cut").is_not_null())["position"] == 0).all()
    # What was shown stands at each position equally often.
    assert chisquare(np.bincount(lost["position"], minlength=SLOTS)).pvalue > 0.01


def test_a_cut_is_put_where_its_request_showed_something():
    short = log().filter(pl.col("position") < 1 + pl.col("request") % 3)
    found = training_log(with_negatives("early", "late"), short, cut_log(), world().observed)
    lost = found.filter(pl.col("cut").is_not_null())
    for request in range(3):
        assert set(lost.filter(pl.col("request") % 3 == request)["position"]) == set(range(1 + request))


def test_the_position_of_a_cut_is_its_own():
    def positions(*stages: str) -> dict:
        found = training_log(with_negatives(*stages), log(), cut_log(), world().observed)
        return {(request, item): place for request, item, place in found.select("request", "item", "position").rows()}

    both = positions("early", "late")
    assert positions("early", "late") == both
    assert positions("late").items() <= both.items()


def test_negatives_lower_probabilities_on_what_is_like_what_was_cut():
    plain = train_ranker(SPEC, [Period(log(), world().observed, towers())], 0)
    taught = SPEC.model_copy(update={"train": with_negatives("early", "late")})
    found = training_log(taught.train, log(), cut_log(), world().observed)
    ranker = train_ranker(taught, [Period(found, world().observed, towers())], 0)
    data = rows(SPEC, [Period(log(), world().observed, towers())])
    before, after = plain.predict_rows(data).mean(0), ranker.predict_rows(data).mean(0)
    for task in ("long_view", "like", "bubble_engage"):
        place = SPEC.tasks.index(task)
        assert after[place] < before[place]
