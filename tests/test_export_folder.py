"""The folder of an export: whole or not there, resumed, never over somebody else's files; and what is refused."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.cli import app
from funnel.errors import ResultsError, SpecError
from funnel.intake import recflow
from funnel.scenario.export.days import Days
from funnel.scenario.export.export import export
from funnel.scenario.export.note import read_note
from funnel.scenario.file import load
from tests.exports import TINY, everything, scenario


def test_fewer_requests_are_the_first_ones(exported, tmp_path):
    few = export(scenario("base.evaluation.requests=30"), arm="quota", data=exported.data, exports=tmp_path)
    one, all_of_them = everything(few), everything(exported.folders["quota"])
    same = ["request_id", "request_timestamp", "user_id", "video_id", "source"]
    first = all_of_them.filter(pl.col("request_id").is_in(one["request_id"].unique().implode()))
    assert one.select(same).sort(same).equals(first.select(same).sort(same))


def test_an_interrupted_export_goes_on_where_it_stopped(exported, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Days, "finish", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            export(scenario(), data=exported.data, exports=tmp_path)
    place = tmp_path / "bubble_late_only" / "late_only" / "seed0"
    partial = place.with_name("seed0.partial")
    first, second = recflow.days(partial)
    second.unlink()
    before = first.stat().st_mtime_ns
    assert not place.exists()
    assert export(scenario(), data=exported.data, exports=tmp_path) == place
    assert recflow.days(place)[0].stat().st_mtime_ns == before
    assert not partial.exists()
    assert _contents(place) == _contents(exported.folders["late_only"])


def _interrupt(days: Days) -> None:
    raise KeyboardInterrupt


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_export_is_left_alone_and_another_one_replaced(exported, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(exported.folders["quota"], folder)
    made = recflow.days(folder)[0].stat().st_mtime_ns
    assert export(scenario(), arm="quota", out=folder, data=exported.data) == folder
    assert recflow.days(folder)[0].stat().st_mtime_ns == made
    export(scenario("base.evaluation.requests=30"), arm="quota", out=folder, data=exported.data)
    assert read_note(folder).requests == 30 and len(recflow.days(folder)) == 1


def test_a_folder_that_holds_something_else_is_not_touched(exported, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / recflow.NOTE).write_text("other = 1\n")
    with pytest.raises(ResultsError) as caught:
        export(scenario(), out=tmp_path, data=exported.data)
    assert str(caught.value) == (
        f"{tmp_path}: should be absent, empty, or an earlier export with its stages.toml. Found notes.txt. Move "
        "it, or say where to write: OUT=<folder>."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", recflow.NOTE]


def test_what_was_put_into_an_export_is_not_swept_away_with_it(exported, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(exported.folders["quota"], folder)
    (folder / "checkpoints").mkdir()
    with pytest.raises(ResultsError) as caught:
        export(scenario("base.evaluation.requests=30"), arm="quota", out=folder, data=exported.data)
    assert "Found checkpoints. Move it" in str(caught.value)
    assert (folder / "checkpoints").is_dir()


def test_what_cannot_be_exported_is_told_at_once_before_any_work(tmp_path):
    with pytest.raises(SpecError) as caught:
        export(scenario(), "recflw", arm="late_onli", seed=1, data=tmp_path / "data", exports=tmp_path / "exports")
    assert caught.value.problems == (
        "format: `recflw` is not a layout to export to. Did you mean `recflow`?",
        "arm: `late_onli` is not an arm of bubble_late_only. Did you mean `late_only`?",
        "seed: should be from 0 to 0, as the scenario has them. Found 1.",
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("bubble_keep_sweep", "a sweep, which has many points"),
        ("bubble_feedback", "a feedback loop, which has many rounds"),
        ("task_conflict", "one without arms"),
    ],
)
def test_only_a_single_funnel_can_be_exported(name, found):
    with pytest.raises(SpecError) as caught:
        export(load(Path(f"scenarios/{name}.toml")))
    assert caught.value.problems == (f"{name}: should be a single scenario of a funnel. Found {found}.",)


def test_the_command_line_exports_and_says_where(exported, tmp_path, monkeypatch):
    shutil.copytree(Path("scenarios"), tmp_path / "scenarios")
    (tmp_path / "data").symlink_to(exported.data)
    monkeypatch.chdir(tmp_path)
    settings = [part for text in TINY for part in ("--set", text)]
    result = CliRunner().invoke(app, ["export", "bubble_late_only", "--requests", "30", "--arm", "quota", *settings])
    folder = tmp_path / "exports/bubble_late_only/quota/seed0"
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"Export: {folder}")
    assert read_note(folder).requests == 30
    wrong = CliRunner().invoke(app, ["export", "bubble_late_only", "--requests", "0"])
    told = "base.evaluation.requests: should be greater than or equal to 1. Found 0.\n"
    assert (wrong.exit_code, wrong.stderr) == (2, told)
