"""What an export says of itself, in `stages.toml` beside its folders."""

import json
from pathlib import Path
from typing import Any

from funnel.errors import SpecError
from funnel.intake.recflow import ADDED, NOTE, SLICES, Note, predicted
from funnel.scenario.export.replay import Replay
from funnel.scenario.file import read_toml
from funnel.scenario.spec import Scenario
from funnel.scenario.store import fingerprint
from funnel.stages.spec import STAGES


def note_of(replay: Replay, scenario: Scenario, arm: str) -> Note:
    """The note of one arm's export."""
    exam, funnel = replay.exam, replay.lab.arm
    recipe = {"look": exam.look(arm), "requests": funnel.evaluation.requests}
    columns = {name: told for name, (_, told) in ADDED.items()} | {
        predicted(stage, task): f"what the {stage} stage predicts of `{task}`"
        for stage in STAGES
        for task in funnel.stages.named(stage).tasks
    }
    return Note(
        sampled=False,
        early="prerank",
        late="rank",
        sources=tuple(funnel.retrieval.sources),
        slices=SLICES,
        pool=funnel.retrieval.budget,
        keep={stage: funnel.stages.named(stage).keep for stage in STAGES},
        scenario=scenario.name,
        arm=arm,
        seed=exam.seed,
        requests=funnel.evaluation.requests,
        fingerprint=fingerprint("export", recipe)[:16],
        columns=columns,
    )


def read_note(folder: Path) -> Note | None:
    """What an export says of itself; None where there is none, or somebody else's file."""
    try:
        return Note.parse(read_toml(folder / NOTE), "")
    except SpecError:
        return None


def write_note(folder: Path, note: Note) -> None:
    """Writes the note as TOML: plain values first, then its tables."""
    values = note.table()
    tables = {name: values.pop(name) for name in list(values) if isinstance(values[name], dict)}
    lines = _lines(values) + [line for name, table in tables.items() for line in ("", f"[{name}]", *_lines(table))]
    (folder / NOTE).write_text("\n".join(lines) + "\n")


def _lines(table: dict[str, Any]) -> list[str]:
    # Texts, numbers, truth values and lists of them are written alike in JSON and in TOML.
    return [f"{name} = {json.dumps(value)}" for name, value in table.items()]
