"""A calibration from end to end: search, check, write the base, write what was found."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from funnel.calibrate import base_file, results
from funnel.calibrate.measure import Found, Task, measured
from funnel.calibrate.resolve import Calibration
from funnel.calibrate.search import Search
from funnel.scenario import envelope
from funnel.scenario.executors import Executor
from funnel.scenario.file import SCENARIOS
from funnel.scenario.store import Store


def run(
    calibration: Calibration,
    executor: Executor | None = None,
    *,
    console: Console | None = None,
    data: Path = Path("data"),
    reports: Path = Path("reports"),
    scenarios: Path = SCENARIOS,
) -> Path:
    """Runs a calibration, or what is left of it after an interruption, and writes the base.

    Args:
        executor: where funnels are measured; one process a core if not given.
        console: where progress is told; the terminal if not given.
        data: folder of the artifact store. reports: folder of results folders. scenarios: folder that holds `base/`.

    Returns:
        The results folder, `reports/calibrate_<name>`.

    Raises:
        SpecError: the start cannot be measured.
        ResultsError: the results folder holds something else, or a piece is damaged, or the disk is full.
    """
    started = time.perf_counter()
    spec, console, executor = calibration.spec, console or Console(), executor or Executor()
    folder = reports / results.name(spec.name)
    envelope.check_folder(folder)
    store = Store(data.resolve())
    store.clean()
    path = base_file.place(spec.name, scenarios)
    search = Search(calibration, partial(_measure, executor, store), partial(_tell, console, started))
    best = search.run()
    elsewhere = search.elsewhere(best)
    found = results.summary(search, best, elsewhere, path, time.perf_counter() - started)
    base = calibration.funnel(search.trials[best.trial].knobs)
    base_file.write(path, base.table(), results.heading(found), results.notes(found))
    envelope.write(folder, spec.table(), found, {})
    return folder


def _measure(executor: Executor, store: Store, tasks: Sequence[Task]) -> list[Found | str]:
    """In the order of the tasks, whoever is done first."""
    found = dict(executor.run(partial(measured, store, executor.device), tasks))
    return [found[place] for place in range(len(tasks))]


def _tell(console: Console, started: float, line: str) -> None:
    seconds = time.perf_counter() - started
    console.print(f"{seconds:7.1f} s  {line}", markup=False, highlight=False, soft_wrap=True)
