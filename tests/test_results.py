"""The results folder: what stands in it, that it can be trusted to be whole, and what is said when it is not."""

import json
import math

import numpy as np
import polars as pl
import pytest

from funnel import schema
from funnel.errors import DataError, ResultsError
from funnel.metrics.intervals import t_interval
from funnel.scenario import envelope, results
from funnel.scenario.estimates import Estimates, Key
from tests import runs


@pytest.fixture(scope="module")
def tables():
    return runs.tables(seeds=3)


@pytest.fixture(scope="module")
def folder(tables, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "bubble_late_only"
    written(path, tables)
    return path


def written(path, tables, facts=None, seeds=3):
    """The summary of the made-up run."""
    return results.write(path, runs.scenario(seeds=seeds), tables, facts or {}, {}, None, None, seconds=12.345678912345)


@pytest.fixture(scope="module")
def summary(folder):
    return results.read(folder).summary


def found(estimates, measure, stage, rows="all", task=""):
    return next(e for e in estimates if Key(measure, stage, rows, task) == Key(*(e[name] for name in Key._fields)))


def test_the_summary_has_its_documented_keys(summary):
    assert list(summary) == [
        "schema_version",
        "scenario",
        "arms",
        "failed",
        "fingerprint",
        "versions",
        "verdict",
        "judgements",
        "repairs",
        "measures",
        "estimates",
        "differences",
        "contrasts",
        "keep_curve",
        "equal_keep",
        "variance",
        "null",
        "laws",
        "base",
        "changes",
        "facts",
        "seconds",
        "diagnostics",
        "world",
    ]
    assert summary["scenario"] == {
        "name": "bubble_late_only",
        "question": runs.QUESTION,
        "arms": ["baseline", "late_only", "both", "baseline_2k", "late_only_2k"],
        "seeds": [0, 1, 2],
        "requests": 40,
        "proposal": "late_only",
        "reference": "both",
        "baseline": "baseline",
    }
    assert list(summary["estimates"]["both"][0]) == [
        "measure",
        "stage",
        "slice",
        "task",
        "value",
        "low",
        "high",
        "n",
        "bootstrap_low",
        "bootstrap_high",
    ]
    assert summary["seconds"] == 12.3456789


def test_an_estimate_is_the_t_interval_of_the_rows(tables, summary):
    values = tables["rows"].filter(
        (pl.col("arm") == "both") & (pl.col("measure") == "lost") & (pl.col("slice") == "friend")
    )["value"]
    expected = t_interval(values.to_numpy())
    estimate = found(summary["estimates"]["both"], "lost", "early", "friend")
    assert (estimate["value"], estimate["low"], estimate["high"]) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert estimate["n"] == 3
    assert estimate["bootstrap_low"] <= estimate["value"] <= estimate["bootstrap_high"]


def test_a_difference_is_paired_by_seed(tables):
    estimates = Estimates(tables["rows"], tables["request_rows"])
    own, other = (estimates.by_seed(arm, "value", "late") for arm in ("late_only", "both"))
    difference = found(estimates.between("late_only", "both"), "value", "late")
    assert difference["value"] == pytest.approx((own - other).mean())
    assert difference["relative"]["value"] == pytest.approx((own / other - 1).mean())
    assert difference["bootstrap_high"] < 0  # the early stage does not see what makes friend items good


def test_a_contrast_is_a_weighted_sum_within_seeds(tables):
    """An interaction is the difference of two differences."""
    estimates = Estimates(tables["rows"], tables["request_rows"])
    weights = {"both": 1.0, "late_only": -1.0, "late_only_2k": -1.0, "baseline_2k": 1.0}
    contrast = found(estimates.contrast(weights), "value", "late")
    parts = [estimates.by_seed(arm, "value", "late") * weight for arm, weight in weights.items()]
    expected = t_interval(np.sum(parts, axis=0))
    assert (contrast["value"], contrast["low"], contrast["n"]) == pytest.approx((expected.value, expected.low, 3))
    assert contrast["bootstrap_low"] <= contrast["value"] <= contrast["bootstrap_high"]


def test_a_contrast_of_a_failed_arm_is_left_out(tmp_path):
    named = {"whole": {"both": 1, "baseline": -1}, "broken": {"late_only_2k": 1, "baseline_2k": -1}}
    folder = runs.write(tmp_path / "run", failed={"late_only_2k": "No."}, contrasts=named)
    told = results.read(folder).summary["contrasts"]
    assert {name: entry["weights"] for name, entry in told.items()} == {"whole": named["whole"]}
    assert found(told["whole"]["estimates"], "lost", "early")["n"] == 3


def test_arms_that_share_an_early_stage_do_not_differ_there(summary):
    difference = found(summary["differences"]["baseline"]["late_only"], "recall", "early")
    ends = ("value", "low", "high", "bootstrap_low", "bootstrap_high")
    assert [difference[end] for end in ends] == [0, 0, 0, 0, 0]


def test_the_baseline_and_the_reference_are_not_held_against_themselves(summary):
    assert list(summary["differences"]["baseline"]) == ["late_only", "both", "baseline_2k", "late_only_2k"]
    assert list(summary["differences"]["reference"]) == ["baseline", "late_only", "baseline_2k", "late_only_2k"]


def test_the_verdict_is_the_one_of_the_rows(summary):
    verdict = summary["verdict"]
    assert verdict["sentence"] == "Against `both`, `late_only` loses candidates and forgoes value."
    assert verdict["candidates"]["outcome"] == "lost"
    assert verdict["value"]["difference"]["n"] == 3


def test_the_summary_names_what_each_arm_changes(summary):
    change = {
        "features": {"add": ["bubble_count", "bubble_closeness"]},
        "tasks": {"add": ["bubble_engage"]},
        "formula": {"bubble_engage": 10.0},
    }
    assert summary["changes"] == {
        "baseline": {},
        "late_only": {"stages": {"late": change}},
        "both": {"stages": {"early": change, "late": change}},
        "baseline_2k": {"stages": {"early": {"keep": 20}}},
        "late_only_2k": {"stages": {"early": {"keep": 20}, "late": change}},
    }


def test_one_seed_gives_a_bootstrap_and_no_interval(tmp_path):
    summary = written(tmp_path / "one", runs.tables(seeds=1), seeds=1)
    estimate = found(summary["estimates"]["both"], "lost", "early")
    assert (estimate["low"], estimate["high"], estimate["n"]) == (None, None, 1)
    assert estimate["bootstrap_low"] < estimate["value"] < estimate["bootstrap_high"]


def test_an_empty_slice_is_null_and_says_so(tmp_path):
    summary = written(tmp_path / "none", runs.tables(seeds=2, friends=0.0), seeds=2)
    estimate = found(summary["estimates"]["both"], "recall", "late", "friend")
    assert {name: estimate[name] for name in ("value", "low", "high", "n", "bootstrap_low")} == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "bootstrap_low": None,
    }
    assert summary["verdict"]["candidates"]["outcome"] == "not lost"
    assert summary["verdict"]["value"]["outcome"] == "equivalent"


def test_the_folder_holds_the_tables_and_the_spec(folder, tables):
    for name, table in tables.items():
        assert pl.read_parquet(folder / f"{name}.parquet").equals(table)
    spec = json.loads((folder / "spec.json").read_text())
    assert spec["arms"]["late_only_2k"]["stages"]["early"]["keep"] == 20
    assert spec["at"]["both"] == ["early", "late"]
    assert spec["controls"] == {"late_only_2k": "baseline_2k"}
    assert sorted(path.name for path in folder.iterdir()) == [
        "contributions.parquet",
        "deaths.parquet",
        "keep_curve.parquet",
        "request_rows.parquet",
        "results.json",
        "rows.parquet",
        "sample.parquet",
        "spec.json",
    ]


def test_the_same_run_gives_the_same_bytes(folder, tables, tmp_path):
    written(tmp_path / "again", tables)
    assert (tmp_path / "again" / "results.json").read_bytes() == (folder / "results.json").read_bytes()


def test_what_is_not_finite_is_null(tmp_path, tables):
    facts = {"both": {"0": {"speed": math.inf, "rate": np.float32(0.25), "ledger_equals_funnel": 1}}}
    summary = written(tmp_path / "facts", tables, facts)
    assert summary["facts"] == {"both": {"0": {"speed": None, "rate": 0.25, "ledger_equals_funnel": 1}}}


def test_a_table_of_another_schema_is_refused_before_anything_is_written(tmp_path, tables):
    with pytest.raises(DataError) as error:
        written(tmp_path / "bad", tables | {"rows": tables["rows"].drop("n")})
    assert str(error.value) == "Table `rows`: column `n` is missing."
    assert not (tmp_path / "bad").exists()


def test_a_full_disk_leaves_no_summary(tmp_path, tables, monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(ResultsError) as error:
        written(tmp_path / "full", tables)
    path = tmp_path / "full" / "rows.parquet"
    assert str(error.value) == f"{path}: should be written. Found No space left on device. Make room and run again."
    assert list((tmp_path / "full").iterdir()) == []


def test_no_folder(tmp_path):
    path = tmp_path / "nothing"
    envelope.check_folder(path)
    with pytest.raises(ResultsError) as error:
        results.read(path)
    assert str(error.value) == f"{path}: should be a results folder. Found none. Run the scenario first."


def test_an_unfinished_folder(tmp_path):
    (tmp_path / "rows.parquet").touch()
    with pytest.raises(ResultsError) as error:
        envelope.check_folder(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: should hold results.json. Found an unfinished run (rows.parquet). "
        "Move or delete it, and run the scenario again."
    )


def test_a_foreign_folder(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: should hold results.json. Found other files. Move or delete it, and run the scenario again."
    )


@pytest.mark.parametrize(("text", "version"), [('{"schema_version": 1}', "1"), ("{}", "null")])
def test_another_version(tmp_path, text, version):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'results.json'}: should have schema_version 3. Found {version}. "
        "Move or delete it, and run the scenario again."
    )


def test_a_damaged_summary(tmp_path):
    (tmp_path / "results.json").write_text('{"schema_version": 3')
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'results.json'}: should be JSON. Found Expecting ',' delimiter: line 1 column 21 (char 20). "
        "Run the scenario again."
    )


def test_a_summary_that_is_no_object(tmp_path):
    (tmp_path / "results.json").write_text("[1]")
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'results.json'}: should be a JSON object. Found list. Run the scenario again."
    )


def test_rows_and_schema_speak_of_the_same_things():
    shared = ("seed", "arm", "measure", "stage", "slice", "task")
    assert all(schema.ROWS[name] == schema.REQUEST_ROWS[name] for name in shared)


def test_every_arm_but_the_reference_is_judged_at_the_level_of_their_number(summary):
    judged = summary["judgements"]
    assert list(judged) == ["baseline", "late_only", "baseline_2k", "late_only_2k"]
    assert {axis["difference"]["level"] for arm in judged.values() for axis in arm.values()} == {0.9875}
    assert list(judged["late_only"]["value"]) == ["outcome", "difference", "margin", "seeds_to_decide", "p"]
    named, corrected = (found["value"]["difference"] for found in (summary["verdict"], judged["late_only"]))
    assert named["level"] == 0.95 and named["value"] == corrected["value"] and named["low"] > corrected["low"]


def test_a_repair_is_held_against_its_control(tables, summary):
    assert list(summary["differences"]["control"]) == ["late_only_2k"]
    estimates = Estimates(tables["rows"], tables["request_rows"])
    expected = found(estimates.between("late_only_2k", "baseline_2k"), "value", "late")
    assert found(summary["differences"]["control"]["late_only_2k"], "value", "late")["value"] == pytest.approx(
        expected["value"]
    )


def test_a_failed_arm_is_left_out_and_listed(tmp_path):
    failed = {"baseline_2k": "Stage `early`: loss is not finite."}
    summary = results.read(runs.write(tmp_path / "failed", failed=failed)).summary
    assert summary["failed"] == failed
    assert summary["scenario"]["arms"] == ["baseline", "late_only", "both", "late_only_2k"]
    assert summary["arms"]["late_only_2k"] == {"at": ["late"], "control": None, "role": "repair"}
    assert summary["differences"]["control"] == {}
    for key in ("estimates", "judgements", "keep_curve", "changes"):
        assert "baseline_2k" not in summary[key]


def test_false_alarms_are_counted_where_the_scenario_expects_no_difference(tmp_path, summary):
    assert summary["null"] is None
    counted = results.read(runs.write(tmp_path / "null", runs.TWINS, null=True)).summary["null"]
    assert list(counted) == ["pairs", "intervals", "off_zero", "rate", "primary", "verdicts", "sentence"]
    assert counted["pairs"] == 21 and counted["verdicts"]["pairs"] == 42
    assert counted["primary"]["intervals"] <= 42 < counted["intervals"]


def test_requests_out_of_order_are_refused(tables):
    turned = tables["request_rows"].reverse()
    with pytest.raises(DataError) as error:
        Estimates(tables["rows"], turned)
    assert str(error.value) == (
        "Table `request_rows`: every value should have its 40 requests together and in order. Found others under one "
        "seed. Run the scenario again."
    )


def test_a_table_is_read_by_its_name(folder, tables):
    assert results.read(folder).table("sample").equals(tables["sample"])


def test_a_missing_table(folder, tables, tmp_path):
    written(tmp_path / "torn", tables)
    path = tmp_path / "torn" / "deaths.parquet"
    path.write_bytes(b"")
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path / "torn").table("deaths")
    assert str(error.value).startswith(f"{path}: should be a parquet table. Found ")
    assert str(error.value).endswith(". Run the scenario again.")
