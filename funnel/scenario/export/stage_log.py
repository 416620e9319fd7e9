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
    TASK_COLUMNS,
    predicted,
)
from funnel.scenario.export.clock import moment
from funnel.scenario.export.replay import Served
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
    page, chosen = served.page, served.chosen
    request, item = page.rows.request, page.rows.item
    place = _places(page.rows, chosen.early, chosen.late_score)
    columns = {
        "request_id": page.requests.id[request],
        "request_timestamp": moment(start + request),
        "user_id": page.requests.user[request],
        **{name: column[item] for name, column in videos.items()},
        **_fates(chosen.early, chosen.slate),
        "rank_index": place,
        "rerank_index": np.where(chosen.slate, place, 0),  # the late stage's order is the slate's
        **_feedback(served.labels),
        "early_score": chosen.early_score,
        "late_score": chosen.late_score,
        "reference_score": served.reference_score,
        "source": page.rows.source,
        "bubble_count": served.bubble_count,
        "fresh": observed.fresh[item].astype(np.int64),
        "small": observed.small[item].astype(np.int64),
        **_predictions(served),
    }
    columns |= {name: np.zeros(len(item), np.int64) for name in COLUMNS if name not in columns}
    rows = _order(place, chosen.early_score, page.rows)
    rows = rows[page.retrieved[rows]]
    own = {name: pl.Series(served.labels[name][rows], nan_to_null=True) for name in OWN_LABELS}
    table = pl.DataFrame({name: column[rows] for name, column in columns.items()} | own)
    likely = dict.fromkeys(_predictions(served), pl.Float32)
    return check(table, {**COLUMNS, **EXTRA, **likely}, "stage log")


def _fates(early: np.ndarray, slate: np.ndarray) -> dict[str, np.ndarray]:
    """int64 (n,) a label: shown, cut by the late stage (RecFlow's rank), cut by the early stage (its pre-rank)."""
    shown = dict.fromkeys(("realshow", "rerank_pos", "rank_pos"), slate)
    flags = {**shown, "rank_neg": early & ~slate, "prerank_neg": ~early}
    return {name: flag.astype(np.int64) for name, flag in flags.items()}


def _feedback(labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """int64 (n,) a column: what came of the slate, and 0 off it."""
    answered = {column: np.nan_to_num(labels[task]) for task, column in TASK_COLUMNS.items()}
    answered["playing_time"] = np.rint(np.nan_to_num(labels["watch_seconds"]) * 1000.0)
    return {name: values.astype(np.int64) for name, values in answered.items()}


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
        arrays = labelled.select(CANDIDATE).to_numpy()
        owner, starts = np.unique(labelled["request_id"].to_numpy(), return_index=True)
        for request, rows in zip(owner.tolist(), np.split(arrays, starts[1:]), strict=False):
            found[request][label] = rows
    return found
