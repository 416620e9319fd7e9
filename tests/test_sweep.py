"""A sweep from its jobs to its results: what is shared, what survives a kill, and what is said of the points."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.errors import TrainingError
from funnel.metrics.crossing import crossings
from funnel.patch import merge
from funnel.scenario import harness
from funnel.scenario.exam import Exam
from funnel.scenario.executors import Executor
from funnel.scenario.pieces import execute as execute_scenario
from funnel.scenario.pieces import plan as plan_scenario
from funnel.scenario.points import best_of, turning
from funnel.scenario.store import Store
from funnel.scenario.sweep import study
from funnel.scenario.sweep.sentences import standing
from tests.sweeps import KEEP, MODEL, WEIGHT, folder_of, sweep_of

SPARE = ("arms.spare.at=['late']", "arms.spare.stages.late.train.rate=1e30")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, Path]:
    """The data and the results folder of a sweep with an arm that cannot be trained."""
    folder = tmp_path_factory.mktemp("sweep")
    sweep = sweep_of("sweep.keep.every.stages.early.keep=[10, 30]", *SPARE, seeds=2)
    executor = Executor(workers=1)
    return folder / "data", harness.run(sweep, executor, data=folder / "data", reports=folder / "reports")


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


# Jobs and pieces


def test_a_point_measures_what_the_scenario_at_that_point_measures(finished):
    data, folder = finished
    scenario = sweep_of("sweep.keep.every.stages.early.keep=[10, 30]", *SPARE, seeds=2).points[0].scenario
    plain, store = scenario.without(["spare"]), Store(data)
    for job in plan_scenario(plain):
        execute_scenario(plain, job, store)
    own = pl.read_parquet(store.ensure(Exam(plain, 1, store).rows_piece("late_only")) / "rows.parquet")
    found = pl.read_parquet(folder / "rows.parquet").filter(point=0, seed=1, arm="late_only")
    assert set(study.MEASURES) | {"macs", "parameters", "feature_bytes"} == set(found["measure"])
    key = ["measure", "stage", "slice", "task"]
    assert found.join(own, on=key).filter(pl.col("value").ne_missing(pl.col("value_right"))).is_empty()


def test_an_arm_that_cannot_be_trained_is_left_out_at_every_point_and_told(finished):
    _, folder = finished
    summary = summary_of(folder)
    assert [point["failed"].keys() for point in summary["points"]] == [{"spare"}, {"spare"}]
    assert set(pl.read_parquet(folder / "rows.parquet")["arm"]) == {"baseline", "late_only", "both"}
    assert summary["points"][0]["failed"]["spare"].startswith("Seed 0: ")


def test_a_sweep_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    sweep = sweep_of("sweep.keep.every.stages.early.keep=[10, 15, 20]", seeds=1)
    store, made = Store(tmp_path / "data"), []
    *shared, judge, _ = study.plan(sweep)
    for job in shared:
        study.execute(sweep, job, store)

    def killed(exam: Exam, lab) -> None:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(lab)
        return looked(exam, lab)

    looked = Exam.ledger
    monkeypatch.setattr(Exam, "ledger", killed)
    with pytest.raises(KeyboardInterrupt):
        study.execute(sweep, judge, store)
    assert len(list((tmp_path / "data" / "point").glob("*/manifest.json"))) == 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").glob("*/*/manifest.json")}
    monkeypatch.setattr(Exam, "ledger", looked)
    rows, failed, _ = study.collect(sweep, store)
    assert (rows["point"].n_unique(), failed) == (3, {})
    assert all(path.stat().st_mtime_ns == made_at for path, made_at in before.items())


def test_an_arm_of_the_verdict_that_cannot_be_trained_ends_the_run(tmp_path):
    diverging = "every.stages.late.train.rate=1e30"
    sweep = sweep_of("sweep.keep.every.stages.early.keep=[10, 30]", diverging, seeds=1)
    with pytest.raises(TrainingError):
        harness.run(sweep, Executor(workers=1), data=tmp_path / "data", reports=tmp_path / "reports")
    assert not (tmp_path / "reports" / "quickstart").exists()


# Results


def test_the_folder_says_which_points_and_every_point_can_be_had_from_it(tmp_path):
    sweep = sweep_of(WEIGHT, KEEP)
    folder = folder_of(tmp_path / "made", sweep, np.linspace(0, 0.1, 12))
    summary, spec = summary_of(folder), json.loads((folder / "spec.json").read_text())
    assert summary["kind"] == "sweep"
    assert [point["coordinates"] for point in summary["points"]] == [point.coordinates for point in sweep.points]
    scenarios = [spec["first"], *(merge(spec["first"], other) for other in spec["others"])]
    assert scenarios == [{"coordinates": point.coordinates, **point.scenario.table()} for point in sweep.points]
    table = pl.read_parquet(folder / "rows.parquet")
    assert dict(table.schema) == schema.POINT_ROWS
    assert summary["turns"] is None and summary["changes"] is None


def test_a_point_has_its_verdict_its_estimates_and_its_law(tmp_path):
    folder = folder_of(tmp_path / "made", sweep_of(KEEP), np.array([0.1, 0.05, 0.0, 0.0]))
    point = summary_of(folder)["points"][0]
    assert point["verdict"]["candidates"]["outcome"] == "lost"
    assert point["verdict"]["value"]["difference"]["value"] == pytest.approx(0.1)
    assert point["against_reference"]["late_only"]["value"]["value"] == pytest.approx(-0.1)
    assert point["against_reference"]["baseline"]["lost"]["value"] == pytest.approx(0.3)
    law = point["law"]["late_only"]
    assert law["lost"]["value"] - law["predicted_lost"]["value"] == pytest.approx(0.03)
    assert law["correlation"]["value"] == pytest.approx(0.8)
    recalls = [one for one in point["estimates"]["both"] if one["measure"] == "recall"]
    assert {(one["stage"], one["slice"]) for one in recalls} == {
        (stage, slice_) for stage in ("retrieval", "early", "late") for slice_ in ("all", "friend", "other")
    }


def test_the_sentences_of_one_axis(tmp_path):
    worse = np.array([0.1, 0.05, 0.015, 0.0])
    verdict = summary_of(folder_of(tmp_path / "made", sweep_of(KEEP), worse))["verdict"]
    assert verdict["standing"] == ["not safe", "not safe", "not safe", "safe"]
    assert verdict["sentence"] == (
        "Against `both`, `late_only` is safe at keep = 80 and not safe at keep = 10, 20 and 40."
    )
    assert verdict["sentences"] == [
        "Candidates: lost at keep = 10 and 20; not lost at keep = 40 and 80.",
        "Value: forgone at keep = 10, 20 and 40; equivalent at keep = 80.",
        "The share of candidates lost beyond the reference's falls below the margin of 2 points at keep = 36.23 (95 % "
        "interval 32.83 to 39.97, 3 seeds).",
        "The value forgone falls below the margin of 1 % at keep = 50.4 (95 % interval 40.06 to 63.4, 3 seeds).",
        "The slate of `late_only` is worth most at keep = 80, an end of the axis, clearly more than at any other value "
        "(corrected for 4 values).",
        "The slate of `both` is worth most at keep = 10, an end of the axis, and at no other value clearly less "
        "(corrected for 4 values).",
        "Without the tasks of the change, the slate of `late_only` is worth most at keep = 80, an end of the axis, "
        "clearly more than at any other value (corrected for 4 values).",
        "Without the tasks of the change, the slate of `both` is worth most at keep = 10, an end of the axis, and at "
        "no other value clearly less (corrected for 4 values).",
        "On average over the points, `late_only` loses 3.0 points more and `both` loses 3.0 points more than the "
        "survival law expects of the measured correlation of its early score with the reference's late one.",
    ]


def test_the_sentences_of_two_axes_name_points_by_rows(tmp_path):
    worse = np.array([0.1, 0.1, 0.0, 0.0] * 2 + [0.1, 0.0, 0.0, 0.01])
    verdict = summary_of(folder_of(tmp_path / "made", sweep_of(WEIGHT, KEEP), worse))["verdict"]
    assert verdict["sentence"] == (
        "Against `both`, `late_only` is safe at 6 of 12 points, not safe at 5 of 12 points and undecided at 1 of 12 "
        "points."
    )
    assert verdict["sentences"][1] == (
        "Value: forgone at weight = 0.25 with keep = 10 and 20, at weight = 1.0 with keep = 10 and 20, at "
        "weight = 4.0 with keep = 10; equivalent at weight = 0.25 with keep = 40 and 80, at weight = 1.0 with "
        "keep = 40 and 80, at weight = 4.0 with keep = 20 and 40; undecided at weight = 4.0 with keep = 80."
    )
    assert len(verdict["sentences"]) == 3


@pytest.mark.parametrize(
    ("worse", "seeds", "told"),
    [
        ([0.0] * 4, 3, "is safe at all 4 points."),
        ([0.1] * 4, 3, "is not safe at any of 4 points."),
        ([0.1, 0.01, 0.01, 0.01], 3, "is not shown to be safe at any of 4 points."),
        ([0.0] * 4, 1, "is not shown to be safe at any of 4 points."),
    ],
)
def test_a_headline_for_every_map(tmp_path, worse, seeds, told):
    made = folder_of(tmp_path / "made", sweep_of(KEEP, seeds=seeds), np.array(worse))
    assert summary_of(made)["verdict"]["sentence"] == f"Against `both`, `late_only` {told}"


def test_an_axis_of_words_has_outcomes_and_no_place_between(tmp_path):
    summary = summary_of(folder_of(tmp_path / "made", sweep_of(MODEL), np.array([0.1, 0.0])))
    assert summary["turns"] is None
    assert summary["changes"] == [
        {"axis": axis, "between": ['{"kind": "mmoe"}', '{"kind": "shared_bottom"}'], "outcomes": outcomes}
        for axis, outcomes in (("candidates", ["lost", "not lost"]), ("value", ["forgone", "equivalent"]))
    ]


@pytest.mark.parametrize(
    ("candidates", "value", "word"),
    [
        ("not lost", "equivalent", "safe"),
        ("not lost", "gained", "safe"),
        ("lost", "equivalent", "not safe"),
        ("undecided", "forgone", "not safe"),
        ("not lost", "undecided", "undecided"),
    ],
)
def test_safe_needs_both_axes(candidates, value, word):
    assert standing({"candidates": {"outcome": candidates}, "value": {"outcome": value}}) == word


def test_one_seed_is_not_called_every_seed(tmp_path):
    verdict = summary_of(folder_of(tmp_path / "made", sweep_of(KEEP, seeds=1), np.full(4, 0.1)))["verdict"]
    assert verdict["sentences"][3] == (
        "In the one seed the value forgone stays above the margin of 1 % from keep = 10 to 80."
    )
    assert verdict["sentences"][4] == (
        "The slate of `late_only` is worth most at keep = 10, an end of the axis, and at no other value clearly less "
        "(corrected for 4 values)."
    )


# Where a curve passes a level


def test_a_curve_passes_a_level_over_the_logarithm_of_a_positive_axis():
    assert crossings(np.array([10.0, 40.0]), np.array([0.3, 0.1]), 0.2) == pytest.approx([20])
    assert crossings(np.array([-1.0, 1.0, 3.0]), np.array([0.0, 0.1, 0.3]), 0.2) == pytest.approx([2])
    assert crossings(np.array([0.0, 4.0]), np.array([0.2, 0.0]), 0.1) == pytest.approx([2])
    assert crossings(np.array([1.0, 2.0]), np.array([0.2, 0.3]), 0.1) == []
    assert crossings(np.array([1.0, 4.0, 16.0]), np.array([0.0, 0.2, 0.0]), 0.1) == pytest.approx([2, 8])


def test_a_turn_needs_every_seed_and_one_direction():
    places = np.array([1.0, 2.0, 4.0])
    falling = np.array([[0.3, 0.3], [0.1, 0.2], [0.0, 0.0]])
    assert turning(places, falling, 0.15)["place"]["n"] == 2
    rising = falling[::-1]
    mixed = np.stack([falling[:, 0], rising[:, 0]], axis=1)
    assert turning(places, mixed, 0.15) == {
        "place": None,
        "seeds": [pytest.approx(2**0.75), pytest.approx(2**1.25)],
        "above": 1,
        "often": 0,
    }
    high = np.stack([falling[:, 0], falling[:, 0] + 1], axis=1)
    assert turning(places, high, 0.15)["place"] is None


def test_a_turn_does_not_depend_on_the_order_of_the_axis():
    places, order = np.array([1.0, 2.0, 4.0, 8.0]), [2, 0, 3, 1]
    falling = np.array([[0.4, 0.3], [0.3, 0.2], [0.1, 0.1], [0.0, 0.0]])
    assert turning(places[order], falling[order], 0.15) == turning(places, falling, 0.15)


def test_a_loss_that_passes_the_margin_more_than_once_has_no_place():
    worse = np.array([[0.3, 0.3], [0.0, 0.1], [0.3, 0.0]])
    found = turning(np.array([1.0, 2.0, 4.0]), worse, 0.15)
    assert found == {"place": None, "seeds": [None, pytest.approx(2**0.75)], "above": 2, "often": 1}


@pytest.mark.parametrize(("seeds", "where"), [(3, "in 3 of 3 seeds"), (1, "in the one seed")])
def test_a_loss_that_passes_the_margin_more_than_once_says_so(tmp_path, seeds, where):
    made = folder_of(tmp_path / "made", sweep_of(KEEP, seeds=seeds), np.array([0.1, 0.0, 0.1, 0.1]))
    assert summary_of(made)["verdict"]["sentences"][3] == (
        f"The value forgone passes the margin of 1 % more than once {where}, so it has no one place along keep."
    )


# Where a slate is worth most


def test_the_best_place_is_held_against_the_others_at_a_level_for_all_pairs():
    noise = np.array([-1.0, 0.0, 1.0])
    values = np.array([np.full(3, 3.0), 0.0 + noise, -9.0 + noise])
    assert best_of(["a", "b"], values[:2]) == {"at": "a", "rivals": []}
    assert best_of(["a", "b", "c"], values) == {"at": "a", "rivals": ["b"]}


@pytest.mark.parametrize(
    "axis",
    ["sweep.slots.base.stages.late.keep=[3, 5]", "sweep.asked.base.evaluation.requests=[20, 30]"],
)
def test_slates_of_other_sizes_or_requests_have_no_best_place(tmp_path, axis):
    assert summary_of(folder_of(tmp_path / "made", sweep_of(axis), np.array([0.1, 0.0])))["best"] is None


def test_a_policy_of_who_may_show_has_a_best_place_and_says_whether_it_is_inside(tmp_path):
    sweep = sweep_of("sweep.threshold.every.world.reactions.threshold=[0.0, 0.5, 0.9]")
    told = summary_of(folder_of(tmp_path / "made", sweep, np.array([0.1, 0.0, 0.1])))
    assert told["best"]["late_only"] == told["best_rest"]["late_only"] == {"at": 0.5, "rivals": []}
    assert (
        "Without the tasks of the change, the slate of `late_only` is worth most at threshold = 0.5, inside the axis, "
        "clearly more than at any other value (corrected for 3 values)."
    ) in told["verdict"]["sentences"]
