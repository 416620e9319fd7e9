"""Stage logs that break a rule: refused with everything that is wrong at once, or dropped and counted."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from funnel.audit.harness import audit
from funnel.errors import InputError, SpecError
from funnel.intake import recflow
from funnel.scenario import envelope
from tests import stagelogs


@pytest.fixture
def log() -> pl.DataFrame:
    return stagelogs.own(np.random.default_rng(0))


def run(folder: Path, lenient: bool = False) -> dict:
    quiet = Console(file=io.StringIO())
    return envelope.read(audit(folder, lenient=lenient, console=quiet, reports=folder.parent / "reports"))


def refused(folder: Path, lenient: bool = False) -> list[str]:
    """The problems of a folder, without its path; no results are left."""
    with pytest.raises(InputError) as error:
        run(folder, lenient)
    assert not any((folder.parent / "reports").glob("*.work"))
    assert not (folder.parent / "reports" / f"audit_{folder.name}").exists()
    return [problem.replace(f"{folder}", "LOGS") for problem in error.value.problems]


def at(table: pl.DataFrame, row: int, **values) -> pl.DataFrame:
    """The table with other values in one row."""
    here = pl.int_range(pl.len()) == row
    return table.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()
    )


DROPS = ", or run with --lenient, which drops it."
ROWS = {
    "null id": ({"who": None}, "`who` should be given", "Fill it in"),
    "NaN score": (
        {"cheap": float("nan")},
        "`cheap` should be a finite number, or null where none is known",
        "Correct it, or make it null",
    ),
    "label": (
        {"liked": 2},
        "`liked` should be 0 or 1, or null where it could not happen",
        "Correct it, or make it null",
    ),
    "prediction": (
        {"p_like": 1.5},
        "`p_like` should be a probability, or null where none was predicted",
        "Correct it, or make it null",
    ),
    "time": ({"at": 1_705_104_000}, "`at` should be milliseconds since 1970, after 1972 and before 2100", "Convert it"),
    "stage": (
        {"reached": "lat"},
        "`reached` should be one of `retrieval`, `early`, `late`",
        "Correct it",
    ),
    "twice": ({"video": 3}, "a request should have an item once", "Keep one row of them"),
    "two users": ({"who": 77}, "a request should have one user", "Give requests ids of their own"),
    "two times": ({"at": 1_000_000_000_000}, "a request should have one time", "Give requests ids of their own"),
}


@pytest.mark.parametrize(("values", "rule", "remedy"), ROWS.values(), ids=ROWS)
def test_a_row_against_a_rule_is_named_or_dropped(tmp_path, log, values, rule, remedy):
    folder = stagelogs.write(tmp_path / "log", at(log, 304, **values))  # row 5 of the second file
    assert refused(folder) == [f"LOGS/day1.parquet: {rule}. Found 1 row against it (row 5). {remedy}{DROPS}"]
    logs = run(folder, lenient=True)["logs"]
    assert logs["dropped"] == [{"file": "day1.parquet", "rule": rule, "rows": 1, "remedy": remedy}]


def test_rows_are_counted_from_the_beginning_of_their_own_file(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log, files=3)
    last = pl.read_parquet(folder / "day2.parquet").cast({"rid": pl.Int32})
    pl.concat([last, last[5:7]]).write_parquet(folder / "day2.parquet")
    assert refused(folder) == [
        "LOGS/day2.parquet: a request should have an item once. Found 2 rows against it (first: row 201). Keep one row "
        "of them, or run with --lenient, which drops them."
    ]


def test_a_log_without_its_bad_rows_measures_the_same(tmp_path, log):
    bad = at(log, 304, cheap=float("nan"))
    dropped = run(stagelogs.write(tmp_path / "bad", bad), lenient=True)
    without = run(stagelogs.write(tmp_path / "good", log.filter(pl.int_range(pl.len()) != 304)))
    assert dropped["estimates"] == without["estimates"]


def test_dropped_rows_are_warned_of(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", at(log, 304, cheap=float("nan")))
    assert run(folder, lenient=True)["warnings"][0] == (
        "1 of 600 rows broke a rule and were dropped. If such rows are unlike the others, as those that a stage cut "
        "are, the measures are off."
    )


def test_damage_in_a_column_that_no_rule_asks_for_is_found(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log)
    path, last = folder / "day2.feather", [name for name in log.columns if name != "from"]
    log.select(*last, "from").write_ipc(path, compression="lz4")
    held = bytearray(path.read_bytes())
    frame = held.rindex(b"\x04\x22\x4d\x18")  # how each column's data begins
    held[frame + 12 : frame + 40] = bytes(28)
    path.write_bytes(held)
    (problem,) = refused(folder)
    assert problem.startswith("LOGS/day2.feather: should be a readable feather file. Found: ")


def test_results_are_named_as_one_folder(tmp_path, log):
    with pytest.raises(SpecError) as error:
        audit(stagelogs.write(tmp_path / "log", log), "../elsewhere", reports=tmp_path / "reports")
    assert str(error.value) == (
        "name: should be that of a folder, without slashes. Found `../elsewhere`. Say another: NAME=<word>."
    )
    assert not (tmp_path / "reports").exists()


def test_flags_that_contradict_and_rows_in_no_stage_are_named_together(tmp_path):
    folder = stagelogs.industrial(tmp_path / "log", np.random.default_rng(0))
    path = folder / "all_stage" / "2024-01-13.feather"
    table = pl.read_ipc(path)
    shown_but_cut = at(table, 0, prerank_neg=1)
    at(at(shown_but_cut, 19, prerank_neg=0), 39, prerank_neg=7).write_ipc(path)
    file = "LOGS/all_stage/2024-01-13.feather"
    flags = "`prerank_neg`, `coarse_neg`, `rank_neg`, `rank_pos`, `rerank_neg`, `rerank_pos`, `realshow`"
    assert refused(folder) == [
        f"{file}: `prerank_neg` should be 0 or 1. Found 1 row against it (row 40). Correct it{DROPS}",
        f"{file}: a row should be in a stage: one of {flags} should be 1. Found 1 row against it (row 20). "
        f"Say where the funnel left the row{DROPS}",
        f"{file}: a row with `prerank_neg` should have gone no further. Found 1 row against it (row 1). "
        f"Correct one of its flags{DROPS}",
    ]


def test_what_cannot_be_dropped_is_refused_in_both_modes(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log)
    (folder / "day2.parquet").write_bytes(b"")
    (folder / "day3.parquet").write_bytes(b"PAR1 and no more")
    for lenient in (False, True):
        empty, broken = refused(folder, lenient)
        assert empty == (
            "LOGS/day2.parquet: should hold rows. Found 0 bytes. Write it anew, or take it out of the folder."
        )
        assert broken.startswith("LOGS/day3.parquet: should be a readable parquet file. Found: ")


def test_files_that_differ_are_named_column_by_column(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log)
    log.drop("cheap").rename({"dear": "dearer"}).write_parquet(folder / "day4.parquet")
    log.with_columns(pl.col("rid", "at").cast(pl.String)).write_parquet(folder / "day5.parquet")
    assert refused(folder) == [
        "LOGS/day4.parquet: `cheap` is not a column of it. Did you mean `reached`? Add it, or correct what names it.",
        "LOGS/day4.parquet: `dear` is not a column of it. Did you mean `dearer`? Add it, or correct what names it.",
        "LOGS/day5.parquet: column `rid` should be of the same kind as in day0.parquet, Int64. Found String. "
        "Write the files with one dtype.",
        "LOGS/day5.parquet: column `at` should be of the same kind as in day0.parquet, Int64. Found String. "
        "Write the files with one dtype.",
    ]


def test_a_column_that_cannot_be_what_it_is_named_for_is_refused(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log.with_columns(pl.col("cheap").cast(pl.String)), files=1)
    assert refused(folder) == [
        "LOGS/day0.parquet: column `cheap` should hold integers or numbers. Found String. Convert it."
    ]


def test_folders_that_are_no_logs_are_refused(tmp_path, log):
    nowhere, empty, bare = tmp_path / "nowhere", tmp_path / "empty", tmp_path / "bare"
    assert refused(nowhere) == [
        "LOGS: should be a folder. Found nothing there. Put the data there, or correct the path."
    ]
    empty.mkdir()
    assert refused(empty) == [
        "LOGS: should hold stage logs (.feather, .arrow, .ipc, .parquet), or a folder `all_stage` of them. Found none."
    ]
    stagelogs.write(bare, log.select("rid", "who"), mapping="", files=1)
    assert refused(bare) == [
        "LOGS: should hold `columns.toml`, which says what the columns are, or the columns of RecFlow (`request_id`, "
        "`user_id`, `video_id`, `realshow`, `rerank_pos`, `rerank_neg`, `rank_pos`, `rank_neg`, `coarse_neg`, "
        "`prerank_neg`). Found rid, who."
    ]


def test_a_note_of_stages_that_the_layout_has_not_is_refused(tmp_path):
    folder = stagelogs.industrial(tmp_path / "log", np.random.default_rng(0))
    note = 'sampled = false\nsources = []\npool = 9\nscenario = "s"\narm = "a"\nseed = 0\nrequests = 1\n'
    note += 'fingerprint = ""\nkeep = {}\ncolumns = {}\nlate = "rank"\n'
    (folder / recflow.NOTE).write_text(note + 'early = "first"\n')
    assert refused(folder) == [
        "LOGS/stages.toml.early: `first` is not a known choice. Known: coarse, prerank, rank, rerank."
    ]
    (folder / recflow.NOTE).write_text(note + 'early = "coarse"\n')
    assert refused(folder)[0].startswith("LOGS/all_stage/2024-01-13.feather: a row should be in a stage: one of ")


def test_every_problem_of_columns_toml_is_told(tmp_path, log):
    mapping = stagelogs.OWN.replace('early = "early"', 'early = "erly"', 1).replace("request =", "requests =")
    folder = stagelogs.write(tmp_path / "log", log, mapping=mapping)
    assert refused(folder) == [
        "LOGS/columns.toml.columns.request: should be given. Found nothing.",
        "LOGS/columns.toml.columns.requests: `requests` is not a known key. Did you mean `request`?",
    ]
    folder = stagelogs.write(tmp_path / "log", log, mapping=mapping.replace("requests =", "request ="))
    assert refused(folder) == ["LOGS/columns.toml: early: `erly` is not a stage here. Did you mean `early`?"]


def test_a_log_of_which_nothing_is_left_is_refused(tmp_path, log):
    folder = stagelogs.write(tmp_path / "log", log.with_columns(cheap=pl.lit(float("nan"))), files=1)
    assert refused(folder, lenient=True) == [
        "LOGS: should hold rows that break no rule. Found none.",
        "LOGS/day0.parquet: `cheap` should be a finite number, or null where none is known. Found 600 rows against it "
        "(first: row 1). Correct it, or make it null.",
    ]
    empty = stagelogs.write(tmp_path / "empty", log.clear(), files=1)
    assert refused(empty) == ["LOGS: should hold rows. Found none in any file. Name the folder of the logs."]


def test_a_slice_of_too_many_values_is_refused(tmp_path, log):
    mapping = stagelogs.OWN.replace('["surface"]', '["cheap"]')
    folder = stagelogs.write(tmp_path / "log", log, mapping=mapping)
    assert refused(folder) == [
        "LOGS: slice column `cheap` should have at most 50 values. Found more. Take it out of `slices`, or make fewer "
        "groups of its values."
    ]
