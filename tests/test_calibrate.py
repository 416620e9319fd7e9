"""Calibration: a known funnel is found again, whatever the workers and the interruptions, and written as a base."""

from pathlib import Path

import pytest
from rich.console import Console

from funnel.calibrate import base_file
from funnel.calibrate.file import load
from funnel.calibrate.harness import run
from funnel.calibrate.measure import Task, measured
from funnel.calibrate.resolve import Calibration
from funnel.patch import leaves, merge
from funnel.scenario import envelope
from funnel.scenario.executors import Executor
from funnel.scenario.file import load as load_scenario
from funnel.scenario.file import read_toml
from funnel.scenario.store import Store
from funnel.stages.spec import FunnelSpec

SMALL = {
    "world": {"users": 300, "items": 500, "creators": 50, "dims": 8, "communities": 6, "history": 6},
    "traffic": {"bootstrap_requests": 60, "requests": 80},
    "retrieval": {
        "sources": {
            "nearest": {"budget": 100},
            "friends": {"budget": 30},
            "popular": {"budget": 20},
            "fresh": {"budget": 10},
        }
    },
    "stages": {
        "early": {"keep": 30, "train": {"batch": 128, "epochs": 1}},
        "late": {"keep": 5, "train": {"batch": 128, "epochs": 1}},
    },
    "evaluation": {"requests": 40},
}
KNOWN = {"world.engagement.channels.watch.base": -1.5, "retrieval.sources.friends.budget": 60}
"""what was turned in the funnel whose measures are the targets"""
TARGETS = {"label.late.long_view": 0.03, "share.retrieval.friend": 0.01}
"""the targets, with their tolerances"""
SCENARIO = """
name = "on_ours"
question = "Does a scenario run on a base that was fitted?"
base = "ours"
[change]
features = { add = ["bubble_count"] }
[arms.baseline]
at = []
[arms.late_only]
at = ["late"]
[arms.both]
at = ["early", "late"]
[verdict]
proposal = "late_only"
reference = "both"
baseline = "baseline"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A project's folder with a small base, and targets that were measured on a funnel with two of its knobs turned."""
    folder = tmp_path_factory.mktemp("calibrated")
    base = FunnelSpec.parse(merge(read_toml(Path("scenarios/base/reels.toml")), SMALL), "base")
    (folder / "scenarios" / "base").mkdir(parents=True)
    base_file.place("reels", folder / "scenarios").write_text(base_file.toml(base.table(), {}))
    truth = Calibration(None, base, (), ()).funnel(KNOWN)
    found = measured(Store(folder / "data"), "cpu", Task(truth, 0, True))
    assert isinstance(found, dict)
    targets = "".join(f'"{key}" = {{ value = {found[key]}, tolerance = {off} }}\n' for key, off in TARGETS.items())
    ranges = "".join(
        f'"{path}" = {{ low = {value / 3}, high = {value * 3} }}\n' for path, value in KNOWN.items() if value > 0
    )
    ranges += '"world.engagement.channels.watch.base" = { low = -4.0, high = 0.0 }\n'
    (folder / "ours.toml").write_text(
        f'name = "ours"\nbase = "reels"\ntrials = 10\nbetween = 5\nchecks = 1\n[targets]\n{targets}[knobs]\n{ranges}'
    )
    return folder


def calibrate(folder: Path, place: Path, workers: int = 1, trials: int | None = None, data: Path | None = None) -> dict:
    """What a calibration of the folder's targets found, without what differs from run to run."""
    scenarios = place / "scenarios"
    (scenarios / "base").mkdir(parents=True, exist_ok=True)
    (scenarios / "base" / "reels.toml").write_text((folder / "scenarios" / "base" / "reels.toml").read_text())
    calibration = load(folder / "ours.toml", trials=trials, scenarios=scenarios)
    quiet = Console(quiet=True)
    reports = run(
        calibration,
        Executor(workers=workers),
        console=quiet,
        data=data or place / "data",
        reports=place / "reports",
        scenarios=scenarios,
    )
    return {key: value for key, value in envelope.read(reports).items() if key not in ("seconds", "base")}


@pytest.fixture(scope="module")
def found(folder) -> dict:
    return calibrate(folder, folder)


def test_the_targets_of_a_known_funnel_are_met(found):
    assert [target["met"] for target in found["targets"]] == [True, True]
    assert found["loss"]["found"] < found["loss"]["start"] / 10
    assert found["verdict"]["sentences"] == []


def test_neither_workers_nor_an_interruption_change_what_is_found(folder, found, tmp_path):
    calibrate(folder, tmp_path, trials=4)  # as far as a killed run came
    assert calibrate(folder, tmp_path, workers=2) == found
    # All that the shorter one measured beyond the longer is its own last check, and that in another world.
    assert len(measures(tmp_path) - measures(folder)) <= 2


def measures(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "data" / "measured").glob("*/manifest.json")}


def test_a_finished_calibration_measures_nothing_again(folder, found):
    made = {path: path.stat().st_mtime_ns for path in (folder / "data").glob("*/*/manifest.json")}
    assert calibrate(folder, folder) == found
    assert {path: path.stat().st_mtime_ns for path in (folder / "data").glob("*/*/manifest.json")} == made


def test_trials_leave_nothing_behind_but_their_measures(folder, found):
    counts = {kind: len(list((folder / "data" / kind).glob("*/manifest.json"))) for kind in ("measured", "world")}
    # One world for each check at full size, and another for the best.
    assert counts["world"] <= len(found["checks"]) + 1
    assert counts["measured"] >= found["trials"]["asked"]


def test_the_written_base_is_the_funnel_that_was_found(folder, found):
    path = base_file.place("ours", folder / "scenarios")
    calibration = load(folder / "ours.toml", scenarios=folder / "scenarios")
    knobs = {knob["path"]: knob["found"] for knob in found["knobs"]}
    written = FunnelSpec.parse(read_toml(path), "base")
    turned = dict(leaves(written.table()))
    assert {path: turned[path] for path in knobs} == pytest.approx(knobs)
    assert calibration.funnel({path: turned[path] for path in knobs}) == written
    for knob in found["knobs"]:
        assert f"# fitted, from {knob['start']:g}" in path.read_text()


def test_a_scenario_runs_on_the_written_base(folder, found):
    path = folder / "scenarios" / "on_ours.toml"
    path.write_text(SCENARIO)
    scenario = load_scenario(path)
    assert scenario.origin.name == "ours"
    assert scenario.base == FunnelSpec.parse(read_toml(base_file.place("ours", folder / "scenarios")), "base")
