"""Stage logs made by hand: a funnel of two rankings over random scores, and its log in the layout of RecFlow or in own
columns."""

from pathlib import Path

import numpy as np
import polars as pl

from funnel.intake import recflow

OWN = """
stages = ["retrieval", "early", "late"]
early = "early"
late = "late"
slices = ["surface"]
sources = ["near", "friends"]

[columns]
request = "rid"
user = "who"
item = "video"
time = "at"
stage = "reached"
source = "from"
bubble_count = "bubbles"

[scores]
early = "cheap"
late = "dear"

[labels]
like = "liked"

[predictions.late]
like = "p_like"
"""


def own(
    generator: np.random.Generator, requests: int = 30, pool: int = 20, keep: int = 8, slate: int = 3
) -> pl.DataFrame:
    """A log in own columns, by request and item: `keep` of `pool` survive by `cheap`, and `slate` of them by `dear`."""
    n = requests * pool
    cheap, dear = generator.normal(size=(2, requests, pool)).astype(np.float32)
    dear += cheap
    early = _best(cheap, keep)
    late = _best(np.where(early, dear, -np.inf), slate)
    probability = (1 / (1 + np.exp(-dear.ravel()))).astype(np.float32)
    request = np.repeat(np.arange(requests), pool)
    return pl.DataFrame(
        {
            "rid": request,
            "who": request // 2,
            "video": np.tile(np.arange(pool), requests),
            "at": 1_700_000_000_000 + request * 3_600_000,
            "reached": np.where(late, "late", np.where(early, "early", "retrieval")).ravel(),
            "from": generator.integers(1, 4, n),
            "bubbles": generator.integers(0, 2, n),
            "surface": np.where(request % 3 == 0, "feed", "tab"),
            "cheap": cheap.ravel(),
            "dear": dear.ravel(),
            "liked": (generator.random(n) < probability).astype(int),
            "p_like": probability,
        }
    )


def write(folder: Path, table: pl.DataFrame, mapping: str = OWN, files: int = 2) -> Path:
    """The log in some parquet files, a block of its rows in each, and the mapping beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "columns.toml").write_text(mapping)
    size = -(-len(table) // files)
    for number in range(files):
        table[number * size : (number + 1) * size].write_parquet(folder / f"day{number}.parquet")
    return folder


def industrial(folder: Path, generator: np.random.Generator, requests: int = 20, pool: int = 20) -> Path:
    """A log in the layout of RecFlow itself, one feather file: some rows of each stage, and no scores."""
    n, place = requests * pool, np.tile(np.arange(pool), requests)
    zeros = np.zeros(n, np.int64)
    table = pl.DataFrame(dict.fromkeys(recflow.COLUMNS, zeros)).with_columns(
        request_id=np.repeat(np.arange(requests), pool),
        user_id=np.repeat(np.arange(requests) // 2, pool),
        video_id=place,
        request_timestamp=np.full(n, 1_705_104_000_000),
        **{name: (place < 3).astype(int) for name in ("realshow", "rerank_pos")},
        rerank_neg=((place >= 3) & (place < 6)).astype(int),
        rank_pos=(place < 6).astype(int),
        rank_neg=((place >= 6) & (place < 9)).astype(int),
        coarse_neg=((place >= 9) & (place < 14)).astype(int),
        prerank_neg=(place >= 14).astype(int),
        rank_index=np.where(place < 9, place + 1, 0),
        rerank_index=np.where(place < 6, place + 1, 0),
        like=np.where(place < 3, generator.integers(0, 2, n), 0),
    )
    (folder / recflow.ALL_STAGE).mkdir(parents=True)
    table.write_ipc(folder / recflow.ALL_STAGE / "2024-01-13.feather")
    return folder


def _best(score: np.ndarray, keep: int) -> np.ndarray:
    """bool (R, C): the `keep` greatest of each row; scores are distinct."""
    return score >= np.sort(score, axis=1)[:, -keep, None]
