"""The ranker of one stage for one surface, as files that load alone: what a team takes away to go on with.

Beside them stands a note: what it is of, what it reads and predicts, and its size and cost beside the whole ranker's.
"""

import json
import shutil
from collections import deque
from contextlib import closing
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console

from funnel.errors import ResultsError, SpecError, unknown
from funnel.models.spec import TowerTreeSpec
from funnel.scenario.executors import Executor
from funnel.scenario.file import AnyScenario
from funnel.scenario.folders import beside, put, recover
from funnel.scenario.lab import Lab
from funnel.scenario.one_arm import one_arm
from funnel.scenario.progress import Task, told
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from funnel.training.batches import Period, Rows, rows
from funnel.training.calibration.base import FILE as CALIBRATION
from funnel.training.checkpoint import difference, of_surface, own_rows
from funnel.training.onnx import check_installed, onnx_predictions, write_onnx
from funnel.training.ranker import Ranker

NOTE, ONNX = "checkpoint.json", "ranker.onnx"
WRITTEN = {"ranker.pt", "ranker.json", CALIBRATION, ONNX, NOTE}
"""what a checkpoint's folder holds"""
CHECKED = 2_000
"""logged impressions of the surface on which the checkpoint is held against the whole ranker"""


def checkpoint(
    scenario: AnyScenario,
    surface: str,
    *,
    stage: str = "late",
    arm: str | None = None,
    seed: int = 0,
    onnx: bool = False,
    out: Path | None = None,
    device: str = "cpu",
    console: Console | None = None,
    data: Path = Path("data"),
    checkpoints: Path = Path("checkpoints"),
) -> Path:
    """Writes the checkpoint of one surface; what has to be trained for it is trained and kept.

    Args:
        arm: the proposal of the verdict if not given. seed: of the world.
        onnx: whether to write the ranker as an ONNX file, too.
        out: the folder to write; `<checkpoints>/<scenario>/<arm>/seed<seed>/<stage>_<surface>` if not given.
        data: the artifact store; what a run has made is not made again.

    Returns:
        The folder. An earlier checkpoint that stands there is replaced.

    Raises:
        SpecError: no such arm, seed, stage or surface, a model without surfaces, or a package is missing.
        ResultsError: the folder holds something else.
    """
    strange = [] if stage in STAGES else [f"stage: {unknown(stage, STAGES, 'a ranking stage')}"]
    single, arm = one_arm(scenario, arm, seed, *strange)
    _check_surface(single, arm, stage, surface)
    if onnx:
        check_installed()
    folder = (out or checkpoints / single.name / arm / f"seed{seed}" / f"{stage}_{surface}").resolve()
    _check_folder(folder)
    lab = Lab(single.base, single.arms[arm], seed, Store(data.resolve()), device)
    heading = {"scenario": single.name, "arm": arm, "seed": seed, "stage": stage, "surface": surface}
    pieces = (lab.traffic_piece, lab.arm_towers, lab.arm_ranker(stage))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(beside(folder, "lock")):
        recover(folder)
        partial_folder = beside(folder, "partial")
        shutil.rmtree(partial_folder, ignore_errors=True)
        partial_folder.mkdir()
        tasks = [
            *(Task(piece.kind, partial(lab.store.ensure, piece)) for piece in pieces),
            Task(f"checkpoint of {surface}", partial(_write, lab, stage, surface, heading, onnx, partial_folder)),
        ]
        # On one thread, as in a run, so that what is trained here is what a run would have trained.
        outcomes = Executor(workers=1, device=device).run(methodcaller("do"), tasks)
        with closing(told(outcomes, tasks, console or Console())) as done:
            deque(done, maxlen=0)
        put(partial_folder, folder)
    return folder


def _check_surface(scenario: Scenario, arm: str, stage: str, surface: str) -> None:
    model = scenario.arms[arm].stages.named(stage).model
    if not isinstance(model, TowerTreeSpec):
        raise SpecError(
            f"arms.{arm}.stages.{stage}.model: should be a `tower_tree`, which has a part for each surface. Found "
            f"`{model.kind}`. Name another arm or stage."
        )
    if surface not in model.surfaces:
        raise SpecError(f"surface: {unknown(surface, model.surfaces, f'a surface of arm {arm}')}")


def _check_folder(folder: Path) -> None:
    """That the folder is absent, empty, or a checkpoint that may be replaced, with nothing of anybody else's in it."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not folder.exists() or (folder.is_dir() and (not there or (there <= WRITTEN and NOTE in there))):
        return
    found = ", ".join(sorted(there - WRITTEN)[:3]) or "other files"
    raise ResultsError(
        f"{folder}: should be absent, empty, or an earlier checkpoint with its {NOTE}. Found {found}. Move it, or say "
        "where to write: OUT=<folder>."
    )


def _write(lab: Lab, stage: str, surface: str, heading: dict[str, Any], onnx: bool, folder: Path) -> None:
    spec, whole = lab.arm.stages.named(stage), lab.arm_rankers.load(stage)
    alone, calibration = of_surface(whole, surface), lab.arm_rankers.calibration(stage)
    alone.save(folder)
    if calibration:
        calibration.of_surface(list(lab.arm.world.surfaces).index(surface)).save(folder)
    data = _logged(lab, whole, surface)
    own = own_rows(whole, alone, data)
    note = heading | {
        "tasks": list(spec.tasks),
        "columns": alone.columns,
        "calibration": spec.calibration,
        "formula": spec.formula,
        "combine": spec.combine,
        "checkpoint": _size(alone, folder),
        "whole": _size(whole, lab.store.ensure(lab.arm_ranker(stage))),
        "difference": difference(alone, whole.predict_rows(data), alone.predict_rows(own)),
        "onnx": None,
    }
    if onnx:
        write_onnx(alone, folder / ONNX)
        found = onnx_predictions(folder / ONNX, own)
        off = None if found is None else difference(alone, alone.predict_rows(own), found)
        note["onnx"] = {"bytes": (folder / ONNX).stat().st_size, "difference": off}
    (folder / NOTE).write_text(json.dumps(note, indent=1))


def _logged(lab: Lab, whole: Ranker, surface: str) -> Rows:
    """The first logged impressions of a surface, as the whole ranker reads them."""
    log, observed = lab.log(lab.traffic_piece), lab.world.observed
    there = observed.surface[log["user"].to_numpy()] == list(lab.arm.world.surfaces).index(surface)
    vectors = lab.scenery.vectors(lab.arm_towers, lab.world_piece)
    return rows(whole.spec, [Period(log.filter(there).head(CHECKED), observed, vectors)])


def _size(ranker: Ranker, folder: Path) -> dict[str, int]:
    """Bytes of the file, parameters, and multiply-adds a candidate as served."""
    return {
        "bytes": (folder / "ranker.pt").stat().st_size,
        "parameters": ranker.parameters,
        "macs": ranker.macs,
    }
