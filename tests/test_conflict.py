"""Tasks of controlled correlation: the law of the labels, the plain function, the scenario and its page."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.cli import app
from funnel.errors import SpecError
from funnel.report import conflict as page
from funnel.scenario import envelope, harness
from funnel.scenario.conflict.numbers import BOTH
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.conflict.verdict import outcome, verdict
from funnel.scenario.executors import Executor
from funnel.scenario.file import load
from funnel.training.conflict import Conflict, task_conflict
from funnel.training.sinusoids import Pair, batches
from tests.conflicts import FEW, LAW, MODELS, SCENARIO, folder_of

PROJECT = Path(__file__).parents[1]


# The law of the labels


@pytest.mark.parametrize("correlation", [1.0, 0.9, 0.5, 0.0, -0.5, -1.0])
def test_the_weight_vectors_have_the_length_and_the_cosine_that_were_asked_for(correlation):
    weights = Pair.draw(LAW, correlation, seed=3).weights.astype(np.float64)
    assert np.linalg.norm(weights, axis=0) == pytest.approx([LAW.scale] * 2, abs=1e-6)
    assert weights[:, 0] @ weights[:, 1] / LAW.scale**2 == pytest.approx(correlation, abs=1e-6)


def test_all_correlations_of_a_seed_share_the_first_task_the_sines_and_the_rows():
    one, other = (Pair.draw(LAW, correlation, seed=1) for correlation in (0.5, -1.0))
    (x, labels), (also_x, other_labels) = (next(batches(pair, 16, 1, 1, "training")) for pair in (one, other))
    assert (x == also_x).all()
    assert labels[:, 0] == pytest.approx(other_labels[:, 0], abs=1e-5)
    assert not np.allclose(labels[:, 1], other_labels[:, 1])


def test_labels_are_standardised_by_the_law_and_the_noise_is_the_floor():
    pair = Pair.draw(LAW, 0.0, seed=0)
    x, labels = next(batches(pair, 2**16, 1, 0, "exam"))
    assert labels.mean(0) == pytest.approx([0, 0], abs=0.02)
    assert labels.std(0) == pytest.approx([1, 1], abs=0.02)
    clean = pair.labels(x, np.zeros_like(labels))
    assert np.square(labels - clean).mean(0) == pytest.approx([pair.floor] * 2, rel=0.03)


def test_aligned_tasks_without_noise_have_the_same_labels():
    pair = Pair.draw(LAW.model_copy(update={"noise": 0.0}), 1.0, seed=0)
    _, labels = next(batches(pair, 64, 1, 0, "exam"))
    assert labels[:, 0] == pytest.approx(labels[:, 1], abs=1e-5)
    assert pair.floor == 0


def test_the_stream_never_repeats_and_is_the_same_in_batches_of_any_number():
    pair = Pair.draw(LAW, 0.5, seed=0)
    rows = np.concatenate([x for x, _ in batches(pair, 8, 6, 0, "training")])
    assert len(np.unique(rows, axis=0)) == 48
    first = np.concatenate([x for x, _ in batches(pair, 8, 4, 0, "training")])
    assert (first == rows[:32]).all()


# The plain function


@pytest.mark.parametrize("name", MODELS)
def test_the_same_arguments_give_the_same_bits(name):
    one, again = (task_conflict(MODELS[name], 0.5, seed=1, **FEW) for _ in range(2))
    for field in ("loss", "curve", "cosine"):
        assert np.array_equal(getattr(one, field), getattr(again, field), equal_nan=True)
    other = task_conflict(MODELS[name], 0.5, seed=2, **FEW)
    assert not np.array_equal(one.loss, other.loss)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_told_of_a_run(name):
    one = task_conflict(MODELS[name], 0.5, **{**FEW, "steps": 120})
    assert one.step.tolist() == list(range(0, 120, 2))
    assert one.curve.shape == (60, 2) and one.cosine.shape == (60,)
    assert np.isnan(one.cosine).all() == (not MODELS[name].shares)
    assert one.curve[-5:].mean() < one.curve[:5].mean()
    assert all(np.allclose(shares.sum(1), 1, atol=1e-5) for shares in one.gates.values())
    assert list(one.gates) == {"mmoe": ["experts"], "ple": ["layer 1", "layer 2"]}.get(name, [])


def test_a_network_of_enough_steps_explains_most_of_the_labels():
    one = task_conflict(MODELS["shared_bottom"], 1.0, law=LAW, steps=600, batch=128, rate=1e-2)
    assert (one.loss < 0.2).all() and (one.loss > one.floor).all()


def test_aligned_tasks_come_to_pull_the_same_way_and_orthogonal_ones_do_not():
    cosines = {
        correlation: task_conflict(MODELS["shared_bottom"], correlation, law=LAW, steps=300, batch=128).cosine[-20:]
        for correlation in (1.0, 0.0)
    }
    assert cosines[1.0].mean() > 0.3
    assert abs(cosines[0.0].mean()) < 0.2


def test_a_run_comes_back_from_its_folder_as_it_was(tmp_path):
    one = task_conflict(MODELS["ple"], 0.0, **FEW)
    one.save(tmp_path)
    kept = Conflict.load(tmp_path)
    assert kept.parameters == one.parameters and kept.floor == one.floor
    assert kept.label_correlation == one.label_correlation
    assert (kept.loss == one.loss).all() and (kept.curve == one.curve).all()
    assert kept.gates.keys() == one.gates.keys()
    assert all((kept.gates[layer] == shares).all() for layer, shares in one.gates.items())


# The scenario


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return folder_of(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def summary(folder) -> dict:
    return envelope.read(folder)


def test_two_workers_give_the_same_tables_and_a_second_run_finds_everything_finished(folder):
    root = folder.parents[1]
    other = harness.run(SCENARIO, Executor(workers=2), data=root / "other", reports=root / "again")
    for name in ("runs", "curves", "gates"):
        assert pl.read_parquet(other / f"{name}.parquet").equals(pl.read_parquet(folder / f"{name}.parquet"))
    made = {path: path.stat().st_mtime_ns for path in (root / "data").glob("*/*/manifest.json")}
    assert len(made) == 16
    harness.run(SCENARIO, Executor(workers=1), data=root / "data", reports=root / "reports")
    assert {path: path.stat().st_mtime_ns for path in (root / "data").glob("*/*/manifest.json")} == made


def test_the_summary_has_its_documented_keys(summary):
    assert list(summary) == [
        "schema_version",
        "kind",
        "scenario",
        "fingerprint",
        "versions",
        "verdict",
        "estimates",
        "differences",
        "widening",
        "price",
        "curves",
        "gates",
        "facts",
        "seconds",
    ]
    assert summary["kind"] == "task_conflict"
    assert list(summary["differences"]) == ["single_task", "mmoe", "ple"]
    assert list(summary["gates"]) == ["mmoe", "ple"]
    assert list(summary["facts"]["parameters"]) == list(MODELS)


def test_differences_are_paired_by_seed(folder, summary):
    runs = pl.read_parquet(folder / "runs.parquet").filter(pl.col("correlation") == 0)
    loss = {model: part["loss"].to_numpy() for (model,), part in runs.partition_by("model", as_dict=True).items()}
    told = next(one for one in summary["differences"]["mmoe"] if (one["correlation"], one["task"]) == (0, BOTH))
    assert told["value"] == pytest.approx((loss["mmoe"] - loss["shared_bottom"]).mean())
    assert told["n"] == 2 and told["low"] < told["value"] < told["high"]


def test_what_aligned_tasks_differ_by_is_taken_out_of_the_widening(summary):
    by = {
        key: {one["correlation"]: one["value"] for one in summary[key]["ple"] if one["task"] == BOTH}
        for key in ("differences", "widening")
    }
    assert by["widening"] == {0.0: pytest.approx(by["differences"][0.0] - by["differences"][1.0])}


def test_gates_that_cannot_mix_the_same_private_experts_are_apart(folder, summary):
    found = next(one for one in summary["gates"]["ple"] if (one["correlation"], one["layer"]) == (0, "layer 1"))
    shares = np.array(found["first_seed"])
    assert found["private"] == 1 and shares.shape == (2, 3)
    first_seed = (shares[:, 0].sum() + np.abs(shares[0, 1:] - shares[1, 1:]).sum()) / 2
    assert found["apart"]["low"] <= first_seed <= found["apart"]["high"]


def number(correlation: float, value: float, low: float | None, high: float | None) -> dict:
    return {"correlation": correlation, "task": BOTH, "value": value, "low": low, "high": high, "n": 5}


def test_the_verdict_says_what_the_intervals_say():
    differences = {
        "mmoe": [number(1.0, -0.03, -0.04, -0.02), number(0.0, -0.05, -0.06, -0.04)],
        "ple": [number(1.0, 0.01, -0.01, 0.03), number(0.0, 0.02, 0.01, 0.03)],
    }
    widening = {"mmoe": [number(0.0, -0.02, -0.03, -0.01)], "ple": [number(0.0, 0.01, -0.01, 0.03)]}
    price = {"mmoe": [number(0.0, 0.01, -0.01, 0.03)], "shared_bottom": [number(0.0, 0.03, 0.01, 0.05)]}
    told = verdict("shared_bottom", differences, widening, price)
    assert (
        told["sentence"] == "Against `shared_bottom`, `mmoe` ends lower at every correlation, `ple` ends higher at 0."
    )
    assert told["sentences"] == [
        "Final loss of `mmoe` minus that of `shared_bottom`: -0.0300 (-0.0400 to -0.0200) at 1, "
        "-0.0500 (-0.0600 to -0.0400) at 0. It lies below what it is for the most aligned pair at 0.",
        "Final loss of `ple` minus that of `shared_bottom`: +0.0100 (-0.0100 to +0.0300) at 1, "
        "+0.0200 (+0.0100 to +0.0300) at 0. It is not shown to depend on the correlation.",
        "No correlation is shown to cost `mmoe` anything against the most aligned pair.",
        "The costliest correlation to `shared_bottom` is 0: +0.0300 (+0.0100 to +0.0500) of loss.",
    ]


def test_one_seed_decides_nothing():
    assert outcome(number(0.0, -0.5, None, None)) == "undecided"
    told = verdict("a", {"b": [number(1.0, -0.5, None, None)]}, {"b": []}, {})
    assert told["sentence"] == "No model is shown to part from `a` at any correlation."


# The file


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    shutil.copytree(PROJECT / "scenarios", tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(**arguments) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        load("task_conflict", **arguments)
    return caught.value.problems


@pytest.mark.usefixtures("project")
def test_a_preset_and_an_assignment_reach_this_kind_too():
    plain, small = load("task_conflict"), load("task_conflict", preset="smoke", assignments=["models.mmoe.experts=2"])
    assert isinstance(plain, ConflictSpec) and isinstance(small, ConflictSpec)
    assert small.steps < plain.steps and small.seeds == 2
    assert small.models["mmoe"] == plain.models["mmoe"].model_copy(update={"experts": 2})
    assert load("task_conflict", preset="smoke", seeds=1, assignments=["seeds=7"]).seeds == 1


@pytest.mark.usefixtures("project")
def test_the_models_of_the_shipped_scenario_are_of_one_size():
    from funnel.models.catalogue import build

    shipped = load("task_conflict")
    sizes = [build(model, {"x": 100}, ("first", "second"), 0).size for model in shipped.models.values()]
    assert max(sizes) / min(sizes) < 1.05


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("kind=task_conflikt", None),
        ("correlations=[1.0, 1.5]", "correlations.1: should be less than or equal to 1. Found 1.5."),
        ("correlations=[1.0, 1.0]", "correlations: should hold each correlation once. Found 1.0 twice."),
        ("correlations=[1.0]", "correlations: should hold at least 2 correlations. Found 1."),
        (
            "models.remove=['cgc', 'ple', 'single_task', 'mmoe', 'deep_bottom']",
            "models: should hold at least 2 models. Found 1.",
        ),
        ("reference=mmo", "reference: `mmo` is not a model of this scenario. Did you mean `mmoe`?"),
        ("stepz=5", "stepz: `stepz` is not a known key. Did you mean `steps`?"),
        ("law.sine=5", "law.sine: `sine` is not a known key. Did you mean `sines`?"),
        ("models.mmoe.experts=0", "models.mmoe.experts: should be greater than or equal to 1. Found 0."),
        ("models.mmoe.towers=[4]", "models.mmoe.towers: `towers` is not a known key. Did you mean `tower`?"),
        ("models.mmoe.kind=mmo", "models.mmoe.kind: `mmo` is not a known kind. Did you mean `mmoe`?"),
        (
            "models.chain={ kind = 'esmm' }",
            "models: should be models of independent tasks. Found `esmm` in `chain`, and neither task is the other's "
            "condition. Choose another kind.",
        ),
        ("name=other", "name: should be `task_conflict`, as its file is called. Found `other`."),
    ],
)
def test_every_mistake_is_told_with_its_path(project, assignment, told):
    if told is None:
        path = project / "scenarios/task_conflict.toml"
        path.write_text(path.read_text().replace('kind = "task_conflict"', 'kind = "task_conflikt"'))
        assert problems() == ("kind: `task_conflikt` is not a kind of scenario. Did you mean `task_conflict`?",)
    else:
        assert problems(assignments=[assignment]) == (told,)


# The page


def test_the_page_says_the_verdict_and_shows_every_figure(folder, summary):
    built = page.build(folder)
    text = built.read_text()
    for figure in page.FIGURES:
        assert f'id="{figure.name}"' in text and (folder / "figures" / f"{figure.name}.png").is_file()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert all(f"<code>{model}</code>" in text for model in MODELS)
    assert summary["verdict"]["sentences"][-1].split("`")[0].strip() in text


def test_the_command_line_runs_it_and_builds_its_page_again(project):
    smaller = [
        "--set",
        "steps=5",
        "--set",
        "law.columns=4",
        "--set",
        "models.remove=['cgc', 'ple', 'single_task', 'deep_bottom']",
    ]
    arguments = ["run", "task_conflict", "--preset", "smoke", "--seeds", "1", "--workers", "1", *smaller]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    summary = json.loads((project / "reports/task_conflict/results.json").read_text())
    assert summary["verdict"]["sentence"] in done.stdout
    built = project / "reports/task_conflict/index.html"
    built.unlink()
    assert CliRunner().invoke(app, ["report", "task_conflict"]).exit_code == 0
    assert built.is_file()
