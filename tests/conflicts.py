"""A study of conflict that is run in seconds: four small models, two correlations, two seeds."""

from pathlib import Path

from funnel.models.spec import MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec
from funnel.scenario import harness
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.executors import Executor
from funnel.training.sinusoids import SinusoidSpec

LAW = SinusoidSpec(columns=8)
MODELS: dict[str, ModelSpec] = {
    "single_task": SingleTaskSpec(trunk=(8,)),
    "shared_bottom": SharedBottomSpec(bottom=(12,), tower=(4,)),
    "mmoe": MMoESpec(experts=3, expert=(4,), tower=(4,)),
    "ple": PLESpec(layers=2, shared=2, private=1, expert=(4,), tower=(4,)),
}
FEW = {"law": LAW, "steps": 40, "batch": 32}
SCENARIO = ConflictSpec(
    name="task_conflict",
    question="Where do they part?",
    seeds=2,
    correlations=(1.0, 0.0),
    models=MODELS,
    reference="shared_bottom",
    **FEW,
)


def folder_of(root: Path) -> Path:
    """Its results folder, under `root`."""
    return harness.run(SCENARIO, Executor(workers=1), data=root / "data", reports=root / "reports")
