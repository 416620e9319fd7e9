"""An audit of stage logs: definitions on hand-made rows, and nothing that depends on how the rows lie in the files."""

import errno
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from funnel.audit import buckets, part
from funnel.audit.harness import audit
from funnel.audit.measures import MEASURES
from funnel.audit.spec import Columns, LogSpec
from funnel.cli import app
from funnel.errors import ResultsError
from funnel.intake import recflow
from funnel.metrics.auc import expected_auc, within
from funnel.scenario import envelope
from tests import stagelogs

KEY = ("measure", "stage", "slice", "task")


@pytest.fixture
def log() -> pl.DataFrame:
    return stagelogs.own(np.random.default_rng(0))


def found_in(folder: Path, lenient: bool = False, reports: str = "reports") -> dict:
    """The summary of an audit of a folder."""
    quiet = Console(file=io.StringIO())
    return envelope.read(audit(folder, lenient=lenient, console=quiet, reports=folder.parent / reports))


def estimates(summary: dict) -> dict[tuple, float]:
    return {tuple(one[name] for name in KEY): one["value"] for one in summary["estimates"]}


def test_measures_are_their_definitions_counted_by_hand(tmp_path, log):
    found = estimates(found_in(stagelogs.write(tmp_path / "log", log)))
    early, shown = log["reached"] != "retrieval", log["reached"] == "late"
    best = log.select(pl.col("dear").rank("ordinal", descending=True).over("rid") <= 3).to_series()
    front = log.select(pl.col("cheap").rank("ordinal", descending=True).over("rid") <= 3).to_series()
    liked, friend = log["liked"] == 1, log["bubbles"] > 0
    expected = {
        ("candidates", "early", "all", ""): early.sum() / 30,
        ("keep_ratio", "late", "all", ""): shown.sum() / early.sum(),
        ("lost", "early", "all", ""): (best & ~early).sum() / best.sum(),
        ("lost", "early", "surface=feed", ""): (best & ~early & (log["surface"] == "feed")).sum() / 30,
        ("stage_recall", "early", "all", ""): (best & early).sum() / best.sum(),
        ("penetration", "early", "all", ""): (front & shown).sum() / front.sum(),
        ("survival", "early", "friend", ""): (friend & early).sum() / friend.sum(),
        ("share", "late", "source=friends", ""): (shown & (log["from"] >= 2)).sum() / shown.sum(),
        ("label", "late", "all", "like"): (liked & shown).sum() / shown.sum(),
        ("exposed_recall", "early", "all", "like"): (liked & shown & front).sum() / (liked & shown).sum(),
        ("calibration", "late", "impressed", "like"): log.filter(shown)["p_like"].sum() / (liked & shown).sum(),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-6)


def test_every_measure_of_the_catalogue_is_told_of_a_log_that_has_every_column(tmp_path, log):
    summary = found_in(stagelogs.write(tmp_path / "log", log))
    assert {one["measure"] for one in summary["estimates"]} == {measure.name for measure in MEASURES} | {
        "predicted_lost"
    }
    assert summary["logs"]["absent"] == []
    assert all(one["low"] <= one["value"] <= one["high"] for one in summary["estimates"] if one["low"] is not None)


@pytest.mark.parametrize("files", [1, 7])
def test_order_of_rows_files_buckets_and_parts_change_nothing(tmp_path, log, files, monkeypatch):
    whole = found_in(stagelogs.write(tmp_path / "log", log), reports="whole")
    monkeypatch.setattr(buckets, "SIZE", 150)
    monkeypatch.setattr(part, "CELLS", 60)
    mixed = log.sample(fraction=1.0, shuffle=True, seed=files)
    dealt = found_in(stagelogs.write(tmp_path / "mixed", mixed, files=files))
    assert estimates(dealt) == pytest.approx(estimates(whole), rel=1e-9)


def test_files_whose_widths_differ_are_one_log(tmp_path, log):
    whole = found_in(stagelogs.write(tmp_path / "log", log))
    folder = stagelogs.write(tmp_path / "narrow", log, files=3)
    pl.read_parquet(folder / "day1.parquet").cast({"rid": pl.Int32, "dear": pl.Float64}).write_parquet(
        folder / "day1.parquet"
    )
    assert estimates(found_in(folder)) == pytest.approx(estimates(whole), rel=1e-9)


def test_ids_of_text_measure_like_ids_of_numbers(tmp_path, log):
    texts = log.with_columns(pl.format("{}-{}", pl.lit(name), name).alias(name) for name in ("rid", "who", "video"))
    found = [found_in(stagelogs.write(tmp_path / name, table)) for name, table in (("a", log), ("b", texts))]
    assert estimates(found[0]) == pytest.approx(estimates(found[1]), rel=1e-9)
    assert found[1]["logs"]["requests"] == 30 and found[1]["logs"]["users"] == 15


def test_scores_that_float32_cannot_tell_apart_measure_like_others_of_their_order(tmp_path, log):
    wide = log.with_columns(1e9 + pl.col("dear").cast(pl.Float64) * 1e-3, cheap=pl.col("cheap").cast(pl.Float64) * 1e60)
    found = [found_in(stagelogs.write(tmp_path / name, table)) for name, table in (("a", log), ("b", wide))]
    assert estimates(found[0]) == pytest.approx(estimates(found[1]), rel=1e-9)


def test_whole_numbers_of_any_width_and_brackets_in_names_are_nothing_special(tmp_path, log):
    wide = log.with_columns(
        pl.col("rid").cast(pl.UInt64) + 2**63, pl.col("from").cast(pl.UInt64) + 2**63, pl.col("who").cast(pl.Int128)
    )
    found = [found_in(stagelogs.write(tmp_path / name, table)) for name, table in (("a", log), ("b [1] *", wide))]
    assert estimates(found[0]) == pytest.approx(estimates(found[1]), rel=1e-9)


def test_a_late_stage_that_scored_the_survivors_alone_says_nothing_of_what_was_lost(tmp_path, log):
    blind = log.with_columns(pl.when(pl.col("reached") != "retrieval").then("dear"))
    summary = found_in(stagelogs.write(tmp_path / "log", blind))
    wanted = ["scores.late on every candidate"]
    absent = {one["measure"]: one["columns"] for one in summary["logs"]["absent"]}
    assert absent["lost"] == absent["stage_recall"] == wanted
    whole = estimates(found_in(stagelogs.write(tmp_path / "whole", log)))
    assert estimates(summary)["overlap", "early", "impressed", ""] == whole["overlap", "early", "impressed", ""]
    assert ("overlap", "early", "unimpressed", "") in whole.keys() - estimates(summary).keys()
    assert summary["verdict"]["sentence"] == (
        "What `early` cut of what `late` would have put first cannot be told: the log has no scores of `late` on every "
        "candidate of a request."
    )


def test_shadow_scores_of_some_requests_judge_those_requests(tmp_path, log):
    some = log.with_columns(pl.when((pl.col("rid") < 10) | (pl.col("reached") != "retrieval")).then("dear"))
    partly = found_in(stagelogs.write(tmp_path / "some", some))
    alone = found_in(stagelogs.write(tmp_path / "alone", log.filter(pl.col("rid") < 10)))
    key = ("lost", "early", "all", "")
    assert estimates(partly)[key] == estimates(alone)[key]
    assert next(one["n"] for one in partly["estimates"] if one["measure"] == "lost") == 10


def test_recflow_is_read_as_it_is_and_called_a_sample(tmp_path):
    summary = found_in(stagelogs.industrial(tmp_path / "recflow", np.random.default_rng(0)))
    found, logs = estimates(summary), summary["logs"]
    stages = ["retrieval", "prerank", "coarse", "rank", "rerank", "shown"]
    assert logs["stages"] == stages and logs["sampled"] and logs["from"] == "2024-01-13"
    assert [found["candidates", stage, "all", ""] for stage in stages] == [20, 14, 9, 6, 3, 3]
    assert found["exposed_recall", "rank", "all", "like"] == 1
    assert summary["verdict"]["sentences"][-1].startswith(
        "Of their logged input, which is a sample, the stages keep: `prerank` 70.0 % (70.0 to 70.0), `coarse` 64.3 % ("
    )
    assert summary["warnings"][0] == (
        "The rows are a sample of each stage's candidates. Counts, keep ratios, survival, recall and what was lost "
        "speak of the rows in the log, not of the funnel."
    )


def test_recflow_may_have_any_widths_codecs_order_of_columns_and_no_places(tmp_path):
    folder = stagelogs.industrial(tmp_path / "recflow", np.random.default_rng(0))
    table = pl.read_ipc(folder / recflow.ALL_STAGE / "2024-01-13.feather")
    mixed = table.sample(fraction=1.0, shuffle=True, seed=0)
    odd = tmp_path / "odd" / recflow.ALL_STAGE
    odd.mkdir(parents=True)
    mixed[:100].with_columns(pl.col(*recflow.LABELS).cast(pl.UInt8)).write_ipc(odd / "a.feather", compression="zstd")
    mixed[100:250].with_columns(pl.col(*recflow.LABELS).cast(pl.Boolean)).write_parquet(odd / "b.parquet")
    mixed[250:].select(pl.col(*reversed(table.columns)).cast(pl.Int32, strict=False)).drop("request_timestamp").join(
        mixed.select("request_id", "request_timestamp").unique().cast({"request_id": pl.Int32}), on="request_id"
    ).write_ipc(odd / "c.feather", compression="uncompressed")
    assert estimates(found_in(odd.parent)) == pytest.approx(estimates(found_in(folder)), rel=1e-9)
    bare = tmp_path / "bare"
    bare.mkdir()
    table.drop(recflow.PLACES).write_ipc(bare / "a.feather")
    absent = {one["measure"]: one["columns"] for one in found_in(bare)["logs"]["absent"]}
    assert absent["exposed_recall"] == [f"scores.{stage}" for stage in ("prerank", "coarse", "rank", "rerank", "shown")]


def test_what_columns_toml_says_is_laid_over_the_layout_of_recflow(tmp_path):
    folder = stagelogs.industrial(tmp_path / "recflow", np.random.default_rng(0))
    (folder / "columns.toml").write_text(
        'early = "rank"\nlate = "rerank"\nslices = ["gender"]\nfunnel = { rank = 120 }'
    )
    summary = found_in(folder)
    assert (summary["logs"]["early"], summary["logs"]["late"]) == ("rank", "rerank")
    assert summary["logs"]["true_sizes"] == {"rank": 120} and summary["logs"]["slices"] == ["gender"]
    assert ("survival", "prerank", "gender", "") not in estimates(summary)  # everybody's is 0


def test_the_auc_of_one_request_is_that_of_its_rows():
    generator = np.random.default_rng(0)
    request, score = np.repeat([0, 1, 3], [9, 6, 7]), generator.integers(0, 4, 22).astype(float)
    positive = generator.random(22) < 0.5
    won, pairs = within(request, score, positive, 4)
    for one in (0, 1, 3):
        rows = request == one
        assert won[one] / pairs[one] == pytest.approx(expected_auc(score[rows], positive[rows].astype(float)))
    assert pairs[2] == 0


def test_nothing_is_left_beside_the_results(tmp_path, log):
    found_in(stagelogs.write(tmp_path / "log", log))
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"audit_log", "audit_log.lock"}
    assert pl.read_parquet(tmp_path / "reports" / "audit_log" / "estimates.parquet").columns[:4] == [*KEY]


def test_an_interrupted_audit_leaves_nothing_and_says_so(tmp_path, log, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("funnel.audit.harness.summary", interrupt)
    result = CliRunner().invoke(app, ["audit", str(stagelogs.write(tmp_path / "log", log))])
    assert result.exit_code == 130
    assert result.stderr == (
        "\nInterrupted. Nothing of it is kept, and older results are as they were: run the same command to "
        "begin anew.\n"
    )
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["audit_log.lock"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, log, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("funnel.audit.buckets.deal", full)
    with pytest.raises(ResultsError) as error:
        found_in(stagelogs.write(tmp_path / "log", log))
    work = tmp_path / "reports" / "audit_log.work"
    assert str(error.value) == (
        f"{work}: the disk is full. An audit needs room for a copy of the columns that it uses. Make room and run "
        "again."
    )
    assert not work.exists()


def test_the_command_tells_the_verdict_and_builds_the_page(tmp_path, log, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["audit", str(stagelogs.write(tmp_path / "log", log)), "--name", "march"])
    assert result.exit_code == 0, result.output
    assert (
        "`early` cut 14.4 % (" in result.output
        and " of the candidates that `late` would have put first." in result.output
    )
    assert (tmp_path / "reports" / "audit_march" / "index.html").exists()


DOC = Path("docs/audit.md").read_text()


def test_the_mapping_in_the_docs_reads_a_log(tmp_path, log):
    mapping = DOC.split("```toml\n")[1].split("```")[0]
    documented = found_in(stagelogs.write(tmp_path / "documented", log, mapping=mapping))
    assert documented["estimates"] == found_in(stagelogs.write(tmp_path / "log", log))["estimates"]
    assert documented["logs"]["true_sizes"] == {"retrieval": 20}


def test_the_docs_name_every_key_column_and_measure():
    words = {*LogSpec.model_fields, *Columns.model_fields, *(measure.name for measure in MEASURES)}
    assert {word for word in words if f"`{word}`" not in DOC and f"`columns.{word}`" not in DOC} == set()
