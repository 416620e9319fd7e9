"""Exports the stage logs of one arm of a scenario, as a team's own funnel would have written them.

What is written are observables: who asked, what was retrieved, where each candidate was cut and by which score, what
was shown and what came of it. Truth and oracles stay behind.
"""

import shutil
from collections import deque
from contextlib import closing
from functools import partial
from operator import methodcaller
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from funnel.errors import ResultsError, unknown
from funnel.intake.recflow import ALL_STAGE, NOTE, OTHERS, REALSHOW, REQUESTS, SEQUENCES, Note
from funnel.scenario.exam import Exam
from funnel.scenario.executors import Executor
from funnel.scenario.export.clock import date
from funnel.scenario.export.days import Days
from funnel.scenario.export.note import note_of, read_note, write_note
from funnel.scenario.export.replay import Replay
from funnel.scenario.file import AnyScenario
from funnel.scenario.folders import beside, disk_full, put, recover
from funnel.scenario.one_arm import one_arm
from funnel.scenario.progress import Task, told
from funnel.scenario.store import Store

FORMATS = ("recflow",)
"""layouts to export to"""
WRITTEN = {ALL_STAGE, REALSHOW, SEQUENCES, REQUESTS, OTHERS, NOTE}
"""what an export's folder holds"""


def export(
    scenario: AnyScenario,
    layout: str = "recflow",
    *,
    arm: str | None = None,
    seed: int = 0,
    out: Path | None = None,
    device: str = "cpu",
    console: Console | None = None,
    data: Path = Path("data"),
    exports: Path = Path("exports"),
) -> Path:
    """Writes the evaluation's requests of one arm, or what is left of them after an interruption.

    Args:
        arm: the proposal of the verdict if not given. seed: of the world.
        out: the folder to write; `<exports>/<scenario>/<arm>/seed<seed>` if not given.
        data: the artifact store; what a run has made is not made again.

    Returns:
        The folder. An earlier export that stands there is replaced, unless it is the same.

    Raises:
        SpecError: no such layout, arm or seed, or the scenario is no single one; all of it at once, before any work.
        ResultsError: the folder holds something else, or the disk is full.
    """
    strange = [] if layout in FORMATS else [f"format: {unknown(layout, FORMATS, 'a layout to export to')}"]
    single, arm = one_arm(scenario, arm, seed, *strange)
    executor = Executor(workers=1, device=device)
    folder = (out or exports / single.name / arm / f"seed{seed}").resolve()
    _check_folder(folder)
    store = Store(data.resolve())
    replay = Replay(Exam(single, seed, store, device), arm)
    note = note_of(replay, single, arm)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(beside(folder, "lock")):
        recover(folder)
        if read_note(folder) != note:
            partial_folder = _begun(beside(folder, "partial"), note)
            _work(_tasks(store, replay, partial_folder), partial_folder, executor, console or Console())
            put(partial_folder, folder)
    return folder


def _check_folder(folder: Path) -> None:
    """That the folder is absent, empty, or an export that may be replaced, with nothing of anybody else's in it."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not folder.exists() or (folder.is_dir() and not there) or (there <= WRITTEN and read_note(folder)):
        return
    found = ", ".join(sorted(there - WRITTEN)[:3]) or "other files"
    raise ResultsError(
        f"{folder}: should be absent, empty, or an earlier export with its {NOTE}. Found {found}. Move it, or say "
        "where to write: OUT=<folder>."
    )


def _begun(folder: Path, note: Note) -> Path:
    """The folder being written, with what an interrupted export of the very same has left in it."""
    if read_note(folder) != note:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_note(folder, note)
    return folder


def _tasks(store: Store, replay: Replay, folder: Path) -> list[Task]:
    days = Days(replay, folder)
    made = {piece.name: piece for piece in replay.pieces}
    return [
        *(Task(piece.kind, partial(store.ensure, piece)) for piece in made.values()),
        *(Task(f"requests of {date(day)}", partial(days.write, day)) for day in range(days.count)),
        Task("what is about all days", days.finish),
    ]


def _work(tasks: list[Task], folder: Path, executor: Executor, console: Console) -> None:
    """Does the tasks in this process: each day is served by the same world and rankers, which are loaded once."""
    try:
        with closing(told(executor.run(methodcaller("do"), tasks), tasks, console)) as done:
            deque(done, maxlen=0)
    except Exception as error:
        if full := disk_full(error, folder):
            raise ResultsError(full) from error
        raise
