"""The rows of one chunk of served requests in the RecFlow layout, and the arrays that are made of them."""

import numpy as np
import polars as pl

from funnel.candidates import Candidates
from funnel.intake.recflow import (
    CANDIDATE,
    COLUMNS,
    EXTRA,
    LABELS,
    OWN_LABELS,
    SLICES,
    TASK_COLUMNS,
    predicted,
)
from funnel.scenario.export.clock import moment
from funnel.scenario.export.replay import Served
from funnel.scenario.selection import Selection
from funnel.scenario.sheet import Asked
from funnel.schema import check
from funnel.traffic.slates import ranked
from funnel.world.observed import Observed


def stage_log(served: Served, start: int, videos: dict[str, np.ndarray], observed: Observed) -> pl.DataFrame:
    """All candidates of a chunk, request by request: the slate first, then the others as far as they came.

    Args:
        start: place of the chunk's first request in the evaluation.
        videos: `recflow.VIDEO` by item.

    Returns:
        `recflow.COLUMNS`, then `recflow.EXTRA`, then the predictions of both ranking stages.
    """
    page, chosen, likely = served.page, served.chosen, _predictions(served)
    item = page.rows.item
    place = _places(page.rows, chosen.early, chosen.late_score)
    columns = {
        **_who(page, start),
        **{name: column[item] for name, column in videos.items()},
        **_fates(chosen, place),
        **_feedback(served.labels),
        **_scores(served),
        **{name: getattr(observed, name)[item].astype(np.int64) for name in SLICES},
        **likely,
    }
    columns |= {name: np.zeros(len(item), np.int64) for name in COLUMNS if name not in columns}
    rows = _order(place, chosen.early_score, page.rows)
    rows = rows[page.retrieved[rows]]
    own = {name: pl.Series(served.labels[name][rows], nan_to_null=True) for name in OWN_LABELS}
    table = pl.DataFrame({name: column[rows] for name, column in columns.items()} | own)
    return check(table, {**COLUMNS, **EXTRA, **dict.fromkeys(likely, pl.Float32)}, "stage log")


def _who(page: Asked, start: int) -> dict[str, np.ndarray]:
    """int64 (n,) a column: which request a row is of, when it came, and from whom."""
    request = page.rows.request
    return {
        "request_id": page.requests.id[request],
        "request_timestamp": moment(start + request),
        "user_id": page.requests.user[request],
    }


def _fates(chosen: Selection, place: np.ndarray) -> dict[str, np.ndarray]:
    """int64 (n,) a column: shown, cut by the late stage (RecFlow's rank) or the early one (its pre-rank), and places.

    Args:
        place: int64 (n,), in the late ranking, whose order is the slate's.
    """
    early, slate = chosen.early, chosen.slate
    shown = dict.fromkeys(("realshow", "rerank_pos", "rank_pos"), slate)
    flags = {**shown, "rank_neg": early & ~slate, "prerank_neg": ~early}
    found = {name: flag.astype(np.int64) for name, flag in flags.items()}
    return found | {"rank_index": place, "rerank_index": place * slate}


def _feedback(labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """int64 (n,) a column: what came of the slate, and 0 off it."""
    answered = {column: np.nan_to_num(labels[task]) for task, column in TASK_COLUMNS.items()}
    answered["playing_time"] = np.rint(np.nan_to_num(labels["watch_seconds"]) * 1000.0)
    return {name: values.astype(np.int64) for name, values in answered.items()}


def _scores(served: Served) -> dict[str, np.ndarray]:
    """(n,) a column: what the stages sort by, and what was known of a candidate when they did."""
    return {
        "early_score": served.chosen.early_score,
        "late_score": served.chosen.late_score,
        "reference_score": served.reference_score,
        "source": served.page.rows.source,
        "bubble_count": served.bubble_count,
    }


def _predictions(served: Served) -> dict[str, np.ndarray]:
    return {
        predicted(stage, task): means
        for stage, of_stage in served.predicted.items()
        for task, means in of_stage.items()
    }


def _places(rows: Candidates, early: np.ndarray, score: np.ndarray) -> np.ndarray:
    """int64 (n,): place in the late ranking of the early survivors, 1 is best; 0 for the others."""
    order = ranked(rows.scored(score).take(early))
    places = np.zeros(len(rows), np.int64)
    places[early] = order.position[np.lexsort((order.item, order.request))] + 1
    return places


def _order(place: np.ndarray, early_score: np.ndarray, rows: Candidates) -> np.ndarray:
    """int64 (n,): rows by request, then by the late ranking, then by the early one."""
    late = np.where(place > 0, place, len(rows) + 1)
    return np.lexsort((rows.item, -early_score, late, rows.request))


def by_request(log: pl.DataFrame) -> dict[int, dict[str, np.ndarray]]:
    """`request_id_dict` of a stage log: by request and label, int64 (k, 8) of `recflow.CANDIDATE`.

    A label that no candidate of a request has is left out. The loop is over requests because dicts are what is asked
    for.
    """
    ids = log["request_id"].unique(maintain_order=True).to_list()
    found: dict[int, dict[str, np.ndarray]] = {request: {} for request in ids}
    for label in LABELS:
        labelled = log.filter(pl.col(label) == 1)
        rows = labelled.select(CANDIDATE).to_numpy()
        owners, starts, counts = np.unique(labelled["request_id"].to_numpy(), return_index=True, return_counts=True)
        for owner, start, stop in zip(owners.tolist(), starts, starts + counts, strict=True):
            found[owner][label] = rows[start:stop]
    return found
