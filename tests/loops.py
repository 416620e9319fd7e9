"""Feedback loops for tests: `quickstart` in small over some rounds, and made-up rows of one."""

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from funnel import schema
from funnel.scenario.file import load
from funnel.scenario.rounds import summary
from funnel.scenario.rounds.spec import Rounds
from tests.sweeps import rows_of as rows_of_points
from tests.worlds import SMALL_FUNNEL

LATER = ("arms.late_first.at=['late']", "arms.late_first.then={3=['early', 'late']}")
"""an arm that is late only at first"""


def loop_of(*more: str, rounds: int = 3, seeds: int = 1) -> Rounds:
    """`quickstart` in small, over some rounds."""
    loop = (f"rounds={rounds}", "base.loop={requests=60, window=2}")
    return load(Path("scenarios/quickstart.toml"), seeds=seeds, assignments=[*SMALL_FUNNEL, *loop, *more])


def rows_of(loop: Rounds, worse: np.ndarray, **settings) -> pl.DataFrame:
    """`schema.POINT_ROWS` in which the proposal is worse than the reference by so much in each round.

    Args:
        worse, settings: as of `tests.sweeps.rows_of`.
    """
    plain = rows_of_points(loop, worse, **settings)
    known = plain.select("point", "seed", "arm").unique(maintain_order=True)
    found = [(*key, *row) for key in known.iter_rows() for row in _rows(*key)]
    columns = ["point", "seed", "arm", "measure", "stage", "slice", "task", "value"]
    more = pl.DataFrame(found, schema=columns, orient="row").with_columns(n=pl.lit(20))
    return pl.concat([plain, more.select(pl.col(name).cast(dtype) for name, dtype in schema.POINT_ROWS.items())])


def _rows(point: int, seed: int, arm: str) -> list[tuple[str, str, str, str, float]]:
    """measure, stage, slice, task and value of what a sweep's rows have not."""
    level = {"baseline": 0.2, "both": 0.6}.get(arm, 0.4) + 0.01 * seed
    found = [(measure, "", "all", "", level) for measure in ("newest_bubbles", "newest_value", "closeness_auc")]
    found += [(measure, "late", "all", "", level) for measure in ("rest_value", "new_topics", "coverage")]
    found += [("topics", "late", "all", "", 5 + level), ("concentration", "late", "all", "", 1 - level)]
    found += [("value", "late", slice_, "", level) for slice_ in ("friends_few", "friends_many")]
    found += [("share", "late", slice_, "", level) for slice_ in ("friend", "fresh")]
    found += [("log_bubbles", "", "all", "", 1_000 * level * (1 + (arm != "baseline") * point))]
    tasks = ["long_view", *(["bubble_engage"] if arm != "baseline" else [])]
    shown = product(tasks, ("impressed", "unselected"))
    return found + [("ranker_calibration", "late", slice_, task, 1 + level) for task, slice_ in shown]


def folder_of(folder: Path, loop: Rounds, worse: np.ndarray, **settings) -> Path:
    """A results folder of made-up rows."""
    failed = settings.get("failed") or {}
    told = {point: {arm: "Seed 0: The loss should be finite."} for point, arm in failed.items()}
    summary.write(folder, loop, rows_of(loop, worse, **settings), told, seconds=12.3)
    return folder
