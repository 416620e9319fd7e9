"""The RecFlow layout of stage logs: its folders, columns and stage labels, and what this project's export adds to it.

RecFlow (ICLR 2025) logs one industrial funnel: what was retrieved, and where each candidate was cut. Names, dtypes and
units are those of its README and of the research code beside it (https://github.com/RecFlow-ICLR/RecFlow). A feather
file is an Arrow IPC file.

What an export adds are columns that RecFlow has not: scores, predictions, sources, and labels of other tasks. A reader
that picks columns by name does not meet them. `stages.toml` beside the folders says what they are.
"""

from pathlib import Path
from typing import Literal

import polars as pl

from funnel.schema import Schema
from funnel.spec import Spec
from funnel.tasks import TASKS

ALL_STAGE, REALSHOW, SEQUENCES, REQUESTS, OTHERS = (
    "all_stage",
    "realshow",
    "seq_effective_50_dict",
    "request_id_dict",
    "others",
)
"""folders: a file a day of all candidates, of what was shown, of behaviour before each request, and of candidates by
request and stage label; the last is about all days"""
NOTE = "stages.toml"
"""the file beside the folders that an export describes itself in; RecFlow itself has none"""

WHO = ("request_id", "request_timestamp", "user_id", "device_id", "age", "gender", "province")
"""columns of a request; the timestamp in milliseconds"""
VIDEO = (
    "video_id",
    "author_id",
    "category_level_one",
    "category_level_two",
    "upload_type",
    "upload_timestamp",
    "duration",
)
"""columns of a video; uploaded in seconds, its duration in milliseconds"""
LABELS = ("realshow", "rerank_pos", "rerank_neg", "rank_pos", "rank_neg", "coarse_neg", "prerank_neg")
"""0/1: shown; in the top 10 of the re-rank, and out of it; in the top 10 of the rank, and out of it; cut by the coarse
rank; cut by the pre-rank"""
PLACES = ("rank_index", "rerank_index")
"""place in the ranking of a stage, 1 is best; 0 where it did not rank the candidate"""
FEEDBACK = ("playing_time", "effective_view", "long_view", "like", "follow", "forward", "comment")
"""milliseconds watched, then 0/1; all 0 where the video was not shown"""

COLUMNS: Schema = dict.fromkeys((*WHO, *VIDEO, *LABELS, *PLACES, *FEEDBACK), pl.Int64)
"""every column of `all_stage` and of `realshow`, in the order of the README"""

Cut = Literal["prerank", "coarse", "rank", "rerank"]
"""the stages, in funnel order"""
CUT: dict[Cut, str] = {
    "prerank": "prerank_neg",
    "coarse": "coarse_neg",
    "rank": "rank_neg",
    "rerank": "rerank_neg",
}
"""the label of what each of them cut"""

TASK_COLUMNS: dict[str, str] = {
    "effective_view": "effective_view",
    "long_view": "long_view",
    "like": "like",
    "follow": "follow",
    "share": "forward",
    "comment": "comment",
}
"""the column of each task that RecFlow has a label of"""

SEQUENCE = (
    "video_id",
    "author_id",
    "category_level_two",
    "category_level_one",
    "upload_type",
    "upload_timestamp",
    "duration",
    "request_timestamp",
    "playing_time",
    "request_id",
)
"""columns of the arrays in `seq_effective_50_dict`: the user's effective views before a request"""
LENGTH = 50
"""rows of such an array: oldest view first, zeros in front where there were fewer"""
CANDIDATE = (
    "video_id",
    "author_id",
    "duration",
    "category_level_two",
    "upload_type",
    "upload_timestamp",
    "category_level_one",
    "effective_view",
)
"""columns of the arrays in `request_id_dict`: one a request and stage label"""
COUNTED = (
    "user_id",
    "device_id",
    "age",
    "gender",
    "province",
    "video_id",
    "author_id",
    "category_level_one",
    "category_level_two",
    "upload_type",
)
"""fields whose number of ids stands in `others/id_cnt.pkl`"""

OWN_LABELS = tuple(task.name for task in TASKS if task.name not in TASK_COLUMNS)
"""tasks whose labels an export adds under their own names: null where not shown, or where the condition did not hold"""
SLICES = ("fresh", "small")
"""0/1 columns that an export adds: among the newest tenth of items, by one of the smaller half of creators"""
ADDED: dict[str, tuple[type[pl.DataType], str]] = {
    "early_score": (pl.Float32, "what the early stage sorts the retrieved pool by"),
    "late_score": (pl.Float32, "what the late stage sorts by, on the whole retrieved pool"),
    "reference_score": (pl.Float32, "score by the late stage with the change, which judges what was lost"),
    "source": (pl.Int64, "bitmask of the sources that fetched the candidate"),
    "bubble_count": (pl.Int64, "friends shown on it"),
    "fresh": (pl.Int64, "1 where the item is among the newest tenth"),
    "small": (pl.Int64, "1 where its creator is among the smaller half by past views"),
    **{name: (pl.Float32, f"label of `{name}`; null where not shown or not asked") for name in OWN_LABELS},
}
EXTRA: Schema = {name: dtype for name, (dtype, _) in ADDED.items()}
"""columns that an export adds, but for those of predictions"""


def predicted(stage: str, task: str) -> str:
    """The column of what a ranking stage (`early` or `late`) predicts of a task: float32, on the whole pool."""
    return f"{stage}_p_{task}"


class Note(Spec):
    """What `stages.toml` says of an export."""

    layout: Literal["recflow"] = "recflow"
    sampled: bool
    """whether the rows are a sample of each stage's candidates, so that counts of them are not the funnel's"""
    early: Cut
    """the stage of the layout that stands for the early one, which cuts the whole retrieved pool"""
    late: Cut
    """the stage of the layout that stands for the late one, whose survivors are the slate"""
    sources: tuple[str, ...]
    """names of the sources, from the lowest bit of `source` up"""
    slices: tuple[str, ...] = ()
    """0/1 columns by which measures may be told apart"""
    pool: int
    """candidates that retrieval may return for a request, at most"""
    keep: dict[str, int]
    """survivors a request of the early and of the late stage, where nothing gets more or fewer"""
    scenario: str
    arm: str
    seed: int
    requests: int
    """requests in all files"""
    fingerprint: str
    """of the scenario as it was resolved"""
    columns: dict[str, str]
    """what each column is that RecFlow does not have"""


def days(folder: Path) -> list[Path]:
    """The files of all candidates, one a day, in the order of the days."""
    return sorted((folder / ALL_STAGE).glob("*.feather"))
