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

PROJECT = Path(__file__).parents[1]
TINY = ("--seeds", "1", "--preset", "smoke", "--set", "base.world.users=600", "--set", "base.evaluation.requests=20")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project's folder with the shipped scenarios and nothing else."""
    shutil.copytree(PROJECT / "scenarios", tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def funnel(*arguments: str):
    return CliRunner().invoke(app, arguments)


def start(*arguments: str, **settings) -> subprocess.Popen:
    command = [sys.executable, "-m", "funnel", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


def rows() -> pl.DataFrame:
    return pl.read_parquet("reports/quickstart/rows.parquet")


def test_a_run_ends_with_its_verdict_and_its_page_and_a_second_finds_everything_finished(project):
    first = funnel("run", "quickstart", "--workers", "1", *TINY)
    assert (first.exit_code, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    summary = json.loads((project / "reports/quickstart/results.json").read_text())
    assert lines[0] == f"quickstart: {summary['scenario']['question']}"
    assert summary["verdict"]["sentence"] in lines
    page = project / "reports" / "quickstart" / "index.html"
    assert lines[-1] == f"Page: {page}"
    assert page.is_file()
    assert "\x1b" not in first.stdout

    before = rows()
    made = {path: path.stat().st_mtime_ns for path in (project / "data").glob("*/*/manifest.json")}
    assert funnel("run", "quickstart", "--workers", "1", *TINY).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in (project / "data").glob("*/*/manifest.json")} == made
    assert rows().equals(before)

    page.unlink()
    assert funnel("report", "quickstart").exit_code == 0
    assert page.is_file()


def test_fresh_builds_anew_and_two_workers_give_the_bits_of_one(project):
    assert funnel("run", "quickstart", "--workers", "1", *TINY).exit_code == 0
    before = rows()
    made = {path: path.stat().st_mtime_ns for path in (project / "data").glob("*/*/manifest.json")}
    assert funnel("run", "quickstart", "--workers", "2", "--fresh", *TINY).exit_code == 0
    again = {path: path.stat().st_mtime_ns for path in (project / "data").glob("*/*/manifest.json")}
    assert again.keys() == made.keys()
    assert all(again[path] != made[path] for path in made)
    assert rows().equals(before)


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
    made = {path: path.stat().st_mtime_ns for path in (project / "data").glob("*/*/manifest.json")}
    assert made
    assert funnel("run", "quickstart", "--workers", "1", *TINY).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made
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


@pytest.mark.usefixtures("project")
def test_what_is_missing_ends_with_1():
    result = funnel("report", "quickstart")
    told = "reports/quickstart: should be a results folder. Found none. Run the scenario first.\n"
    assert (result.exit_code, result.stderr) == (1, told)


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
