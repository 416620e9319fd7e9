"""The language of targets: what it says, and everything that can be wrong with it, told at once and whole."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from funnel.calibrate import base_file
from funnel.calibrate.file import load
from funnel.calibrate.geometry import shaped
from funnel.calibrate.knobs import Knob, catalogue
from funnel.calibrate.loss import linear, loss, met, value_of
from funnel.calibrate.resolve import Calibration
from funnel.calibrate.results import heading
from funnel.calibrate.spec import GeometrySpec
from funnel.calibrate.surface import alone, proposals
from funnel.calibrate.targets import Target
from funnel.cli import app
from funnel.errors import SpecError
from funnel.patch import leaves
from funnel.scenario.file import read_toml
from funnel.stages.spec import FunnelSpec

REELS = Path("scenarios/base/reels.toml")
HEAD = 'name = "ours"\nbase = "reels"\n'
LIKE = '[targets]\nlabel.late.like = { value = 0.0146, tolerance = 0.002, source = "our board" }\n'


@pytest.fixture
def scenarios(tmp_path) -> Path:
    (tmp_path / "scenarios" / "base").mkdir(parents=True)
    shutil.copy(REELS, tmp_path / "scenarios" / "base")
    return tmp_path / "scenarios"


def read(scenarios: Path, text: str) -> Calibration:
    path = scenarios.parent / "targets.toml"
    path.write_text(text)
    return load(path, scenarios=scenarios)


def problems(scenarios: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        read(scenarios, text)
    return caught.value.problems


def test_quotes_around_a_path_change_nothing(scenarios):
    bare = HEAD + LIKE + "[knobs.world.engagement]\ntaste = { low = 0.5, high = 2.0, log = true }\n"
    quoted = HEAD + LIKE.replace("label.late.like", '"label.late.like"')
    quoted += '[knobs]\n"world.engagement.taste" = { low = 0.5, high = 2.0, log = true }\n'
    assert read(scenarios, bare).spec == read(scenarios, quoted).spec


def test_without_knobs_those_are_turned_that_move_a_target(scenarios):
    assert [knob.path for knob in read(scenarios, HEAD + LIKE).knobs] == ["world.engagement.channels.like.base"]


def test_geometry_sets_budgets_and_keeps_the_proportions_of_sources():
    base = FunnelSpec.parse(read_toml(REELS), "base").table()
    made = FunnelSpec.parse(shaped(base, GeometrySpec(retrieved=125, early=62, late=15)), "base")
    budgets = [source.budget for source in made.retrieval.sources.values()]
    assert (made.stages.early.keep, made.stages.late.keep, sum(budgets)) == (62, 15, 125)
    assert budgets == [88, 19, 12, 6]


def test_every_knob_of_the_catalogue_is_a_number_of_the_base_and_within_its_range():
    base = FunnelSpec.parse(read_toml(REELS), "base")
    numbers = dict(leaves(base.table()))
    for knob in catalogue(base):
        assert knob.low <= numbers[knob.path] <= knob.high, knob.path
        assert knob.whole == isinstance(numbers[knob.path], int), knob.path
        assert knob.at(knob.part(numbers[knob.path])) == pytest.approx(numbers[knob.path])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name = "ours"\nbase = "reels"\n', ["targets: should be given. Found nothing."]),
        (HEAD + "[targets]\n", ["targets: should name at least one measure. Found none."]),
        (
            HEAD + LIKE.replace("0.0146", "nan").replace("0.002", "0.0"),
            [
                "targets.label.late.like.tolerance: should be greater than 0. Found 0.0.",
                "targets.label.late.like.value: should be a finite number. Found nan.",
            ],
        ),
        (
            HEAD + LIKE.replace("late.like", "late.lik") + "share.early.friend = { value = 1.2, tolerance = 0.1 }\n"
            "candidates.retrieval = { value = -1, tolerance = 0.1 }\nrecall.late = { value = 0.5, tolerance = 0.1 }\n"
            "[knobs]\nworld.engagement.tast = { low = 1, high = 2 }\n",
            [
                "targets.label.late.lik: `label.late.lik` is not a measure of this funnel. Did you mean "
                "`label.late.like`?",
                "targets.recall.late: `recall` is held against a truth that no real funnel knows. Known: candidates, "
                "keep_ratio, share, survival, overlap, penetration, label, joint_label, auc, calibration, "
                "ranker_calibration.",
                "targets.share.early.friend.value: should lie between 0 and 1. Found 1.2.",
                "targets.candidates.retrieval.value: should not be negative. Found -1.",
                "knobs.world.engagement.tast: `world.engagement.tast` is not a number of the base. Did you mean "
                "`world.engagement.taste`?",
            ],
        ),
        (
            HEAD + LIKE + "[knobs]\nstages.early.keep = { low = 5, high = 2000 }\n"
            "world.history = { low = 0, high = 5, log = true }\nworld.age_mean = { low = 2, high = 1 }\n",
            [
                "knobs.world.age_mean: `low` should be below `high`. Found 2 and 1.",
                "knobs.world.history: `low` should be above 0 where `log` is said. Found 0.",
            ],
        ),
        (
            HEAD + LIKE + "[knobs]\nstages.early.keep = { low = 5, high = 2000 }\n",
            [
                "knobs.stages.early.keep.low: base.stages: stage `late` keeps 10 but receives 5 from `early`. Raise "
                "`early.keep` or lower `late.keep`.",
                "knobs.stages.early.keep.high: base: stage `early` keeps 2000 but receives 1000 from `retrieval`. "
                "Raise the budget of a source or lower `stages.early.keep`.",
            ],
        ),
        (HEAD + "trails = 3\n" + LIKE, ["trails: `trails` is not a known key. Did you mean `trials`?"]),
        (HEAD.replace("reels", "reel") + LIKE, None),
        (HEAD.replace("ours", "reels") + LIKE, None),
        (
            HEAD + "[targets]\nkeep_ratio.late = { value = 0.1, tolerance = 0.01 }\n",
            ["knobs: no knob of the catalogue moves these targets. Name some in `[knobs]`."],
        ),
        (
            HEAD + LIKE + "[size]\nworld = { user = 5 }\n",
            ["size: base.world.user: `user` is not a known key. Did you mean `users`?"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_once(scenarios, text, expected):
    if expected is None:
        base = scenarios / "base"
        expected = (
            [f"`reel` is not a base in {base}. Did you mean `reels`?"]
            if '"reel"' in text
            else [
                f"name: should not be that of a base which no calibration wrote. Found {base / 'reels.toml'}. "
                "Choose another name."
            ]
        )
    assert list(problems(scenarios, text)) == expected


def test_a_file_that_is_not_there_and_one_that_is_no_toml_are_named(scenarios):
    with pytest.raises(SpecError, match=r"^nowhere\.toml: should be a file of targets\. Found none\.$"):
        load(Path("nowhere.toml"), scenarios=scenarios)
    (told,) = problems(scenarios, "name = ")
    assert told.startswith(f"{scenarios.parent / 'targets.toml'}: should be TOML. Found: ")


def test_the_command_tells_what_is_wrong_and_leaves_with_its_code():
    told = CliRunner().invoke(app, ["calibrate", "nowhere.toml"])
    assert (told.exit_code, told.stderr) == (2, "nowhere.toml: should be a file of targets. Found none.\n")


RATE = Target("label.late.like", 0.02, 0.002, "", True)
COUNT = Target("candidates.retrieval", 100.0, 5.0, "", False)


def test_the_loss_is_quadratic_inside_the_tolerance_and_linear_far_outside():
    assert loss([RATE, COUNT], {RATE.key: 0.02, COUNT.key: 100.0}) == 0
    assert loss([COUNT], {COUNT.key: 100.5}) == pytest.approx(0.005, rel=0.01)
    assert loss([COUNT], {COUNT.key: 1100.0}) == pytest.approx(199, rel=0.01)
    assert loss([RATE], {RATE.key: None}) == float("inf") and not met(RATE, {RATE.key: None})


@pytest.mark.parametrize(("target", "value"), [(RATE, 0.3), (COUNT, 40.0)])
def test_the_scale_of_the_surface_has_a_way_back(target, value):
    assert value_of(target, linear(target, value)) == pytest.approx(value)


KNOBS = (Knob("a", 0.0, 10.0, moves=(RATE.key,)), Knob("b", 1.0, 1000.0, True, moves=(COUNT.key,)))


def answers(knobs: dict[str, float]) -> list[float]:
    """A funnel whose measures are lines on the scale of the surface."""
    parts = [knob.part(knobs[knob.path]) for knob in KNOBS]
    return [-6.0 + 4.0 * parts[0] + 0.1 * parts[1], 4.0 + 2.0 * parts[1]]


def test_where_measures_are_lines_the_second_step_meets_the_targets():
    tried = [{"a": 5.0, "b": 30.0}]
    tried += alone(KNOBS, tried[0])
    for _ in range(2):
        found = np.array([answers(knobs) for knobs in tried])
        losses = [loss([RATE, COUNT], values(row)) for row in found]
        tried += proposals(KNOBS, [RATE, COUNT], tried, found, int(np.argmin(losses)))
    assert any(all(met(target, values(answers(knobs))) for target in (RATE, COUNT)) for knobs in tried)


def values(row) -> dict[str, float]:
    return {target.key: value_of(target, z) for target, z in zip((RATE, COUNT), row, strict=True)}


def test_an_end_of_a_range_is_an_end_on_the_scale_that_is_searched():
    assert [KNOBS[0].border(value) for value in (0.1, 5.0, 9.9)] == ["low", None, "high"]
    assert [KNOBS[1].border(value) for value in (1.05, 20.0, 950.0)] == ["low", None, "high"]


def test_the_heading_of_a_base_lists_what_was_met_and_what_was_missed():
    target = {"key": "label.late.like", "value": 0.02, "tolerance": 0.002, "found": 0.0213, "met": True}
    target |= {"elsewhere": 0.0225, "source": "us"}
    summary = {
        "base": {"from": "reels"},
        "trials": {"asked": 12},
        "verdict": {"sentence": "1 of 2 targets are met.", "sentences": ["`x`: wanted 1."]},
        "targets": [target, target | {"key": "x", "met": False, "found": None, "source": ""}],
    }
    assert heading(summary) == (
        "From `reels`, by 12 trials. 1 of 2 targets are met.\n`x`: wanted 1.\n\n"
        "target: wanted, found at full size, in worlds that the search had not seen (source)\n"
        "met    label.late.like: 0.02 +- 0.002, 0.0213, 0.0225 (us)\n"
        "MISSED x: 0.02 +- 0.002, no value, 0.0225 (source not said)\n\n"
        "Do not edit: the next calibration of this name replaces it."
    )


def test_a_base_is_written_as_toml_that_reads_back_the_same(tmp_path):
    table = FunnelSpec.parse(read_toml(REELS), "base").table()
    path = tmp_path / "ours.toml"
    base_file.write(path, table, "Why.", {"world.users": "fitted"})
    assert read_toml(path) == table
    assert path.read_text().startswith("# Written by a calibration.\n# Why.\n")
    assert f"users = {table['world']['users']}  # fitted\n" in path.read_text()
