"""Executors: the same results wherever tasks run, and when workers are killed under them."""

import os
import signal
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from funnel.errors import DataError, ResultsError, SpecError
from funnel.rng import stream
from funnel.scenario.executors import Executor
from funnel.scenario.store import Piece, Store

TASKS = tuple(range(6))


def rows(store: Store, fatal: Path | None, task: int) -> list[float]:
    """Draws of one task, kept as a piece. The first process that meets task 3 while `fatal` exists dies of it."""
    if fatal and task == 3 and fatal.exists():
        fatal.unlink()
        os.kill(os.getpid(), signal.SIGKILL)

    def build(folder: Path) -> None:
        pl.DataFrame({"value": stream(task, "test").random(4)}).write_parquet(folder / "rows.parquet")

    return pl.read_parquet(store.ensure(Piece("rows", {"task": task}, build)) / "rows.parquet")["value"].to_list()


def threads(task: int) -> tuple[int, int]:
    import faiss
    import torch

    return torch.get_num_threads(), faiss.omp_get_max_threads()


def wrong(task: int) -> int:
    if task == 2:
        raise DataError("Task 2 is wrong.")
    return task


def deadly(task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[int, list[float]]:
    return dict(Executor(workers=1).run(partial(rows, Store(tmp_path_factory.mktemp("expected")), None), TASKS))


@pytest.fixture
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


def test_two_workers_give_what_one_gives(tmp_path, expected):
    assert dict(Executor(workers=2).run(partial(rows, Store(tmp_path), None), TASKS)) == expected


def test_every_task_runs_on_one_thread_and_the_callers_threads_come_back():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert dict(Executor(workers=1).run(threads, [0, 1])) == {0: (1, 1), 1: (1, 1)}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert dict(Executor(workers=2).run(threads, [0, 1])) == {0: (1, 1), 1: (1, 1)}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_task_reaches_the_caller(workers):
    with pytest.raises(DataError, match=r"^Task 2 is wrong\.$"):
        list(Executor(workers=workers).run(wrong, TASKS))


def test_a_killed_worker_costs_a_second_pass_and_nothing_else(tmp_path, expected):
    fatal = tmp_path / "fatal"
    fatal.touch()
    assert dict(Executor(workers=2).run(partial(rows, Store(tmp_path / "data"), fatal), TASKS)) == expected
    assert not fatal.exists()


def test_workers_that_always_die_end_the_run():
    with pytest.raises(ResultsError) as caught:
        list(Executor(workers=2).run(deadly, TASKS))
    assert str(caught.value) == (
        "Worker processes died in 3 attempts, most likely for want of memory: 6 of 6 tasks are not done. "
        "Finished pieces are kept: run the same command with fewer than 2 workers."
    )


def test_a_dask_cluster_that_loses_a_worker_gives_the_same(tmp_path, expected, cluster):
    fatal = tmp_path / "fatal"
    fatal.touch()
    executor = Executor("dask", scheduler=cluster.scheduler_address)
    assert dict(executor.run(partial(rows, Store(tmp_path / "data"), fatal), TASKS)) == expected
    assert not fatal.exists()


def test_a_task_that_kills_every_dask_worker_ends_the_run(cluster):
    with pytest.raises(ResultsError) as caught:
        list(Executor("dask", scheduler=cluster.scheduler_address).run(deadly, [0]))
    told = str(caught.value)
    assert told.startswith(
        "Dask gave a task up after its workers died, most likely for want of memory: the last was tcp://"
    )
    assert told.endswith(". Finished pieces are kept: run the same command on workers with more memory.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"kind": "dusk"}, "executor: `dusk` is not an executor. Did you mean `dask`?"),
        ({"workers": 0}, "workers: should be at least 1. Found 0."),
        ({"kind": "dask"}, "scheduler: should be the address of a Dask scheduler, as in tcp://host:8786. Found none."),
        ({"scheduler": "tcp://a:1"}, "scheduler: only the executor `dask` has one. Found tcp://a:1."),
        (
            {"device": "abacus"},
            "device: should be one that torch can use here. Found `abacus`. `cpu` always works.",
        ),
    ],
)
def test_an_executor_that_cannot_be_is_told(arguments, told):
    with pytest.raises(SpecError) as caught:
        Executor(**arguments)
    assert str(caught.value) == told


def test_a_scheduler_that_does_not_answer_is_told():
    with pytest.raises(SpecError) as caught:
        list(Executor("dask", scheduler="nowhere").run(wrong, TASKS))
    assert str(caught.value) == (
        "scheduler: nowhere should answer within 10 seconds. Found no Dask scheduler there. "
        "Start one with `dask scheduler`, and workers with `dask worker`."
    )
