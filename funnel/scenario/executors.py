"""Where tasks run: in this process, in processes of this machine, or on a Dask cluster; the same call for all three.

Every task runs on one thread wherever it runs: two busy threads a core cost more than they give, and sums in another
order are other numbers. So one worker and many give the same bits.
"""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import joblib

from funnel.errors import FunnelError, ResultsError, SpecError, unknown

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""what a process must be told before it imports a numeric library; waiting threads must not burn their core"""
PASSES = 3
"""how often local workers may die before the run gives up"""

Outcome = tuple[int, Any]
"""place of a task in the list, and what it returned"""


@dataclass(frozen=True)
class Executor:
    """Where a list of tasks runs."""

    kind: str = "local"
    """`local` or `dask`"""
    workers: int | None = None
    """processes of this machine; one for each core if not given; a Dask cluster brings its own"""
    scheduler: str | None = None
    """address of the Dask scheduler, such as tcp://host:8786"""
    device: str = "cpu"
    """where models are trained, as torch names it; numbers differ from device to device, so pieces do too"""

    def __post_init__(self):
        if self.kind not in ("local", "dask"):
            raise SpecError(f"executor: {unknown(self.kind, ('local', 'dask'), 'an executor')}")
        if self.workers is not None and self.workers < 1:
            raise SpecError(f"workers: should be at least 1. Found {self.workers}.")
        if self.kind == "dask" and not self.scheduler:
            raise SpecError("scheduler: should be the address of a Dask scheduler, as in tcp://host:8786. Found none.")
        if self.kind == "local" and self.scheduler:
            raise SpecError(f"scheduler: only the executor `dask` has one. Found {self.scheduler}.")
        if self.device != "cpu" and self.kind == "local":
            _check_device(self.device)

    def run(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Outcome]:
        """Does `work` for every task, in the order of the list as far as workers are free.

        Args:
            work: picklable; must be able to run twice for one task, since a worker can die after it.

        Yields:
            The outcome of each task once, as it comes in.

        Raises:
            FunnelError: the first that a task raised.
            ResultsError: workers died again and again.
        """
        if self.scheduler:
            return _on_cluster(work, tasks, self.scheduler)
        workers = min(self.workers or joblib.cpu_count(), max(len(tasks), 1))
        return _here(work, tasks) if workers == 1 else _on_processes(work, tasks, workers)


def _check_device(device: str) -> None:
    """Raises SpecError unless this machine can put a tensor there."""
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):  # torch built without CUDA fails an assertion
        raise SpecError(
            f"device: should be one that torch can use here. Found `{device}`. `cpu` always works."
        ) from None


def _here(work: Callable, tasks: Sequence) -> Iterator[Outcome]:
    with _restoring_threads():
        for place, task in enumerate(tasks):
            yield place, work(task)


def _on_processes(work: Callable, tasks: Sequence, workers: int) -> Iterator[Outcome]:
    """A process that dies fails the whole batch, so another pass takes up what has not come back."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # loky replaces a worker whose memory has grown; that is its business and no news for the user.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
    waiting = dict(enumerate(tasks))
    for _ in range(PASSES):
        # One task a batch and hardly any ahead of time: tasks take seconds, and the list's order is the best one.
        pool = joblib.Parallel(
            workers, "loky", return_as="generator_unordered", batch_size=1, pre_dispatch="1.5*n_jobs"
        )
        with (
            _environment(ONE_THREAD),
            _cancelling(pool(joblib.delayed(_in_process)(work, *task) for task in list(waiting.items()))) as outcomes,
        ):
            try:
                for place, result in outcomes:
                    del waiting[place]
                    yield place, _returned(result)
                return
            except BrokenProcessPool:
                continue
    raise ResultsError(
        f"Worker processes died in {PASSES} attempts, most likely for want of memory: {len(waiting)} of {len(tasks)} "
        f"tasks are not done. Finished pieces are kept: run the same command with fewer than {workers} workers."
    )


@contextmanager
def _cancelling(outcomes: Generator[Outcome]) -> Iterator[Iterator[Outcome]]:
    """Stops the workers when nobody waits for them any more, without joblib's warning that they are stopped."""
    try:
        yield outcomes
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()


def _on_cluster(work: Callable, tasks: Sequence, scheduler: str) -> Iterator[Outcome]:
    """Dask itself runs a lost task again. Not through joblib, which waits for ever when Dask gives a task up."""
    from distributed import Client, as_completed
    from distributed.scheduler import KilledWorker

    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise SpecError(
            f"scheduler: {scheduler} should answer within 10 seconds. Found no Dask scheduler there. "
            "Start one with `dask scheduler`, and workers with `dask worker`."
        ) from error
    with client:
        futures = [client.submit(_in_worker, work, *task, pure=False, priority=-task[0]) for task in enumerate(tasks)]
        try:
            for future in as_completed(futures, loop=client.loop):
                place, result = future.result()
                yield place, _returned(result)
        except KilledWorker as error:
            raise ResultsError(
                "Dask gave a task up after its workers died, most likely for want of memory: the last was "
                f"{error.last_worker.address}. Finished pieces are kept: run the same command on workers with more "
                "memory."
            ) from error
        finally:
            client.cancel(futures)


def _returned(result: Any) -> Any:
    if isinstance(result, FunnelError):
        raise result
    return result


def _in_process(work: Callable, place: int, task: Any) -> Outcome:
    """One task in a process of this machine, which lives and dies with the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one decides
    _follow_parent()
    return _in_worker(work, place, task)


@lru_cache(maxsize=1)
def _follow_parent() -> None:
    """Ends this process soon after its parent: a parent that was killed cannot tell its workers."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _in_worker(work: Callable, place: int, task: Any) -> Outcome:
    """One task in another process. An error that a user can cause comes back as a value: raised, it fails the batch."""
    _one_thread()
    try:
        return place, work(task)
    except FunnelError as error:
        return place, error


def _one_thread() -> None:
    """Holds the pools of this process to one thread, also where the environment was set too late."""
    import torch  # before faiss: the other way round their OpenMP libraries clash
    import faiss  # isort: skip
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    threadpool_limits(1)


@contextmanager
def _restoring_threads() -> Iterator[None]:
    import torch
    import faiss  # isort: skip
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    with threadpool_limits(1):
        _one_thread()
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            faiss.omp_set_num_threads(before[1])


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes started inside inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
