"""A feedback loop from its jobs to its rows: what arms share, what they learn from, and what survives a kill."""

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnel.formula import combined, evaluate
from funnel.scenario import harness
from funnel.scenario.exam import Exam
from funnel.scenario.executors import Executor
from funnel.scenario.memory import KEPT
from funnel.scenario.rounds import study
from funnel.scenario.rounds.served import MEASURES as SERVED
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from funnel.world.bubbles import join
from funnel.world.observed import Observed
from funnel.world.truth import Truth
from tests.loops import LATER, loop_of

SPARE = ("arms.spare.at=['late']", "arms.spare.stages.late.train.rate=1e30")
PAST = {"past_views", "past_likes", "past_clicks", "history", "interests"}
REACTED = {"reaction_offsets", "reaction_item", "reaction_kind"}
KEY = ["measure", "stage", "slice", "task"]
NOWHERE = Store(Path("nowhere"))
"""names need no store"""


class Finished:
    """A loop that was run: its store, its results folder, and what its exams look at."""

    def __init__(self, folder: Path, loop: Rounds):
        self.loop, self.store = loop, Store(folder / "data")
        executor = Executor(workers=1)
        self.folder = harness.run(loop, executor, data=folder / "data", reports=folder / "reports")
        self.rows = pl.read_parquet(self.folder / "rows.parquet")
        self.exams = study.exams(loop, 0, self.store)

    def log(self, round: int, arm: str) -> pl.DataFrame:
        """What an arm served in a round."""
        lab = self.exams[round - 1].labs[arm]
        return lab.log(lab.own.log)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Finished:
    """A loop with an arm that changes its mind, and one that cannot be trained."""
    return Finished(tmp_path_factory.mktemp("loop"), loop_of(*LATER, *SPARE))


def recipe_of(loop: Rounds, round: int, arm: str, stage: str) -> dict:
    """What decides a ranker."""
    return study.exams(loop, 0, NOWHERE)[round - 1].labs[arm].arm_ranker(stage).recipe


# Round 1


@pytest.mark.parametrize("arm", ["baseline", "late_only", "both"])
def test_round_1_is_the_scenario_without_rounds_bit_for_bit(finished, arm):
    exam = Exam(finished.loop.rounds[0].without(["spare"]), 0, finished.store)
    plain = pl.read_parquet(finished.store.ensure(exam.rows_piece(arm)) / "rows.parquet")
    looped = finished.rows.filter(pl.col("point") == 0, pl.col("arm") == arm, ~pl.col("measure").is_in(list(SERVED)))
    assert looped.select(*KEY, "value", "n").equals(plain.select(*KEY, "value", "n"))


def test_all_rounds_are_measured_alike(finished):
    told = [
        set(part.filter(pl.col("arm") == "both").select(KEY).iter_rows())
        for part in finished.rows.partition_by("point")
    ]
    assert len(told) == 3 and told[0] == told[1] == told[2] and set(SERVED) <= {key[0] for key in told[0]}


# Pairs


def test_arms_live_among_the_same_people_and_items_in_every_round(finished):
    for exam in finished.exams.values():
        one, *others = (exam.labs[arm] for arm in ("baseline", "late_only", "both"))
        for other in others:
            for part, kind in (("truth", Truth), ("observed", Observed)):
                ours, theirs = getattr(one.world, part), getattr(other.world, part)
                differing = {
                    field.name
                    for field in fields(kind)
                    if not np.array_equal(getattr(ours, field.name), getattr(theirs, field.name))
                }
                assert differing <= PAST | REACTED
                assert bool(differing) == (part == "observed" and exam.labs["both"].round > 1)
            assert np.array_equal(one.requests.id, other.requests.id)
            assert np.array_equal(one.requests.user, other.requests.user)


def test_a_pair_of_request_and_item_has_one_outcome_in_every_arm_that_shows_it_in_one_place(finished):
    # In round 1 the world is one, so outcomes are; later a bubble may be there in one arm and not in the other.
    logs = [finished.log(1, arm) for arm in ("late_only", "both")]
    both = logs[0].join(logs[1], on=["request", "item", "position"])
    assert len(both) > 20 and (both["like"] == both["like_right"]).all()
    assert (both["long_view"] == both["long_view_right"]).all()


def test_an_arm_that_changes_its_mind_is_until_then_the_arm_that_does_not(finished):
    names = [
        [(study.round_piece(exam, arm).name, exam.labs[arm].own.name) for arm in ("late_only", "late_first")]
        for exam in finished.exams.values()
    ]
    assert [one == other for one, other in names] == [True, True, False]
    rows = {arm: finished.rows.filter(pl.col("arm") == arm) for arm in ("late_only", "late_first")}
    early = [table.filter(pl.col("point") < 2).drop("arm") for table in rows.values()]
    assert early[0].equals(early[1])
    # It has learnt from what it served when it was late only.
    last = finished.exams[2].labs
    assert [one.name for one in last["late_first"].trained_on] == [one.name for one in last["late_only"].trained_on]


def test_arms_part_after_round_1(finished):
    for round in (2, 3):
        named = [
            finished.exams[round - 1].labs[arm].arm_ranker("late").name for arm in ("baseline", "late_only", "both")
        ]
        assert len(set(named)) == 3


def test_numbers_of_requests_rise_with_the_rounds_and_never_meet(finished):
    for arm in ("baseline", "both"):
        labs = [exam.labs[arm] for exam in finished.exams.values()]
        asked = [labs[0].log(one.log)["request"].unique().sort().to_numpy() for one in labs[0].logs]
        asked.insert(2, labs[0].requests.id)
        for lab in labs:
            asked += [lab.log(lab.own.log)["request"].unique().sort().to_numpy()]
            asked += [lab.requests.id] if lab.round > 1 else []
        everything = np.concatenate(asked)
        assert len(np.unique(everything)) == len(everything)
        served = [finished.log(round, arm)["request"] for round in (1, 2, 3)]
        assert all(one.max() < other.min() for one, other in pairwise(served))


def test_the_judge_looks_at_an_arm_in_the_world_of_that_arm(finished):
    """The reference's late ranker, served by hand with what can be observed where the arm lives."""
    exam = finished.exams[2]
    judge, lab = exam.judge, exam.labs["late_only"]
    ledger, towers = exam.ledger(lab), lab.scenery.vectors(judge.arm_towers, lab.world_piece)
    late, bubbles = judge.arm_rankers.load("late"), join(lab.world.observed, lab.requests.user)
    predicted = late.server(lab.world.observed, towers).predict(lab.requests, ledger.rows, bubbles)
    score = combined(judge.arm.stages.late, predicted, bubbles.at(ledger.rows) >= 0)
    np.testing.assert_allclose(ledger.reference_score, score, rtol=1e-4, atol=1e-5)


# What is learnt from


@pytest.mark.parametrize("window", [1, 2, 3])
def test_models_learn_from_the_window_and_never_from_round_0(window):
    loop = loop_of(f"base.loop={{requests=60, window={window}}}", rounds=4)
    labs = [exam.labs["both"] for exam in study.exams(loop, 0, NOWHERE).values()]
    bootstrap, *served = [one.name for one in (*labs[-1].logs, labs[-1].own)]
    assert len(served) == len({tuple(name) for name in served}) == 5
    for lab in labs:
        expected = served[max(0, lab.round - window) : lab.round]
        assert [one.name for one in lab.trained_on] == expected
        assert lab.arm_ranker("late").recipe["logs"] == lab.arm_towers.recipe["logs"] == expected
        assert bootstrap not in expected and lab.newest.name == served[lab.round - 1]


def test_what_is_trained_on_is_told_as_it_is(finished):
    for round, arm in ((1, "baseline"), (3, "both")):
        lab = finished.exams[round - 1].labs[arm]
        logs = [pl.read_parquet(finished.store.ensure(one.log) / "impressions.parquet") for one in lab.trained_on]
        shown = pl.concat(logs).filter(pl.col("bubble_count") > 0)
        value = finished.exams[0].value
        expected = {
            "log_impressions": sum(map(len, logs)),
            "log_bubbles": len(shown),
            "log_engagements": shown["bubble_engage"].sum(),
            "newest_bubbles": (logs[-1]["bubble_count"] > 0).mean(),
            "newest_value": np.mean([worth for part in _requests(logs[-1]) for worth in _worth(lab, part, value)]),
        }
        rows = finished.rows.filter(
            pl.col("point") == round - 1, pl.col("arm") == arm, pl.col("measure").is_in(list(SERVED))
        )
        assert dict(rows.select("measure", "value").iter_rows()) == pytest.approx(expected, rel=1e-5)


def _requests(log: pl.DataFrame) -> list[pl.DataFrame]:
    return log.partition_by("request", maintain_order=True)


def _worth(lab, part: pl.DataFrame, value) -> np.ndarray:
    """True value of what one request was shown, in the scene in which it was served."""
    engagement = lab.scenery.engagement(lab.newest.scene)
    user, item = part["user"].to_numpy(), part["item"].to_numpy()
    bubbles = join(engagement.world.observed, user[:1])
    bubble = bubbles.find(np.zeros_like(item), item)
    assert ((bubble >= 0) == (part["bubble_count"].to_numpy() > 0)).all()
    z = engagement.logits(user, item, engagement.friend_term(bubbles, bubble))
    duration = engagement.world.observed.duration[item]
    return evaluate(value, engagement.means(z, duration, bubble >= 0, value.wanted), bubble >= 0)


# Warm start


def test_a_warm_start_goes_on_from_the_round_before_and_is_ahead_of_a_cold_one(tmp_path):
    store, loops = Store(tmp_path), [loop_of(f"base.loop.start={start}", rounds=2) for start in ("cold", "warm")]
    cold, warm = (study.exams(loop, 0, store) for loop in loops)
    assert warm[0].labs["both"].arm_ranker("late").name == cold[0].labs["both"].arm_ranker("late").name
    for stage in STAGES:
        before = warm[0].labs["both"].arm_ranker(stage).name
        one, other = (exams[1].labs["both"].arm_rankers for exams in (cold, warm))
        assert (one.piece(stage).recipe["start"], other.piece(stage).recipe["start"]) == (None, before)
        # Trained on the same logs: in its first epoch it knows already what the other has yet to learn.
        assert one.piece(stage).recipe["logs"] == other.piece(stage).recipe["logs"]
        assert other.load(stage).curve[0].sum() < one.load(stage).curve[0].sum()
        assert np.array_equal(other.load(stage).inputs.mean, warm[0].labs["both"].arm_rankers.load(stage).inputs.mean)
    towers = warm[1].labs["both"].arm_towers.recipe
    assert towers["start"] == warm[0].labs["both"].arm_towers.name


def test_a_stage_that_became_another_one_starts_cold():
    loop = loop_of("base.loop.start=warm", *LATER)
    assert recipe_of(loop, 3, "late_first", "early")["start"] is None
    assert recipe_of(loop, 3, "late_first", "late")["start"] is not None
    assert recipe_of(loop, 3, "late_only", "early")["start"] is not None


# Closeness


def test_an_estimate_is_kept_until_the_model_is_asked_again(tmp_path):
    model = "base.closeness={kind='survey', every=2, answers=100}"
    labs = [exam.labs["both"] for exam in study.exams(loop_of(model), 0, Store(tmp_path)).values()]
    first, second, third = (lab.estimate.percentile for lab in labs)
    assert np.array_equal(first, second) and not np.array_equal(second, third)
    for lab, estimate in zip(labs, (first, second, third), strict=True):
        assert np.array_equal(lab.world.observed.closeness, estimate)
    # The world moved on all the same.
    assert not np.array_equal(labs[0].world.observed.messages, labs[1].world.observed.messages)


# Runs


def test_an_arm_that_cannot_be_trained_is_left_out_of_every_round_and_told(finished):
    assert set(finished.rows["arm"]) == {"baseline", "late_only", "both", "late_first"}
    _, failed = study.collect(finished.loop, finished.store)
    assert [list(failed[place]) for place in range(3)] == [["spare"]] * 3
    assert all(arms["spare"].startswith("Seed 0: Training: the loss should be finite.") for arms in failed.values())


def test_a_loop_that_was_killed_goes_on_with_the_same_rows_and_builds_nothing_twice(finished, tmp_path, monkeypatch):
    built, build = [], Store._build

    def noted(store, folder, piece) -> None:
        build(store, folder, piece)
        built.append(piece.name)
        if len(built) == 30:  # somewhere in round 2
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "_build", noted)
    loop = loop_of(*LATER)
    with pytest.raises(KeyboardInterrupt):
        harness.run(loop, Executor(workers=1), data=tmp_path / "data", reports=tmp_path / "reports")
    assert not (tmp_path / "reports" / "quickstart").exists()
    folder = harness.run(loop, Executor(workers=1), data=tmp_path / "data", reports=tmp_path / "reports")
    assert len(built) == len(set(built)) > 60
    assert pl.read_parquet(folder / "rows.parquet").equals(finished.rows)


def test_what_is_held_in_memory_does_not_grow_with_the_rounds(finished):
    exams = study.exams(finished.loop, 0, finished.store)
    for exam in exams.values():
        for arm in ("baseline", "both"):
            exam.ledger(exam.labs[arm])
    kept = exams[2].memory._kept
    assert {"world", "sheet", "predicted", "requests"} <= kept.keys()
    assert all(len(things) <= KEPT.get(kind, 1) for kind, things in kept.items())


def test_jobs_come_round_by_round_and_say_which(finished):
    jobs = study.plan(finished.loop)
    rounds = [job.where for job in jobs]
    assert rounds == sorted(rounds) and set(rounds) == {"round 1", "round 2", "round 3"}
    traffic = [job.label for job in jobs if job.kind == "traffic"]
    assert traffic[0] == "traffic, seed 0, round 1: baseline, late_only, both, late_first and 1 more"
    assert traffic[1:4] == [
        "traffic, seed 0, round 2: baseline",
        "traffic, seed 0, round 2: late_only, late_first",
        "traffic, seed 0, round 2: both",
    ]
