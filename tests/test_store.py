"""The artifact store: a finished piece or none, whatever happens to the process, the disk or the folder."""

import errno
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from filelock import FileLock

from funnel.errors import ArmError, DataError, ResultsError, StageError, TrainingError
from funnel.scenario import store as store_module
from funnel.scenario.folders import beside, put, recover
from funnel.scenario.store import Piece, Store, fingerprint


class Build:
    """Writes a text and counts in a file beside the store how often it was asked to."""

    def __init__(self, counter: Path, text: str = "made", seconds: float = 0.0):
        self.counter, self.text, self.seconds = counter, text, seconds

    def __call__(self, folder: Path) -> None:
        with self.counter.open("a") as counter:
            counter.write("x")
        time.sleep(self.seconds)
        (folder / "inner").mkdir()
        (folder / "inner" / "text").write_text(self.text)


def times(build: Build) -> int:
    return len(build.counter.read_text()) if build.counter.exists() else 0


@pytest.fixture
def build(tmp_path) -> Build:
    return Build(tmp_path / "counter")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture(autouse=True)
def unread(monkeypatch):
    """Every test is a process that has read no piece yet."""
    monkeypatch.setattr(store_module, "CHECKED", set())


def test_a_finished_piece_is_found_and_not_built_again(store, build):
    folder = store.ensure(Piece("world", {"users": 3}, build))
    assert (folder / "inner" / "text").read_text() == "made"
    assert Store(store.root).ensure(Piece("world", {"users": 3}, build)) == folder
    assert times(build) == 1


def test_another_recipe_kind_or_code_is_another_piece(store, build, monkeypatch):
    first = fingerprint("world", {"users": 3, "items": 4})
    assert fingerprint("world", {"users": 3, "items": 4}) == first
    assert fingerprint("world", {"users": 4, "items": 4}) != first
    assert fingerprint("log", {"users": 3, "items": 4}) != first
    monkeypatch.setattr(store_module, "source_digest", lambda: "other code")
    assert fingerprint("world", {"users": 3, "items": 4}) != first


def test_the_digest_of_the_code_leaves_presentation_out(tmp_path, monkeypatch):
    def digest(**files: str) -> str:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(store_module, "PACKAGE", tmp_path)
        store_module.source_digest.cache_clear()
        return store_module.source_digest()

    try:
        first = digest(rng_py="1", report__page_py="1", cli_py="1")
        assert digest(report__page_py="2", cli_py="2") == first
        assert digest(rng_py="2") != first
    finally:
        store_module.source_digest.cache_clear()


def test_the_manifest_says_what_the_piece_is(store, build):
    folder = store.ensure(Piece("world", {"users": 3}, build))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "world"
    assert manifest["recipe"] == {"users": 3}
    assert manifest["fingerprint"] == fingerprint("world", {"users": 3})
    assert manifest["versions"].keys() == {"faiss-cpu", "numpy", "polars", "scipy", "torch"}
    assert manifest["files"]["inner/text"]["bytes"] == 4


def test_two_processes_build_one_piece_once(store, build):
    build.seconds = 0.5
    piece = Piece("world", {}, build)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=store.ensure, args=(piece,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert times(build) == 1


def test_a_killed_build_leaves_no_piece_and_the_next_run_clears_up(store, build, tmp_path):
    slow = Build(tmp_path / "slow", seconds=60)
    process = multiprocessing.get_context("spawn").Process(target=store.ensure, args=(Piece("world", {}, slow),))
    process.start()
    while not times(slow):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    piece = Piece("world", {}, build)
    partial = beside(store.root / "world" / piece.name, "partial")
    assert partial.exists()
    store.clean()
    assert not partial.exists()
    assert (store.ensure(piece) / "inner" / "text").read_text() == "made"


def test_clearing_up_leaves_alone_what_a_live_process_is_building(store):
    place = store.root / "world" / "abc"
    beside(place, "partial").mkdir(parents=True)
    with FileLock(beside(place, "lock")):
        store.clean()
        assert beside(place, "partial").exists()


def test_an_exception_in_a_build_passes_through_and_leaves_nothing(store):
    def broken(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        store.ensure(Piece("world", {}, broken))
    assert [path.name for path in (store.root / "world").iterdir() if path.suffix != ".lock"] == []


def test_a_full_disk_is_told_with_what_to_do(store, build):
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = store.ensure(Piece("log", {}, build))
    piece = Piece("world", {}, full)
    with pytest.raises(ResultsError) as caught:
        store.ensure(piece)
    place = store.root / "world" / piece.name
    told = str(caught.value)
    assert told.startswith(f"{place}.partial: the disk is full. Found ")
    assert told.endswith(
        " MiB of room, and it was not enough. What is finished is kept: make room and run the same command, "
        "and it goes on where it stopped."
    )
    assert kept.exists()
    assert not beside(place, "partial").exists()


def _cut(folder: Path) -> None:
    (folder / "inner" / "text").write_text("mad")


def _altered(folder: Path) -> None:
    (folder / "inner" / "text").write_text("mode")


def _lost(folder: Path) -> None:
    (folder / "inner" / "text").unlink()


def _headless(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _foreign(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "kind": "log", "fingerprint": "0" * 64}))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut, "{folder}/inner/text: should have 4 bytes. Found 3."),
        (_altered, "{folder}/inner/text: content should be what its manifest says. Found other content."),
        (_lost, "{folder}/inner/text: should be a file of 4 bytes. Found none."),
        (_headless, "{folder}: should hold a finished world with its manifest.json. Found none."),
        (_foreign, "{folder}: should hold world {name}. Found log 000000000000000000000000."),
    ],
)
def test_a_damaged_or_foreign_piece_is_told_and_not_touched(store, build, damage, told):
    piece = Piece("world", {}, build)
    folder = store.ensure(piece)
    damage(folder)
    store_module.CHECKED.clear()
    with pytest.raises(ResultsError) as caught:
        store.ensure(piece)
    assert (
        str(caught.value) == f"{told.format(folder=folder, name=piece.name)} Delete that folder, or run with --fresh."
    )
    assert folder.exists()
    assert Store(store.root, run="fresh").ensure(piece) == folder
    assert (folder / "inner" / "text").read_text() == "made"


def test_a_fresh_run_builds_each_piece_anew_and_once(store, build):
    piece = Piece("world", {}, build)
    store.ensure(piece)
    fresh = Store(store.root, run="one")
    fresh.ensure(piece)
    fresh.ensure(piece)
    assert times(build) == 2
    store.ensure(piece)
    assert times(build) == 2


def test_a_fresh_build_that_fails_keeps_what_was_there(store, build):
    def broken(folder: Path) -> None:
        raise ZeroDivisionError

    folder = store.ensure(Piece("world", {}, build))
    with pytest.raises(ZeroDivisionError):
        Store(store.root, run="one").ensure(Piece("world", {}, broken))
    assert (folder / "inner" / "text").read_text() == "made"


def test_a_kill_between_the_moves_of_a_replacement_loses_nothing(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    (place / "text").write_text("old")
    place.rename(beside(place, "replaced"))
    recover(place)
    assert (place / "text").read_text() == "old"
    new = tmp_path / "new"
    new.mkdir()
    put(new, place)
    assert list(place.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize("kind", [DataError, StageError, TrainingError])
def test_a_piece_that_cannot_be_made_is_remembered_and_tried_again_only_by_a_fresh_run(store, tmp_path, kind):
    asked = []

    def fail(folder: Path) -> None:
        asked.append(folder)
        raise kind("The loss should be finite.")

    piece = Piece("ranker", {"width": 3}, fail)
    for _ in range(2):
        with pytest.raises(kind, match=r"^The loss should be finite\.$"):
            store.ensure(piece)
    assert len(asked) == 1
    again = Store(store.root, run="again")
    for _ in range(2):
        with pytest.raises(ArmError):
            again.ensure(piece)
    assert len(asked) == 2
    made = Store(store.root, run="third").ensure(Piece("ranker", {"width": 3}, lambda folder: None))
    assert store.ensure(piece) == made  # what was made at last is there for all


def test_a_note_of_a_failure_that_cannot_be_read_is_none(store, build):
    piece = Piece("world", {"users": 3}, build)
    (store.root / "world").mkdir(parents=True)
    beside(store.root / "world" / piece.name, "failed").write_text('{"run": nul')
    store.ensure(piece)
    assert times(build) == 1
