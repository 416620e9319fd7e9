"""A run: plan the jobs of a scenario, do them wherever processes are, collect their rows, write the results folder."""

import shutil
import time
import uuid
from contextlib import closing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock
from rich.console import Console

from funnel.scenario import envelope, fitted, pieces, results
from funnel.scenario.conflict import study as conflict_study
from funnel.scenario.conflict import summary as conflict_summary
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.dose import study as dose_study
from funnel.scenario.dose import summary as dose_summary
from funnel.scenario.dose.spec import DoseSpec
from funnel.scenario.executors import Executor
from funnel.scenario.file import AnyScenario
from funnel.scenario.folders import beside, put, recover
from funnel.scenario.progress import line, told
from funnel.scenario.rounds import study as rounds_study
from funnel.scenario.rounds import summary as rounds_summary
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.scenario.sweep import study as sweep_study
from funnel.scenario.sweep import summary as sweep_summary
from funnel.scenario.sweep.spec import Sweep

KINDS: dict[type, tuple[ModuleType, ModuleType]] = {
    Scenario: (pieces, results),
    Sweep: (sweep_study, sweep_summary),
    Rounds: (rounds_study, rounds_summary),
    ConflictSpec: (conflict_study, conflict_summary),
    DoseSpec: (dose_study, dose_summary),
}
"""by the kind of scenario: who plans, does and collects its jobs, and who writes its results"""


def run(
    scenario: AnyScenario,
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
        InputError: the data that a world is to be fitted to breaks its contract.
        ResultsError: the results folder holds something else, or a piece is damaged, or the disk is full.
    """
    started = time.perf_counter()
    console = console or Console()
    fitted.check(_funnels(scenario))
    folder = (reports / scenario.name).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    envelope.check_folder(folder)
    store = Store(data.resolve(), run=uuid.uuid4().hex if fresh else None)
    store.clean()
    parts, writer = KINDS[type(scenario)]
    jobs = parts.plan(scenario)
    executor = executor or Executor()
    outcomes = executor.run(partial(_do, scenario, store, executor.device), jobs)
    failed: set[str] = set()
    with closing(told(outcomes, jobs, console)) as done:
        for _, befallen in done:
            for arm, why in (befallen or {}).items():
                if arm not in failed:
                    line(console, f"Arm `{arm}` cannot be made and is left out. {why}")
                failed.add(arm)
    tables = parts.collect(scenario, store, executor.device)
    with FileLock(beside(folder, "lock")):
        partial_folder = beside(folder, "partial")
        shutil.rmtree(partial_folder, ignore_errors=True)
        writer.write(partial_folder, scenario, *tables, time.perf_counter() - started)
        put(partial_folder, folder)
    return folder


def _funnels(scenario: AnyScenario) -> list[Scenario | DoseSpec]:
    """The scenarios of funnels that a run is made of."""
    if isinstance(scenario, Sweep):
        return [point.scenario for point in scenario.points]
    if isinstance(scenario, Rounds):
        return list(scenario.rounds)
    return [scenario] if isinstance(scenario, Scenario | DoseSpec) else []


def _do(scenario: AnyScenario, store: Store, device: str, job: Any) -> dict[str, str] | None:
    """Does a job; returns by arm that the run can do without why it failed."""
    parts, _ = KINDS[type(scenario)]
    return parts.execute(scenario, job, store, device)
