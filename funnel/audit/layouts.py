"""What a folder says of its columns: RecFlow's names as they are, `columns.toml` over them, or `columns.toml` alone."""

from pathlib import Path
from typing import Literal, TypeVar

from funnel.audit.spec import LogSpec
from funnel.errors import InputError, SpecError
from funnel.intake import recflow
from funnel.patch import Table, merge
from funnel.scenario.file import read_toml
from funnel.spec import Spec
from funnel.tasks import TASKS

MAPPING = "columns.toml"
"""the file beside the logs that says which column is what"""
STAGES: tuple[Literal["early"], Literal["late"]] = ("early", "late")
"""ranking stages whose scores and predictions an export writes down"""
Parsed = TypeVar("Parsed", bound=Spec)


def layout(folder: Path, found: list[str]) -> LogSpec:
    """How the logs of a folder are read.

    Args:
        found: columns of the files.

    Raises:
        InputError: the folder says nothing that can be read, or every problem of what it says.
    """
    own = _table(folder / MAPPING)
    table = merge(_recflow(folder, found), own) if _is_recflow(own, found) else own
    if not table:
        raise InputError(
            f"{folder}: should hold `{MAPPING}`, which says what the columns are, or the columns of RecFlow "
            f"(`request_id`, `user_id`, `video_id`, `{'`, `'.join(recflow.LABELS)}`). Found {', '.join(found)}."
        )
    return _parsed(LogSpec, table, folder / MAPPING)


def _parsed(spec: type[Parsed], table: Table, path: Path) -> Parsed:
    """A spec of a table, whose problems are those of the folder."""
    try:
        return spec.parse(table, str(path))
    except SpecError as error:
        raise InputError(error.problems) from None


def _table(path: Path) -> Table:
    try:
        return read_toml(path) if path.exists() else {}
    except SpecError as error:
        raise InputError(error.problems) from None


def _is_recflow(own: Table, found: list[str]) -> bool:
    named = own.get("layout", "recflow" if "columns" not in own else "own")
    return named == "recflow" and {"request_id", "user_id", "video_id", *recflow.LABELS}.issubset(found)


def _recflow(folder: Path, found: list[str]) -> Table:
    """The layout of RecFlow, and of an export where a note lies beside that says so."""
    path = folder / recflow.NOTE
    table: Table = _exported(_parsed(recflow.Note, _table(path), path)) if path.exists() else _industrial(found)
    own = {"source": "source", "bubble_count": "bubble_count", "reference": "reference_score"}
    tasks = dict.fromkeys([*recflow.TASK_COLUMNS, *(task.name for task in TASKS)])
    labels = {task: recflow.TASK_COLUMNS.get(task, task) for task in tasks}
    predictions = {
        stage: {task: name for task in tasks if (name := recflow.predicted(stage, task)) in found} for stage in STAGES
    }
    return table | {
        "layout": "recflow",
        "columns": {"request": "request_id", "user": "user_id", "item": "video_id", "time": "request_timestamp"}
        | {role: name for role, name in own.items() if name in found},
        "scores": {table[role]: f"{role}_score" for role in STAGES if f"{role}_score" in found},
        "labels": {task: name for task, name in labels.items() if name in found},
        "predictions": {table[role]: predictions[role] for role in STAGES if predictions[role]},
    }


def _industrial(found: list[str]) -> Table:
    """RecFlow itself: five stages behind retrieval, their rows sampled, the places of two rankings known if they are
    among the columns.

    Only labels of the first two cuts exclude others: a video may rank behind the first ten and be shown.
    """
    return {
        "stages": ["retrieval", *recflow.CUT, "shown"],
        "early": "prerank",
        "late": "rank",
        "reach": {
            "prerank_neg": "retrieval",
            "coarse_neg": "prerank",
            "rank_neg": "coarse",
            "rank_pos": "rank",
            "rerank_neg": "rank",
            "rerank_pos": "rerank",
            "realshow": "shown",
        },
        "cut": ["prerank_neg", "coarse_neg"],
        "ranks": {stage: name for stage, name in (("rank", "rank_index"), ("rerank", "rerank_index")) if name in found},
        "sampled": True,
    }


def _exported(note: recflow.Note) -> Table:
    """An export of this project: two ranking stages, whose cuts are final."""
    cut = recflow.CUT[note.early], recflow.CUT[note.late]
    return {
        "stages": ["retrieval", *STAGES],
        "early": "early",
        "late": "late",
        "reach": {cut[0]: "retrieval", cut[1]: "early", "rank_pos": "late", "rerank_pos": "late", "realshow": "late"},
        "cut": list(cut),
        "slices": list(note.slices),
        "sources": list(note.sources),
        "slate": note.keep.get("late"),
        "sampled": note.sampled,
    }
