"""An export holds what the exam's ledger holds, in the files and types that code written for RecFlow reads."""

import numpy as np
import polars as pl
import pytest

from funnel.candidates import Requests
from funnel.intake import recflow
from funnel.scenario.export import clock
from funnel.scenario.export.behaviour import Behaviour
from funnel.scenario.export.note import read_note
from funnel.scenario.export.videos import videos
from funnel.tasks import TASKS
from funnel.traffic.arrivals import SPAN
from funnel.world.world import World
from tests.exports import ARMS, REQUESTS, everything, unpickled


@pytest.mark.parametrize("arm", ARMS)
def test_an_export_is_the_ledger_without_what_only_an_oracle_knew_bit_for_bit(exported, arm):
    exam = exported.exam
    ledger = exam.ledger(exam.labs[arm])
    log = everything(exported.folders[arm]).sort("request_id", "video_id")
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


def test_columns_are_typed_and_named_as_documented(exported):
    for path in [*recflow.days(exported.folders["quota"]), *(exported.folders["quota"] / recflow.REALSHOW).iterdir()]:
        schema = pl.read_ipc_schema(path)
        likely = [name for name in schema if "_p_" in name]
        assert dict(schema) == {**recflow.COLUMNS, **recflow.EXTRA, **dict.fromkeys(likely, pl.Float32)}
        assert {"early_p_like", "late_p_bubble_engage"} <= set(likely)


def test_a_day_has_four_files_and_a_request_lies_in_one(exported):
    folder = exported.folders["late_only"]
    names = [path.stem for path in recflow.days(folder)]
    assert names == ["2024-01-13", "2024-01-14"]
    for kind in (recflow.REALSHOW, recflow.SEQUENCES, recflow.REQUESTS):
        assert sorted(path.stem for path in (folder / kind).iterdir()) == names
    ids = [pl.read_ipc(path)["request_id"].unique().to_list() for path in recflow.days(folder)]
    assert [len(of_day) for of_day in ids] == [clock.DAY, REQUESTS - clock.DAY]
    assert not set(ids[0]) & set(ids[1])
    shown = pl.concat([pl.read_ipc(path) for path in sorted((folder / recflow.REALSHOW).iterdir())])
    assert shown.equals(everything(folder).filter(pl.col("realshow") == 1))


def test_rows_of_a_request_come_best_first(exported):
    log = everything(exported.folders["quota"])
    first = log.filter(pl.col("request_id") == log["request_id"][0])
    assert first["rank_index"].to_list()[:20] == list(range(1, 21))
    assert first["rerank_index"].to_list()[:6] == [1, 2, 3, 4, 5, 0]
    cut = first.filter(pl.col("prerank_neg") == 1)
    assert cut["rank_index"].unique().to_list() == [0]
    assert cut["early_score"].is_sorted(descending=True)
    late = first.filter(pl.col("rank_index") > 0)["late_score"]
    assert late.is_sorted(descending=True)


def test_the_research_code_reads_it(exported):
    """Column by column as its data sets do: `realshow`, behaviour before a request, candidates by stage label."""
    folder = exported.folders["late_only"]
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


def test_candidates_by_label_are_those_of_the_rows(exported):
    folder = exported.folders["segments"]
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


def test_nothing_is_shown_before_it_was_uploaded(exported, world: World):
    log = everything(exported.folders["late_only"])
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


def test_the_note_says_what_the_export_is(exported):
    note = read_note(exported.folders["segments"])
    assert (note.scenario, note.arm, note.seed, note.requests) == ("bubble_late_only", "segments", 0, REQUESTS)
    assert note.sources == ("nearest", "friends", "popular", "fresh")
    assert (note.sampled, note.pool, note.keep) == (False, 100, {"early": 20, "late": 5})
    log = everything(exported.folders["segments"])
    assert note.columns.keys() == set(log.columns) - recflow.COLUMNS.keys()
    assert set(note.slices) < note.columns.keys()
