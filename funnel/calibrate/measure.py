"""What one funnel measures under one seed: a whole run of a single arm, of which only the measures are kept."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from funnel.calibrate.targets import MEASURED, keyed
from funnel.errors import ArmError
from funnel.metrics.catalogue import rows
from funnel.scenario.exam import Exam
from funnel.scenario.spec import Change, Origin, Scenario, VerdictSpec
from funnel.scenario.store import Piece, Store
from funnel.stages.spec import FunnelSpec

ARM = "base"
Found = dict[str, float | None]
"""value of every measure that can be a target, by key; None where it has none"""


@dataclass(frozen=True)
class Task:
    """One funnel under one seed."""

    funnel: FunnelSpec
    seed: int
    passing: bool
    """whether its world, logs and rankers are thrown away: nobody asks twice for those of a trial"""


def measured(store: Store, device: str, task: Task) -> Found | str:
    """The measures of a task, from the store if they are there; or why the funnel cannot be made."""
    exam = Exam(_alone(task.funnel), task.seed, store, device)
    piece = Piece("measured", exam.look(ARM), lambda folder: _measure(task, store, device, folder))
    try:
        return json.loads((store.ensure(piece) / "found.json").read_text())
    except ArmError as error:
        return str(error)


def _measure(task: Task, store: Store, device: str, folder: Path) -> None:
    with TemporaryDirectory(dir=folder) as scratch:
        parts = Store(Path(scratch)) if task.passing else store
        exam = Exam(_alone(task.funnel), task.seed, parts, device)
        table, _ = rows(exam.ledger(exam.labs[ARM]), task.seed, ARM, MEASURED)
    (folder / "found.json").write_text(json.dumps(keyed(table)))


def _alone(funnel: FunnelSpec) -> Scenario:
    """The scenario of one arm, which plays all parts of a verdict that nobody asks for."""
    return Scenario(
        name=ARM,
        question="What does this funnel measure?",
        seeds=1,
        base=funnel,
        origin=Origin(name=ARM),
        change=Change(),
        arms={ARM: funnel},
        verdict=VerdictSpec(proposal=ARM, reference=ARM, baseline=ARM),
    )
