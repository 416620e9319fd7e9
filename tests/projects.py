"""A small project's folder for tests of the language: one base, one preset and one scenario."""

from pathlib import Path

import pytest

from funnel.errors import SpecError
from funnel.scenario.file import load

BASE = """
[world]
users = 2_000
[retrieval.sources]
nearest = { kind = "nearest", budget = 120 }
[stages.early]
keep = 100
features = ["content", "age"]
tasks = ["long_view", "like"]
formula = { long_view = 1.0, like = 0.5 }
[stages.late]
keep = 10
features = ["content", "age", "history_match"]
tasks = ["long_view", "like"]
model = { kind = "mmoe", experts = 2 }
formula = { long_view = 1.0, like = 0.5 }
[value]
formula = { long_view = 1.0, like = 0.5, bubble_engage = 1.0 }
"""
HEAD = """
name = "bubbles"
question = "Are candidates lost upstream?"
base = "reels"
seeds = 5
[verdict]
proposal = "late_only"
reference = "both"
baseline = "baseline"
margin = { lost = 0.02, value = 0.01 }
[change]
features = { add = ["bubble_count"] }
tasks = { add = ["bubble_engage"] }
formula = { bubble_engage = 1.0 }
"""
ARMS = """
[arms.baseline]
at = []
[arms.late_only]
at = ["late"]
[arms.both]
at = ["early", "late"]
"""
SMOKE = """
seeds = 2
[patch]
world.users = 300
evaluation.requests = 10
"""


def lay_out(folder: Path) -> Path:
    """Writes the files; returns the folder of scenarios."""
    for name, text in {"base/reels": BASE, "presets/smoke": SMOKE, "bubbles": HEAD + ARMS}.items():
        path = folder / "scenarios" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "scenarios"


def write(folder: Path, text: str) -> None:
    (folder / "bubbles.toml").write_text(text)


def problems(**arguments) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        load("bubbles", **arguments)
    return caught.value.problems
