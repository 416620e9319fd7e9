"""An audit: look at every file, deal the rows out by request, count, measure bucket by bucket, write the results."""

import math
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from filelock import FileLock
from rich.console import Console

from funnel.audit import buckets, census, law, rows
from funnel.audit.faults import look, together
from funnel.audit.logs import Logs, open_logs
from funnel.audit.measures import told_by
from funnel.audit.part import parts
from funnel.audit.summary import Log, summary
from funnel.audit.sums import Sums
from funnel.errors import ResultsError, SpecError
from funnel.intake.drops import Gate
from funnel.scenario import envelope
from funnel.scenario.folders import beside, disk_full, put, recover
from funnel.scenario.progress import Task, told

DEALT = "rows"
"""where the rows stand by request while an audit works"""


def audit(
    source: Path,
    name: str | None = None,
    *,
    lenient: bool = False,
    console: Console | None = None,
    reports: Path = Path("reports"),
) -> Path:
    """Audits a folder of stage logs.

    Rows are read in a stream and never held together; what is held follows `buckets.SIZE`, whatever the log's size.
    Copies of the rows stand beside the results while the audit runs, and go with it.

    Args:
        source: the folder.
        name: of the results; the folder's own name if not given.
        lenient: drop rows that break a rule, and count them, instead of refusing the log.
        console: where progress is told; the terminal if not given.

    Returns:
        The results folder, `reports/audit_<name>`, without a page yet.

    Raises:
        SpecError: the name is none of a folder.
        InputError: every problem of the log; nothing is measured then.
        ResultsError: the results folder holds something else, or the disk is full.
    """
    started, console = time.perf_counter(), console or Console()
    folder = (reports / f"audit_{_checked(name or source.resolve().name)}").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    envelope.check_folder(folder)
    gate = Gate(source, lenient)
    logs = open_logs(source, gate)
    gate.settle()
    with FileLock(beside(folder, "lock")), _workplace(folder) as work:
        log = _let_in(logs, gate, work, console)
        spec, found = summary(folder.name, log, _summed(log, work, console))
        found |= {"memory": _peak(), "seconds": time.perf_counter() - started}
        envelope.write(work / "results", spec, found, {"estimates": pl.DataFrame(found["estimates"])})
        put(work / "results", folder)
    return folder


def _checked(name: str) -> str:
    """The name of the results, when it is that of one folder."""
    if Path(name).name != name:
        raise SpecError(f"name: should be that of a folder, without slashes. Found `{name}`. Say another: NAME=<word>.")
    return name


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """An empty folder beside the results for what stands on disk meanwhile; it goes whatever happens."""
    work = beside(folder, "work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    except (OSError, pl.exceptions.PolarsError) as error:
        if disk_full(error, work) is None:
            raise
        raise ResultsError(
            f"{work}: the disk is full. An audit needs room for a copy of the columns that it uses. Make room "
            "and run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _let_in(logs: Logs, gate: Gate, work: Path, console: Console) -> Log:
    """The log, once all its rows have passed the gate: looked at, dealt out by request, and looked at by request."""
    looks = [Task(f"looked at {logs.name(path)}", partial(look, logs, path, gate)) for path in logs.schemas]
    found = together(logs, _done(looks, console), gate)
    if gate.refused:
        gate.settle()
    dealt, counted = work / DEALT, work / "census"
    ends = np.cumsum(found.rows)
    count = math.ceil(ends[-1] / buckets.SIZE)
    _done(_deals(logs, ends, count, dealt, gate), console)
    if gate.refused:
        gate.settle()
    counts = [
        Task("requests counted", partial(census.count, logs, ends, dealt, at, counted, gate)) for at in range(count)
    ]
    if not sum(_done(counts, console)):
        gate.refuse("", "should hold rows that break no rule. Found none.")
    dropped = gate.settle()
    slate_size = logs.spec.slate or census.slate_size(counted)
    return Log(logs, found, dropped, census.totals(counted, dealt), slate_size, count)


def _deals(logs: Logs, ends: np.ndarray, count: int, dealt: Path, gate: Gate) -> list[Task]:
    """Dealing out the rows of each run of files."""
    tasks, file, start = [], 0, 0
    for number, paths in enumerate(logs.runs()):
        deal = partial(buckets.deal, logs, paths, start, count, dealt / str(number), gate)
        tasks.append(Task(f"rows of {len(paths)} files dealt out by request", deal))
        file += len(paths)
        start = int(ends[file - 1])
    return tasks


def _summed(log: Log, work: Path, console: Console) -> Sums:
    """The sums of all measures."""
    sums, kept = Sums(), work / "law"
    kept.mkdir()
    each = range(log.buckets)
    _done([Task("measured", partial(_measure, log, work / DEALT, at, kept, sums)) for at in each], console)
    law.add(sorted(kept.iterdir()), log.spec, log.slate_size, sums)
    return sums


def _done(tasks: Sequence[Task], console: Console) -> list:
    """What came of each task, done in turn."""
    outcomes = ((place, task.do()) for place, task in enumerate(tasks))
    return [result for _, result in told(outcomes, tasks, console)]


def _measure(log: Log, dealt: Path, bucket: int, kept: Path, sums: Sums) -> None:
    """Adds what the measures tell of one bucket, and keeps what the survival law will ask of its requests."""
    wanted = [name for name in rows.names(log.spec) if name != rows.TIME]
    table = buckets.clean(buckets.read(dealt, bucket, wanted))
    asked = [pl.DataFrame(schema=law.SCHEMA)]
    for part in parts(table, log.spec, log.slate_size, log.found.values):
        for measure in told_by(log.spec):
            sums.add(measure.name, measure.compute(part), part.group)
        asked.append(law.asked(part))
    pl.concat(asked).write_parquet(kept / f"{bucket}.parquet")


def _peak() -> int:
    """Most memory that the process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
