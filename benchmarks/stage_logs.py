"""`python -m benchmarks.stage_logs [ROWS]`: what an audit of made-up stage logs takes, to `benchmarks/AUDIT.md`.

The logs have the columns of RecFlow and two scores, a day a file. Requests of a day stand mixed, as a funnel of many
machines writes them. Scores are normal with correlation 0.7, so the survival law says what the early stage loses; it is
one of endless pools, and a pool of a thousand loses some 2 % more than that.
"""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import polars as pl
import typer

from funnel.intake import recflow
from funnel.metrics.laws import survival
from funnel.rng import stream
from funnel.scenario import envelope

RESULTS = Path(__file__).with_name("AUDIT.md")
POOL, KEEP, SLATE = 1000, 100, 10
"""candidates of a request, survivors of the early stage, places of the slate"""
DAY = 1000
"""requests of a file"""
CORRELATION = 0.7
NOTE = f"""
layout = "recflow"
sampled = false
early = "prerank"
late = "rank"
sources = []
pool = {POOL}
keep = {{ early = {KEEP}, late = {SLATE} }}
scenario = "made up"
arm = "none"
seed = 0
requests = 0
fingerprint = ""
columns = {{}}
"""


def write(folder: Path, requests: int) -> None:
    """The logs of so many requests."""
    (folder / recflow.ALL_STAGE).mkdir(parents=True)
    (folder / recflow.NOTE).write_text(NOTE)
    for day in range(-(-requests // DAY)):
        table = _day(day, min(DAY, requests - day * DAY))
        table.write_ipc(folder / recflow.ALL_STAGE / f"{day:05}.feather", compression="lz4")


def _day(day: int, requests: int) -> pl.DataFrame:
    generator = stream(0, "benchmark", "stage logs", day)
    early, other = generator.standard_normal((2, requests, POOL), dtype=np.float32)
    late = CORRELATION * early + np.sqrt(np.float32(1 - CORRELATION**2)) * other
    kept = _best(early, KEEP)
    shown = _best(np.where(kept, late, -np.inf), SLATE)
    request = np.repeat(np.arange(requests) + day * DAY, POOL)
    n = len(request)
    likes = shown.ravel() & (generator.random(n) < 0.1)
    flags = {"prerank_neg": ~kept, "rank_neg": kept & ~shown, **dict.fromkeys(("rank_pos", "realshow"), shown)}
    columns = dict.fromkeys(recflow.COLUMNS, np.zeros(n, np.int64)) | {
        "request_id": request,
        "user_id": request % 50_000,
        "request_timestamp": 1_705_104_000_000 + request * 1000,
        "video_id": generator.permuted(np.tile(np.arange(POOL) * 1000, (requests, 1)), axis=1).ravel() + request % 1000,
        "like": likes.astype(np.int64),
        "early_score": early.ravel(),
        "late_score": late.ravel(),
        **{name: flag.ravel().astype(np.int64) for name, flag in flags.items()},
    }
    return pl.DataFrame(columns)[generator.permutation(n)]


def _best(score: np.ndarray, keep: int) -> np.ndarray:
    """bool (R, C): the `keep` greatest of each row; scores are distinct."""
    return score >= -np.partition(-score, keep - 1, axis=1)[:, keep - 1, None]


def main(rows: Annotated[int, typer.Argument(help="How many rows.")] = 10_000_000) -> None:
    """Writes the logs, audits them, and tells what it took."""
    with TemporaryDirectory(dir=".") as there:
        folder = Path(there)
        write(folder / "logs", rows // POOL)
        # A process of its own, whose memory is not that of the writing.
        subprocess.run([sys.executable, "-m", "funnel", "audit", "logs"], cwd=folder, check=True)
        found, used = envelope.read(folder / "reports" / "audit_logs"), os.times()
    lost = next(one for one in found["estimates"] if one["measure"] == "lost")
    exact = 1 - float(survival(CORRELATION, POOL, KEEP, SLATE))
    seconds, busy = found["seconds"], used.children_user + used.children_system
    RESULTS.write_text(
        "# The last run of `python -m benchmarks.stage_logs`\n\n"
        f"{date.today().isoformat()}, {os.cpu_count()} cores, polars {pl.__version__}.\n\n"
        "| what | found |\n| --- | --- |\n"
        f"| rows | {found['logs']['rows']:,} of {found['logs']['requests']:,} requests |\n"
        f"| files | {found['logs']['files']} of {found['logs']['bytes'] / 1e9:.2f} GB together |\n"
        f"| time | {seconds:.0f} s, {busy:.0f} s of processor, page included |\n"
        f"| rows a second | {rows / seconds:,.0f} |\n"
        f"| most memory held | {found['memory'] / 2**20:,.0f} MiB |\n"
        f"| lost, found and by the survival law of an endless pool | {lost['value']:.4f} ({lost['low']:.4f} to "
        f"{lost['high']:.4f}), {exact:.4f} |\n"
    )
    typer.echo(RESULTS.read_text())


if __name__ == "__main__":
    typer.run(main)
