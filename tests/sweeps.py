"""Made-up sweeps for tests of their results and pages: rows whose verdicts are known, and their scenario."""

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from funnel import schema
from funnel.scenario.file import load
from funnel.scenario.rounds.spec import Rounds
from funnel.scenario.spec import Scenario
from funnel.scenario.sweep import summary
from funnel.scenario.sweep.spec import Sweep
from tests.worlds import SMALL_FUNNEL

KEEP = "sweep.keep.every.stages.early.keep=[10, 20, 40, 80]"
WEIGHT = "sweep.weight.base.value.formula.bubble_engage=[0.25, 1.0, 4.0]"
MODEL = "sweep.model.every.stages.late.model=[{kind='mmoe'}, {kind='shared_bottom'}]"


def sweep_of(*axes: str, seeds: int = 3) -> Sweep:
    """`quickstart` in small, moved along the axes."""
    return load(Path("scenarios/quickstart.toml"), seeds=seeds, assignments=[*SMALL_FUNNEL, *axes])


def rows_of(
    sweep: Sweep | Rounds, worse: np.ndarray, spread: float = 0.002, failed: dict[int, str] | None = None
) -> pl.DataFrame:
    """`schema.POINT_ROWS` in which the proposal is worse than the reference, on both axes of the verdict.

    Args:
        sweep: or the rounds of a loop, each of which is a point.
        worse: float64 (P,), by point: candidates lost beyond the reference's, and value forgone.
        spread: of both between neighbouring seeds. failed: by point, an arm that has no rows.
    """
    points = _points(sweep)
    found = [
        (point, seed, arm, *row)
        for point, seed, arm in product(range(len(points)), range(sweep.seeds), points[0].arms)
        if (failed or {}).get(point) != arm
        for row in _rows(arm, worse[point] + spread * (seed - (sweep.seeds - 1) / 2))
    ]
    columns = ["point", "seed", "arm", "measure", "stage", "slice", "value"]
    table = pl.DataFrame(found, schema=columns, orient="row").with_columns(task=pl.lit(""), n=pl.lit(20))
    return table.select(pl.col(name).cast(dtype) for name, dtype in schema.POINT_ROWS.items())


def _points(sweep: Sweep | Rounds) -> list[Scenario]:
    return list(sweep.rounds) if isinstance(sweep, Rounds) else [point.scenario for point in sweep.points]


def _rows(arm: str, worse: float) -> list[tuple[str, str, str, float]]:
    """measure, stage, slice, value of one arm."""
    behind = {"both": 0.0, "baseline": worse + 0.2}.get(arm, worse)
    lost, value = 0.1 + behind, 2.0 * (1 - behind)
    found = [
        ("lost", "early", "all", lost),
        ("predicted_lost", "early", "all", lost - 0.03),
        ("value", "late", "all", value),
    ]
    found += [("correlation", "early", "all", 0.9 - behind), ("recoverable", "early", "all", 0.8 - behind)]
    found += [("rest_value", "late", "all", value - 0.5), ("bubble_prevalence", "late", "all", 0.3 - 0.1 * behind)]
    found += [("bubble_engagement", "late", "all", 0.2)]
    recalls = product(("retrieval", "early", "late"), ("all", "friend", "other"))
    found += [("recall", stage, slice_, 0.7 - behind) for stage, slice_ in recalls]
    found += [("overlap", "", slice_, 0.5 - behind) for slice_ in ("impressed", "unimpressed")]
    found += [("macs", stage, "all", 1e6) for stage in ("early", "late")]
    return [*found, ("candidates", "early", "all", 30.0)]


def folder_of(folder: Path, sweep: Sweep, worse: np.ndarray, **settings) -> Path:
    """A results folder of made-up rows."""
    failed = settings.get("failed") or {}
    told = {point: {arm: "Seed 0: The loss should be finite."} for point, arm in failed.items()}
    summary.write(folder, sweep, rows_of(sweep, worse, **settings), told, None, seconds=12.3)
    return folder
