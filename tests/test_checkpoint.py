"""Checkpoints of one surface: they hold nothing of the others, load alone, say the same; and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from funnel.candidates import from_pairs
from funnel.cli import app
from funnel.errors import ResultsError, SpecError
from funnel.scenario.checkpoint import checkpoint
from funnel.scenario.file import load
from funnel.scenario.lab import Lab
from funnel.scenario.store import Store
from funnel.stages.rank import Rank
from funnel.training import onnx
from funnel.training.calibration.curves import SurfacePlatt
from funnel.training.checkpoint import of_surface
from funnel.training.ranker import Ranker
from funnel.world.bubbles import join
from tests.worlds import SMALL_FUNNEL

SURFACES = ("home", "search", "related")


def scenario(*more: str):
    return load(Path("scenarios/surface_unified.toml"), seeds=1, assignments=[*SMALL_FUNNEL, *more])


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("checkpoints") / "data"


@pytest.fixture(scope="module")
def folders(data) -> dict[str, Path]:
    """The checkpoints of all surfaces, that of search as ONNX, too."""
    written = scenario()
    return {
        surface: checkpoint(written, surface, onnx=surface == "search", data=data, checkpoints=data.parent / "out")
        for surface in SURFACES
    }


@pytest.fixture(scope="module")
def lab(folders, data) -> Lab:
    written = scenario()
    return Lab(written.base, written.arms["trees_by_surface"], 0, Store(data))


@pytest.mark.parametrize("surface", SURFACES)
def test_alone_it_serves_its_surface_as_the_whole_does(folders, lab, surface):
    whole, place = lab.arm_rank("late"), SURFACES.index(surface)
    observed = lab.world.observed
    alone = Rank(
        "late",
        whole.spec,
        Ranker.load(folders[surface]).server(observed, whole.server.towers),
        lab.arm.retrieval.bits,
        SurfacePlatt.load(folders[surface]),
    )
    requests = lab.requests
    there = np.flatnonzero(observed.surface[requests.user] == place)
    requests = type(requests)(requests.id[there], requests.user[there])
    request, item = np.repeat(np.arange(len(there)), 40), np.tile(np.arange(0, 400, 10), len(there))
    candidates = from_pairs(request, item, np.ones(len(item), np.int64), len(there), lab.world.items)
    bubbles = join(observed, requests.user)
    ours, theirs = (rank.server.predict(requests, candidates, None) for rank in (whole, alone))
    units = dict(zip(whole.spec.tasks, whole.server.ranker.heads.std.tolist(), strict=True))
    for task, predicted in ours.items():
        # Serving adds up shares of the first layer, which rounds more; row by row the bar is 1e-6 (the note, below).
        assert theirs[task] == pytest.approx(predicted, abs=1e-5 * units[task]), task
    # A steep line of calibration, and weights of the formula up to 43, multiply what rounding leaves.
    score = [rank.score(requests, candidates, bubbles) for rank in (whole, alone)]
    assert score[1] == pytest.approx(score[0], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("surface", SURFACES)
def test_it_holds_nothing_of_other_surfaces(folders, lab, surface):
    kept = torch.load(folders[surface] / "ranker.pt", weights_only=True)["weights"]
    whole = lab.arm_rankers.load("late").model
    others = [place for place, name in enumerate(SURFACES) if name != surface]
    foreign = [
        parameter
        for place in others
        for part in (whole.branches[place], whole.towers.trees[place])
        for parameter in part.parameters()
        if parameter.any()
    ]
    assert foreign and not any(
        mine.shape == parameter.shape and torch.equal(mine, parameter)
        for mine in kept.values()
        for parameter in foreign
    )
    assert sum(value.numel() for value in kept.values()) == Ranker.load(folders[surface]).parameters < whole.size / 1.5
    face = json.loads((folders[surface] / "ranker.json").read_text())
    assert face["spec"]["model"]["surfaces"] == [surface]
    fused = {"home": set(), "search": {"intent_match"}, "related": {"intent_creator"}}
    assert {"surface", "intent_match", "intent_creator"} & set(face["columns"]) == fused[surface]


def test_it_loads_without_a_store_and_without_a_world(folders, tmp_path):
    shutil.copytree(folders["search"], tmp_path / "taken")
    program = (
        "import numpy, pathlib; from funnel.training.ranker import Ranker; from funnel.training.batches import Rows;"
        "r = Ranker.load(pathlib.Path('taken')); n = sum(r.columns.values());"
        "print(r.predict_rows(Rows(numpy.zeros((3, n), 'float32'), numpy.zeros((3, 1)), numpy.zeros(3))).shape)"
    )
    root = str(Path.cwd())
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True
    )
    assert (found.stdout.strip(), found.returncode) == ("(3, 8)", 0), found.stderr


def test_the_note_tells_size_cost_and_difference(folders):
    notes = {surface: json.loads((folder / "checkpoint.json").read_text()) for surface, folder in folders.items()}
    for surface, note in notes.items():
        assert (note["surface"], note["arm"], note["calibration"]) == (surface, "trees_by_surface", "surface_platt")
        assert note["difference"] < 1e-6
        assert note["checkpoint"]["bytes"] == (folders[surface] / "ranker.pt").stat().st_size < note["whole"]["bytes"]
        assert note["checkpoint"]["parameters"] < note["whole"]["parameters"] / 1.5
        assert note["checkpoint"]["macs"] <= note["whole"]["macs"]
    assert notes["home"]["onnx"] is None
    assert notes["search"]["onnx"]["difference"] < 1e-6
    assert {path.name for path in folders["search"].iterdir()} - {path.name for path in folders["home"].iterdir()} == {
        "ranker.onnx"
    }


def test_it_is_written_anew_over_an_earlier_one_and_over_nothing_else(folders, data, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(folders["home"], folder)
    assert checkpoint(scenario(), "search", out=folder, data=data) == folder
    assert json.loads((folder / "checkpoint.json").read_text())["surface"] == "search"
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ResultsError) as caught:
        checkpoint(scenario(), "search", out=folder, data=data)
    assert str(caught.value) == (
        f"{folder}: should be absent, empty, or an earlier checkpoint with its checkpoint.json. Found thesis.txt. Move "
        "it, or say where to write: OUT=<folder>."
    )


def test_what_cannot_be_written_is_told_before_any_work(tmp_path, monkeypatch):
    places = {"data": tmp_path / "data", "checkpoints": tmp_path / "checkpoints"}
    for settings, told in (
        ({"surface": "serch"}, "surface: `serch` is not a surface of arm trees_by_surface. Did you mean `search`?"),
        (
            {"surface": "search", "arm": "unified"},
            "arms.unified.stages.late.model: should be a `tower_tree`, which has a part for each surface. Found "
            "`mmoe`. Name another arm or stage.",
        ),
        (
            {"surface": "search", "arm": "tree", "stage": "lat", "seed": 3},
            "stage: `lat` is not a ranking stage. Did you mean `late`?\n"
            "arm: `tree` is not an arm of surface_unified. Did you mean `trees`?\n"
            "seed: should be from 0 to 0, as the scenario has them. Found 3.",
        ),
    ):
        with pytest.raises(SpecError) as caught:
            checkpoint(scenario(), **settings, **places)
        assert str(caught.value) == told
    monkeypatch.setattr(onnx, "find_spec", lambda package: None)
    with pytest.raises(SpecError) as caught:
        checkpoint(scenario(), "search", onnx=True, **places)
    assert str(caught.value) == (
        "onnx: should find the packages that write ONNX files. Missing: `onnx`, `onnxscript`. Install the extra: "
        "pip install -e '.[onnx]'."
    )
    assert not list(tmp_path.iterdir())


def test_a_ranker_without_a_tree_has_no_part_for_a_surface(lab):
    ranker = lab.arm_rankers.load("early")
    with pytest.raises(SpecError) as caught:
        of_surface(ranker, "home")
    assert str(caught.value) == (
        "checkpoint: should be of a ranker that has a part for each surface, a `tower_tree`. Found a model of kind "
        "`shared_bottom`."
    )
    with pytest.raises(SpecError) as caught:
        of_surface(lab.arm_rankers.load("late"), "hme")
    assert str(caught.value) == "surface: `hme` is not a surface of the ranker. Did you mean `home`?"


def test_the_command_line_writes_a_checkpoint_and_says_where(folders, data, tmp_path, monkeypatch):
    shutil.copytree(Path("scenarios"), tmp_path / "scenarios")
    (tmp_path / "data").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    settings = [part for text in SMALL_FUNNEL for part in ("--set", text)]
    result = CliRunner().invoke(app, ["checkpoint", "surface_unified", "--surface", "home", *settings])
    folder = tmp_path / "checkpoints/surface_unified/trees_by_surface/seed0/late_home"
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"Checkpoint: {folder}")
    wrong = CliRunner().invoke(app, ["checkpoint", "surface_unified", "--surface", "hom", *settings])
    told = "surface: `hom` is not a surface of arm trees_by_surface. Did you mean `home`?\n"
    assert (wrong.exit_code, wrong.stderr) == (2, told)
