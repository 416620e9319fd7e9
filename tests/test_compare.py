"""Two runs side by side: what is paired, what is not, and what is said of runs that cannot be compared."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from funnel.errors import ResultsError
from funnel.metrics.intervals import welch
from funnel.report import compare
from funnel.report.comparison import read
from tests import loops
from tests.pages import Tree, run_of

VALUE, LOST = ("value", "late", "all", ""), ("lost", "early", "all", "")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    run_of(folder / "before", seeds=3)
    run_of(folder / "after", seeds=4, friends=0.3)
    return folder


def respelt(folder: Path, path: str, value) -> None:
    """Changes one field of a run's spec."""
    spec = json.loads((folder / "spec.json").read_text())
    table = spec
    *parents, last = path.split(".")
    for key in parents:
        table = table.setdefault(key, {})
    table[last] = value
    (folder / "spec.json").write_text(json.dumps(spec))


def test_runs_of_the_same_worlds_are_paired_over_the_seeds_of_both(reports):
    found = read(reports / "before", reports / "after")
    assert found.arms == ["baseline", "late_only", "both", "baseline_2k", "late_only_2k"]
    assert found.paired("both") and found.seeds == [0, 1, 2]
    rows = [pl.read_parquet(reports / name / "rows.parquet") for name in ("before", "after")]
    value = [
        table.filter(arm="both", measure="value", stage="late", slice="all", task="").sort("seed")["value"].to_numpy()
        for table in rows
    ]
    differences = value[1][:3] - value[0]
    difference = found.difference("both", VALUE)
    expected = stats.t.interval(0.95, 2, differences.mean(), stats.sem(differences))
    assert (difference.low, difference.high) == pytest.approx(expected)
    assert difference.n == 3


def test_runs_of_other_worlds_are_not_paired(reports, tmp_path):
    shutil.copytree(reports / "after", tmp_path / "elsewhere")
    respelt(tmp_path / "elsewhere", "arms.both.world", {"users": 7})
    found = read(reports / "before", tmp_path / "elsewhere")
    assert found.paired("baseline") and not found.paired("both")
    ours, theirs = ([*run.values["both", LOST].values()] for run in (found.a, found.b))
    expected = stats.ttest_ind(theirs, ours, equal_var=False).confidence_interval(0.95)
    difference = found.difference("both", LOST)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


def test_runs_without_a_seed_in_common_are_not_paired(reports, tmp_path):
    shutil.copytree(reports / "before", tmp_path / "later")
    summary = json.loads((tmp_path / "later/results.json").read_text())
    summary["scenario"]["seeds"] = [7, 8, 9]
    (tmp_path / "later/results.json").write_text(json.dumps(summary))
    assert not read(reports / "before", tmp_path / "later").paired("both")


def test_a_measure_that_one_run_has_no_value_of_has_no_difference(reports):
    found = read(reports / "before", reports / "after")
    assert found.difference("both", ("nothing", "late", "all", "")) is None


@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=6, unique=True),
    st.lists(st.floats(-10, 10), min_size=2, max_size=6, unique=True),
)
def test_welch_swaps_its_ends_with_its_samples(values, others):
    one, other = welch(np.array(values), np.array(others)), welch(np.array(others), np.array(values))
    assert (one.low, one.value, one.high) == pytest.approx((-other.high, -other.value, -other.low))
    assert one.low <= one.value <= one.high


def test_welch_of_one_seed_or_of_no_spread():
    assert dataclasses.astuple(welch(np.array([1.0]), np.array([0.5, 0.7])))[1:4] == (None, None, 1)
    even = welch(np.ones(3), np.zeros(2))
    assert (even.low, even.value, even.high, even.n) == (1, 1, 1, 2)


def test_what_differs_in_the_specs_is_told_by_path(reports, tmp_path):
    shutil.copytree(reports / "before", tmp_path / "other")
    respelt(tmp_path / "other", "base.stages.early.keep", 99)
    respelt(tmp_path / "other", "base.new", {"field": 0.1})
    found = read(reports / "before", tmp_path / "other")
    assert found.spec_changes() == [("base.stages.early.keep", "10", "99"), ("base.new.field", "absent", "0.1")]
    assert read(reports / "before", tmp_path / "other").versions()[0][0] == "python"


def test_the_page_shows_both_verdicts_the_arms_and_what_differs(reports):
    page = compare.build(reports / "before", reports / "after", reports)
    assert page == reports / "before.vs.after" / "index.html"
    tree = Tree(page.read_text())
    assert len(tree.ids) == len(set(tree.ids)) and {link[1:] for link in tree.links} <= set(tree.ids)
    for words in (
        "before: The friend-bubble tasks",
        "Paired by seed: both runs drew the same worlds and requests for seeds 0, 1, 2.",
        "seeds34",  # a row of the table: cells have nothing between them
        "proposal late_only, reference both, baseline baseline",
        "0, 1, 2, 3",
    ):
        assert words in tree.text
    assert page.read_text() == compare.build(reports / "before", reports / "after", reports).read_text()


def test_a_copy_of_a_run_differs_in_nothing(reports, tmp_path):
    shutil.copytree(reports / "before", tmp_path / "copy")
    found = read(reports / "before", tmp_path / "copy")
    difference = found.difference("both", VALUE)
    assert (difference.low, difference.value, difference.high) == (0, 0, 0)
    text = Tree(compare.build(reports / "before", tmp_path / "copy", tmp_path).read_text()).text
    assert "Nothing: both runs have one spec, and what differs comes of the code or of the machine." in text


def test_the_page_says_what_is_not_the_same_measure_and_which_arms_stand_alone(reports, tmp_path):
    shutil.copytree(reports / "after", tmp_path / "other")
    respelt(tmp_path / "other", "base.value", {"formula": {"like": 1.0}})
    respelt(tmp_path / "other", "arms.both.world", {"users": 7})
    summary = json.loads((tmp_path / "other/results.json").read_text())
    summary["scenario"]["arms"].remove("late_only_2k")
    (tmp_path / "other/results.json").write_text(json.dumps(summary))
    text = Tree(compare.build(reports / "before", tmp_path / "other", tmp_path).read_text()).text
    assert "The runs value items differently" in text
    assert "Only in before: late_only_2k." in text
    assert "Not paired: the runs drew other worlds or share no seed" in text


def test_runs_that_cannot_be_compared_are_all_named(reports, tmp_path):
    shutil.copytree(reports / "before", tmp_path / "conflict")
    summary = json.loads((tmp_path / "conflict/results.json").read_text()) | {"kind": "task_conflict"}
    (tmp_path / "conflict/results.json").write_text(json.dumps(summary))
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "rows.parquet").write_text("")
    with pytest.raises(ResultsError) as error:
        read(tmp_path / "conflict", tmp_path / "begun")
    assert str(error.value) == (
        f"{tmp_path / 'conflict'}: should be a run of kind `funnel`. Found `task_conflict`. "
        "Only funnels are compared.\n"
        f"{tmp_path / 'begun'}: should hold results.json. Found an unfinished run (rows.parquet). "
        "Move or delete it, and run the scenario again."
    )


def test_a_feedback_loop_is_no_run_to_compare(reports, tmp_path):
    loop = loops.folder_of(tmp_path / "loop", loops.loop_of(), np.zeros(3))
    with pytest.raises(ResultsError) as error:
        read(loop, reports / "before")
    assert str(error.value) == f"{loop}: should be a run of kind `funnel`. Found `rounds`. Only funnels are compared."


def test_a_run_is_not_compared_with_itself(reports):
    with pytest.raises(ResultsError) as error:
        read(reports / "before", reports / "after" / ".." / "before")
    told = f"{reports}/after/../before: should be another run than {reports}/before. Found the same folder."
    assert str(error.value) == f"{told} Copy a run to keep it."


def test_a_run_without_its_rows_is_named(reports, tmp_path):
    shutil.copytree(reports / "before", tmp_path / "torn")
    (tmp_path / "torn/rows.parquet").write_text("not a table")
    told = r"torn/rows\.parquet: should be a parquet table\. Found .* Run the scenario again\.$"
    with pytest.raises(ResultsError, match=told):
        read(reports / "before", tmp_path / "torn")
