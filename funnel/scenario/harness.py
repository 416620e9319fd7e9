"""A run: plan the jobs of a scenario, do them wherever processes are, collect their rows, write the results folder."""

import shutil
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from funnel.scenario import envelope, pieces, results
from funnel.scenario.executors import Executor, Outcome
from funnel.scenario.folders import beside, put, recover
from funnel.scenario.pieces import Job
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store


def run(
    scenario: Scenario,
    executor: Executor | None = None,
    *,
    fresh: bool = False,
    console: Console | None = None,
    data: Path = Path("data"),
    reports: Path = Path("reports"),
) -> Path:
    """Runs a scenario, or what is left of it after an interruption.

    Args:
        executor: where the jobs run; one process a core if not given.
        fresh: build every piece anew and replace it, instead of using what is finished.
        console: where progress is told; the terminal if not given.
        data: folder of the artifact store. On a cluster it must be one folder for all workers.
        reports: folder of results folders.

    Returns:
        The results folder, `reports/<name>`, without a page yet.

    Raises:
        ResultsError: the results folder holds something else, or a piece is damaged, or the disk is full.
    """
    started = time.perf_counter()
    console = console or Console()
    folder = (reports / scenario.name).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    envelope.check_folder(folder)
    store = Store(data.resolve(), run=uuid.uuid4().hex if fresh else None)
    store.clean()
    jobs = pieces.plan(scenario)
    executor = executor or Executor()
    outcomes = executor.run(partial(_do, scenario, store, executor.device), jobs)
    with closing(_told(outcomes, jobs, console)) as told:
        for _ in told:
            pass
    tables = pieces.collect(scenario, store, executor.device)
    with FileLock(beside(folder, "lock")):
        partial_folder = beside(folder, "partial")
        shutil.rmtree(partial_folder, ignore_errors=True)
        results.write(partial_folder, scenario, *tables, time.perf_counter() - started)
        put(partial_folder, folder)
    return folder


def _do(scenario: Scenario, store: Store, device: str, job: Job) -> None:
    pieces.execute(scenario, job, store, device)


def _told(outcomes: Iterator[Outcome], jobs: Sequence[Job], console: Console) -> Generator[Outcome]:
    """The outcomes, each told as it comes: by a bar on a terminal, by a plain line elsewhere."""
    if not console.is_terminal:
        started = time.perf_counter()
        for done, (place, result) in enumerate(outcomes, start=1):
            seconds = time.perf_counter() - started
            line = f"{done:>4}/{len(jobs)} {seconds:7.1f} s  {_label(jobs[place])}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
            yield place, result
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(jobs))
        for place, result in outcomes:
            progress.update(bar, advance=1, description=_label(jobs[place]))
            yield place, result


def _label(job: Job) -> str:
    return f"{job.kind} {job.stage}".strip() + f", seed {job.seed}: {', '.join(job.arms)}"
