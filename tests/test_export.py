"""An export holds what the exam's ledger holds, in the files and types that code written for RecFlow reads."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.candidates import Requests
from funnel.cli import app
from funnel.errors import ResultsError, SpecError
from funnel.intake import recflow
from funnel.metrics.ledger import Ledger
from funnel.scenario.exam import Exam
from funnel.scenario.export import clock
from funnel.scenario.export.behaviour import Behaviour
from funnel.scenario.export.days import Days
from funnel.scenario.export.export import export
from funnel.scenario.export.note import read_note
from funnel.scenario.export.videos import videos
from funnel.scenario.file import load
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.tasks import TASKS
from funnel.traffic.arrivals import SPAN
from funnel.world.world import World

REQUESTS = 300
"""of two days"""
TINY = (
    "base.world={users=300, items=500, creators=50, dims=8, communities=6, history=6}",
    "base.traffic={bootstrap_requests=120, requests=200}",
    "base.retrieval.sources={nearest={budget=60}, friends={budget=20}, popular={budget=15}, fresh={budget=5}}",
    "base.stages.early={keep=20, train={batch=128, epochs=1}}",
    "base.stages.late={keep=5, train={batch=128, epochs=1}}",
    f"base.evaluation.requests={REQUESTS}",
    "arms.baseline_2k.stages.early.keep=40",
    "arms.late_only_2k.stages.early.keep=40",
    "arms.quota={at=['late'], stages={early={quota={friends=6}}}}",
    "arms.segments={at=['late'], stages={early={segments={by='friends', borders=[3, 8], keep=[10, 20, 30]}}}}",
    "arms.fused={at=['late'], stages={late={fusion=0.3}, early={bypass=['fresh']}}}",
)
ARMS = ("late_only", "quota", "segments", "fused")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A store that all exports of these tests share."""
    return tmp_path_factory.mktemp("data")


def scenario(*more: str) -> Scenario:
    return load(Path("scenarios/bubble_late_only.toml"), seeds=1, assignments=[*TINY, *more])


@pytest.fixture(scope="module")
def exports(data, tmp_path_factory) -> dict[str, Path]:
    """The folder of each arm's export."""
    folder = tmp_path_factory.mktemp("exports")
    return {arm: export(scenario(), arm=arm, data=data, exports=folder) for arm in ARMS}


@pytest.fixture(scope="module")
def exam(data, exports) -> Exam:
    return Exam(scenario(), 0, Store(data))


def everything(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_ipc(path) for path in recflow.days(folder)])


def unpickled(path: Path):
    return pickle.loads(path.read_bytes())


@pytest.mark.parametrize("arm", ARMS)
def test_an_export_is_the_ledger_without_what_only_an_oracle_knew_bit_for_bit(exports, exam, arm):
    ledger: Ledger = exam.ledger(exam.labs[arm])
    log = everything(exports[arm]).sort("request_id", "video_id")
    pool, requests = ledger.retrieved, exam.labs[arm].requests
    expected = {
        "request_id": requests.id[ledger.rows.request],
        "user_id": requests.user[ledger.rows.request],
        "video_id": ledger.rows.item,
        "source": ledger.rows.source,
        "realshow": ledger.slate,
        "rank_neg": ledger.early & ~ledger.slate,
        "prerank_neg": ~ledger.early,
        "early_score": ledger.early_score,
        "late_score": ledger.late_score,
        "reference_score": ledger.reference_score,
        "fresh": ledger.fresh,
        "small": ledger.small,
        **{recflow.predicted(stage, task): p for stage, of in ledger.predicted.items() for task, p in of.items()},
    }
    for name, column in expected.items():
        assert np.array_equal(log[name].to_numpy(), column[pool]), name
    assert np.array_equal(log["bubble_count"].to_numpy() > 0, ledger.friend[pool])
    for task in TASKS:
        own = log[recflow.TASK_COLUMNS.get(task.name, task.name)].fill_null(np.nan).to_numpy()
        label = ledger.labels[task.name][pool]
        known = np.nan_to_num(label) if task.name in recflow.TASK_COLUMNS else label
        assert np.array_equal(own, known, equal_nan=True), task.name


def test_columns_are_typed_and_named_as_documented(exports):
    for path in [*recflow.days(exports["quota"]), *(exports["quota"] / recflow.REALSHOW).iterdir()]:
        schema = pl.read_ipc_schema(path)
        likely = [name for name in schema if "_p_" in name]
        assert dict(schema) == {**recflow.COLUMNS, **recflow.EXTRA, **dict.fromkeys(likely, pl.Float32)}
        assert {"early_p_like", "late_p_bubble_engage"} <= set(likely)


def test_a_day_has_four_files_and_a_request_lies_in_one(exports):
    folder = exports["late_only"]
    names = [path.stem for path in recflow.days(folder)]
    assert names == ["2024-01-13", "2024-01-14"]
    for kind in (recflow.REALSHOW, recflow.SEQUENCES, recflow.REQUESTS):
        assert sorted(path.stem for path in (folder / kind).iterdir()) == names
    ids = [pl.read_ipc(path)["request_id"].unique().to_list() for path in recflow.days(folder)]
    assert [len(of_day) for of_day in ids] == [clock.DAY, REQUESTS - clock.DAY]
    assert not set(ids[0]) & set(ids[1])
    shown = pl.concat([pl.read_ipc(path) for path in sorted((folder / recflow.REALSHOW).iterdir())])
    assert shown.equals(everything(folder).filter(pl.col("realshow") == 1))


def test_rows_of_a_request_come_best_first(exports):
    log = everything(exports["quota"])
    first = log.filter(pl.col("request_id") == log["request_id"][0])
    assert first["rank_index"].to_list()[:20] == list(range(1, 21))
    assert first["rerank_index"].to_list()[:6] == [1, 2, 3, 4, 5, 0]
    cut = first.filter(pl.col("prerank_neg") == 1)
    assert cut["rank_index"].unique().to_list() == [0]
    assert cut["early_score"].is_sorted(descending=True)
    late = first.filter(pl.col("rank_index") > 0)["late_score"]
    assert late.is_sorted(descending=True)


def test_the_research_code_reads_it(exports):
    """Column by column as its data sets do: `realshow`, behaviour before a request, candidates by stage label."""
    folder = exports["late_only"]
    day = recflow.days(folder)[0].stem
    shown = pl.read_ipc(folder / recflow.REALSHOW / f"{day}.feather")
    today_seq = unpickled(folder / recflow.SEQUENCES / f"{day}.pkl")
    request_dict = unpickled(folder / recflow.REQUESTS / f"{day}.pkl")
    counts = unpickled(folder / recflow.OTHERS / "id_cnt.pkl")
    corpus = pl.read_ipc(folder / recflow.OTHERS / "realshow_video_info_daily" / f"{day}.feather")["video_id"].unique()
    names = [*recflow.WHO, *recflow.VIDEO[:-1], "effective_view"]
    rows = shown.select(names).to_numpy()
    assert rows.dtype == np.int64
    found = 0
    for row in rows:
        told = dict(zip(names, row.tolist(), strict=True))
        request = told["request_id"]
        moment = np.datetime64(told["request_timestamp"] // 1000, "s")
        assert str(moment.astype("datetime64[D]")) == day
        assert all(0 <= told[field] + 1 < counts[field] + 2 for field in recflow.COUNTED)
        seq = today_seq[request][:, [0, 1, 2, 3, 4, 7]].copy()
        mask = seq[:, 5] > 0
        length = mask.sum()
        assert not seq[: 50 - length].any() and mask[50 - length :].all()
        assert length == 0 or (seq[-length:, 0] + 1).max() < counts["video_id"] + 2
        assert seq[:, 5].max() < told["request_timestamp"]
        found += length > 0
        flow = request_dict[request]
        assert told["video_id"] in flow["realshow"][:, 0] and told["video_id"] not in flow["rank_neg"][:, 0]
        assert told["effective_view"] == flow["realshow"][flow["realshow"][:, 0] == told["video_id"], -1].item()
        assert told["video_id"] in corpus
    assert found


def test_candidates_by_label_are_those_of_the_rows(exports):
    folder = exports["segments"]
    for path in recflow.days(folder):
        log, by_label = pl.read_ipc(path), unpickled(folder / recflow.REQUESTS / f"{path.stem}.pkl")
        assert list(by_label) == log["request_id"].unique(maintain_order=True).to_list()
        for label in recflow.LABELS:
            arrays = [of_request[label] for of_request in by_label.values() if label in of_request]
            rows = log.filter(pl.col(label) == 1).select(recflow.CANDIDATE).to_numpy()
            assert np.array_equal(np.concatenate(arrays) if arrays else np.empty((0, 8)), rows)
            assert all(len(array) and array.dtype == np.int64 for array in arrays)


def test_behaviour_is_what_the_log_says_oldest_first_and_of_the_user_alone():
    log = pl.DataFrame(
        {
            "request": [SPAN, SPAN, SPAN + 1, SPAN + 2] + [SPAN + 3 + i for i in range(60)],
            "user": [1, 1, 0, 1] + [2] * 60,
            "item": [3, 4, 5, 3] + [6] * 60,
            "position": [1, 0, 0, 0] + [0] * 60,
            "effective_view": [1.0, 1.0, 0.0, 1.0] + [1.0] * 60,
            "watch_seconds": [1.5, 2.0, 3.0, 4.0] + [float(i) for i in range(60)],
        }
    )
    catalogue = {name: np.arange(7) + 10 * place for place, name in enumerate(recflow.VIDEO)}
    found = Behaviour(log, catalogue, users=4, traffic=63).before(Requests(np.arange(4) + 90, np.array([1, 0, 2, 3])))
    assert list(found) == [90, 91, 92, 93]
    assert all(array.shape == (50, 10) and array.dtype == np.int64 for array in found.values())
    columns = {name: place for place, name in enumerate(recflow.SEQUENCE)}
    mine = found[90]
    assert not mine[:47].any() and not found[91].any() and not found[93].any()
    assert mine[47:, columns["video_id"]].tolist() == [4, 3, 3]
    assert mine[47:, columns["playing_time"]].tolist() == [2000, 1500, 4000]
    assert mine[47:, columns["request_id"]].tolist() == [SPAN, SPAN, SPAN + 2]
    assert mine[47:, columns["request_timestamp"]].tolist() == clock.moment(np.array([-63, -63, -61])).tolist()
    assert mine[47:, columns["duration"]].tolist() == [64, 63, 63]
    assert found[92][:, columns["playing_time"]].tolist() == [1000 * i for i in range(10, 60)]


def test_nothing_is_shown_before_it_was_uploaded(exports, world: World):
    log = everything(exports["late_only"])
    assert (log["upload_timestamp"] * 1000 <= log["request_timestamp"].min()).all()
    uploaded = clock.uploaded(world.observed.age, 500)
    assert (uploaded * 1000 <= clock.moment(np.array(-500))).all()
    assert (np.diff(uploaded[np.argsort(world.observed.age)]) <= 0).all()


def test_categories_are_clusters_of_content_one_level_in_the_other(world: World):
    found, again = (videos(world.observed, 10, seed=3) for _ in range(2))
    fine, coarse = found["category_level_two"], found["category_level_one"]
    assert all(np.array_equal(found[name], again[name]) for name in recflow.VIDEO)
    assert set(np.unique(coarse)) == {0, 1} and len(np.unique(fine)) == world.items // 40
    assert all(len(np.unique(coarse[fine == one])) == 1 for one in np.unique(fine))
    content = world.observed.content
    within = np.mean([content[fine == one].var(0).sum() for one in np.unique(fine)])
    assert within < 0.8 * content.var(0).sum()


def test_the_note_says_what_the_export_is(exports):
    note = read_note(exports["segments"])
    assert (note.scenario, note.arm, note.seed, note.requests) == ("bubble_late_only", "segments", 0, REQUESTS)
    assert note.sources == ("nearest", "friends", "popular", "fresh")
    assert (note.sampled, note.pool, note.keep) == (False, 100, {"early": 20, "late": 5})
    log = everything(exports["segments"])
    assert note.columns.keys() == set(log.columns) - recflow.COLUMNS.keys()
    assert set(note.slices) < note.columns.keys()


def test_fewer_requests_are_the_first_ones(exports, data, tmp_path):
    few = export(scenario("base.evaluation.requests=30"), arm="quota", data=data, exports=tmp_path)
    one, all_of_them = everything(few), everything(exports["quota"])
    same = ["request_id", "request_timestamp", "user_id", "video_id", "source"]
    first = all_of_them.filter(pl.col("request_id").is_in(one["request_id"].unique().implode()))
    assert one.select(same).sort(same).equals(first.select(same).sort(same))


def test_an_interrupted_export_goes_on_where_it_stopped(exports, data, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Days, "finish", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            export(scenario(), data=data, exports=tmp_path)
    place = tmp_path / "bubble_late_only" / "late_only" / "seed0"
    partial = place.with_name("seed0.partial")
    first, second = recflow.days(partial)
    second.unlink()
    before = first.stat().st_mtime_ns
    assert not place.exists()
    assert export(scenario(), data=data, exports=tmp_path) == place
    assert recflow.days(place)[0].stat().st_mtime_ns == before
    assert not partial.exists()
    assert _contents(place) == _contents(exports["late_only"])


def _interrupt(days: Days) -> None:
    raise KeyboardInterrupt


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_export_is_left_alone_and_another_one_replaced(exports, data, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(exports["quota"], folder)
    made = recflow.days(folder)[0].stat().st_mtime_ns
    assert export(scenario(), arm="quota", out=folder, data=data) == folder
    assert recflow.days(folder)[0].stat().st_mtime_ns == made
    export(scenario("base.evaluation.requests=30"), arm="quota", out=folder, data=data)
    assert read_note(folder).requests == 30 and len(recflow.days(folder)) == 1


def test_a_folder_that_holds_something_else_is_not_touched(data, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / recflow.NOTE).write_text("other = 1\n")
    with pytest.raises(ResultsError) as caught:
        export(scenario(), out=tmp_path, data=data)
    assert str(caught.value) == (
        f"{tmp_path}: should be absent, empty, or an earlier export with its stages.toml. Found other files. Move "
        "them, or say where to write: OUT=<folder>."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", recflow.NOTE]


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
    [("bubble_keep_sweep", "a sweep, which has many points"), ("task_conflict", "one without a funnel")],
)
def test_only_a_single_funnel_can_be_exported(name, found):
    with pytest.raises(SpecError) as caught:
        export(load(Path(f"scenarios/{name}.toml")))
    assert caught.value.problems == (f"{name}: should be a single scenario of a funnel. Found {found}.",)


def test_the_command_line_exports_and_says_where(data, tmp_path, monkeypatch):
    shutil.copytree(Path("scenarios"), tmp_path / "scenarios")
    (tmp_path / "data").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    settings = [part for text in TINY for part in ("--set", text)]
    result = CliRunner().invoke(app, ["export", "bubble_late_only", "--requests", "30", "--arm", "quota", *settings])
    folder = tmp_path / "exports/bubble_late_only/quota/seed0"
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"Export: {folder}")
    assert read_note(folder).requests == 30
    wrong = CliRunner().invoke(app, ["export", "bubble_late_only", "--requests", "0"])
    told = "base.evaluation.requests: should be greater than or equal to 1. Found 0.\n"
    assert (wrong.exit_code, wrong.stderr) == (2, told)
