"""The command line as a user meets it: what it prints, and with which code it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.cli import app
from funnel.scenario import envelope

PROJECT = Path(__file__).parents[1]
TINY = ("--seeds", "1", "--preset", "smoke", "--set", "base.world.users=600", "--set", "base.evaluation.requests=20")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project's folder with the shipped scenarios and nothing else."""
    shutil.copytree(PROJECT / "scenarios", tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """A project's folder in which a run has finished, and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(PROJECT / "scenarios", folder / "scenarios")
    process = start("run", "quickstart", "--workers", "1", *TINY, cwd=folder)
    printed, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    return folder, printed


def funnel(*arguments: str):
    return CliRunner().invoke(app, arguments)


def start(*arguments: str, **settings) -> subprocess.Popen:
    command = [sys.executable, "-m", "funnel", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


def manifests(folder: Path) -> dict[Path, int]:
    """When each piece in a project's store was made."""
    return {path: path.stat().st_mtime_ns for path in (folder / "data").glob("*/*/manifest.json")}


def test_a_run_ends_with_its_verdict_and_its_page(finished):
    folder, printed = finished
    summary = json.loads((folder / "reports/quickstart/results.json").read_text())
    lines = printed.splitlines()
    assert lines[0] == f"quickstart: {summary['scenario']['question']}"
    assert summary["verdict"]["sentence"] in lines
    assert lines[-1] == f"Page: {folder / 'reports/quickstart/index.html'}"
    assert (folder / "reports/quickstart/index.html").is_file()
    assert "\x1b" not in printed and "\r" not in printed


def test_a_second_run_finds_everything_finished_and_a_fresh_one_builds_anew_the_same_with_two_workers(
    finished, monkeypatch
):
    folder, _ = finished
    monkeypatch.chdir(folder)
    table, before = Path("reports/quickstart/rows.parquet"), manifests(folder)
    rows = pl.read_parquet(table)
    assert funnel("run", "quickstart", "--workers", "1", *TINY).exit_code == 0
    assert manifests(folder) == before
    assert pl.read_parquet(table).equals(rows)

    assert funnel("run", "quickstart", "--workers", "2", "--fresh", *TINY).exit_code == 0
    after = manifests(folder)
    assert after.keys() == before.keys()
    assert all(after[path] != before[path] for path in before)
    assert pl.read_parquet(table).equals(rows)


def test_the_page_is_built_again_from_what_is_stored(finished, monkeypatch):
    folder, _ = finished
    monkeypatch.chdir(folder)
    page = folder / "reports/quickstart/index.html"
    page.unlink()
    assert funnel("report", "quickstart").exit_code == 0
    assert page.is_file()


def test_an_interrupted_run_says_so_keeps_what_is_finished_and_goes_on(project):
    process = start("run", "quickstart", "--workers", "2", *TINY, start_new_session=True)
    try:
        while not process.stdout.readline().startswith("   1/"):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert told == "\nInterrupted. Finished pieces are kept: run the same command, and it goes on where it stopped.\n"
    assert process.returncode == 130
    assert not (project / "reports" / "quickstart").exists()
    made = manifests(project)
    assert made
    assert funnel("run", "quickstart", "--workers", "1", *TINY).exit_code == 0
    assert made.items() <= manifests(project).items()
    assert list((project / "data").glob("*/*.partial")) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "quickstrat"], "`quickstrat` is not a scenario in scenarios. Did you mean `quickstart`?"),
        (
            ["run", "quickstart", "--set", "base.world.userz=5", "--set", "arms.both.at=['lat']"],
            "arms.both.at: `lat` is not a ranking stage. Did you mean `late`?",
        ),
        (["run", "quickstart", "--workers", "0"], "workers: should be at least 1. Found 0."),
        (
            ["run", "quickstart", "--executor", "dask"],
            "scheduler: should be the address of a Dask scheduler, as in tcp://host:8786. Found none.",
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_scenario_that_cannot_be_run_ends_with_2(arguments, told):
    result = funnel(*arguments)
    assert (result.exit_code, result.stderr) == (2, told + "\n")


HEAD = {"schema_version": envelope.SCHEMA_VERSION, "scenario": {}, "fingerprint": "", "versions": {}, "seconds": 1}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (None, "reports/other: should be a results folder. Found none. Run the scenario first."),
        ({}, "reports/other: should be a results folder. Found an empty one. Run the scenario first."),
        (
            {"rows.parquet": ""},
            "reports/other: should hold results.json. Found an unfinished run (rows.parquet). "
            "Move or delete it, and run the scenario again.",
        ),
        (
            {"notes.txt": "mine"},
            "reports/other: should hold results.json. Found other files. "
            "Move or delete it, and run the scenario again.",
        ),
        (
            {"results.json": json.dumps(HEAD | {"schema_version": 1})},
            f"reports/other/results.json: should have schema_version {envelope.SCHEMA_VERSION}. Found 1. "
            "Move or delete it, and run the scenario again.",
        ),
        (
            {"results.json": json.dumps({"schema_version": envelope.SCHEMA_VERSION, "seconds": 1})},
            "reports/other/results.json: should hold `scenario`, `fingerprint`, `versions`. Found no such keys. "
            "Run the scenario again.",
        ),
        (
            {"results.json": json.dumps(HEAD | {"kind": "task_conflit"})},
            "reports/other/results.json: kind: `task_conflit` is not a kind of results. Did you mean `task_conflict`?",
        ),
    ],
)
def test_a_page_of_what_is_no_finished_run_ends_with_1(project, files, told):
    folder = project / "reports" / "other"
    if files is not None:
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    result = funnel("report", "other")
    assert (result.exit_code, result.stderr) == (1, told + "\n")


@pytest.mark.usefixtures("project")
def test_runs_that_are_not_there_are_not_compared():
    result = funnel("compare", "one", "two")
    told = "".join(
        f"reports/{name}: should be a results folder. Found none. Run the scenario first.\n" for name in ("one", "two")
    )
    assert (result.exit_code, result.stderr) == (1, told)


def test_two_runs_are_compared_on_a_page_of_their_own(finished, monkeypatch):
    folder, _ = finished
    monkeypatch.chdir(folder)
    shutil.copytree("reports/quickstart", "reports/before")
    result = funnel("compare", "before", "quickstart")
    assert (result.exit_code, result.stdout) == (0, f"Page: {folder / 'reports/before.vs.quickstart/index.html'}\n")
    assert (folder / "reports/before.vs.quickstart/index.html").is_file()


def test_foreign_files_in_the_results_folder_end_the_run_before_any_work(project):
    folder = project / "reports" / "quickstart"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    result = funnel("run", "quickstart", *TINY)
    told = f"{folder}: should hold results.json. Found other files. Move or delete it, and run the scenario again.\n"
    assert (result.exit_code, result.stderr) == (1, told)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (project / "data").exists()


@pytest.mark.usefixtures("project")
def test_the_list_shows_every_scenario_with_its_question():
    lines = funnel("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in Path("scenarios").glob("*.toml"))
    assert all("?" in line or "." in line for line in lines)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "nothing"], ["run", "quickstart", "--seeds", "0"]])
@pytest.mark.usefixtures("project")
def test_answers_that_need_no_torch_do_not_load_it(arguments):
    code = (
        "import sys\nfrom funnel.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
