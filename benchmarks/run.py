"""Runs every benchmark, says how far it is, prints the table and writes it down."""

import os
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from tempfile import TemporaryDirectory

import torch  # noqa: F401 - it has to be loaded before faiss
import typer
from rich.console import Console

from benchmarks.balancers import balancers
from benchmarks.bed import ARMS, FULL, Bed, Size
from benchmarks.figure import Figure, markdown, plain, terminal
from benchmarks.indexes import indexes
from benchmarks.loop import loop
from benchmarks.rankers import rankers
from benchmarks.scale import scale
from benchmarks.serving import serving
from benchmarks.truth import labelled, settled

BENCHMARKS: dict[str, Callable[[Bed], list[Figure]]] = {
    "serving": serving,
    "oracle": settled,
    "labels": labelled,
    "indexes": indexes,
    "balancers": balancers,
    "rankers": rankers,
    "feedback loop": loop,
    "world and oracle at scale": scale,
}
"""To add one: a function from the bed to figures, and one line here."""

RESULTS = Path(__file__).with_name("RESULTS.md")
LIBRARIES = ("numpy", "torch", "faiss-cpu", "polars", "scipy")


def measure(size: Size, tell: Callable[[str], None]) -> list[Figure]:
    """The figures of all benchmarks; `tell` is told what is being done."""
    figures: list[Figure] = []
    with TemporaryDirectory() as folder:
        bed = Bed(size, Path(folder))
        tell("world, logs and models ...")
        for arm in ARMS:
            bed.funnel(arm)
        for name, benchmark in BENCHMARKS.items():
            tell(f"{name} ...")
            figures += benchmark(bed)
    return figures


def page(figures: list[Figure], day: date) -> str:
    """The table with what it was measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        "# The last run of `make bench`\n\n"
        f"{day.isoformat()}, {os.cpu_count()} cores, Python {python_version()}, {versions}. "
        "What the columns mean stands in [README.md](README.md).\n\n"
        f"{markdown(figures)}\n"
    )


def main() -> None:
    figures = measure(FULL, lambda text: typer.echo(text, err=True))
    RESULTS.write_text(page(figures, date.today()))
    if sys.stdout.isatty():
        Console().print(terminal(figures))
    else:
        for line in plain(figures):
            typer.echo(line)
