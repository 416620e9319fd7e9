"""How far a list of tasks has come, told as it goes: by a bar on a terminal, by plain lines elsewhere."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from funnel.scenario.executors import Outcome


@dataclass(frozen=True)
class Task:
    """One thing to do, and what a user is told of it."""

    label: str
    do: Callable[[], Any]


class Labelled(Protocol):
    """A task that can be told of."""

    @property
    def label(self) -> str:
        """What a user is told of it."""


def line(console: Console, text: str) -> None:
    """Prints a line as it is."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def told(outcomes: Iterator[Outcome], tasks: Sequence[Labelled], console: Console) -> Generator[Outcome]:
    """The outcomes, each told as it comes."""
    if not console.is_terminal:
        started = time.perf_counter()
        for done, (place, result) in enumerate(outcomes, start=1):
            seconds = time.perf_counter() - started
            line(console, f"{done:>4}/{len(tasks)} {seconds:7.1f} s  {tasks[place].label}")
            yield place, result
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(tasks))
        for place, result in outcomes:
            progress.update(bar, advance=1, description=tasks[place].label)
            yield place, result
