"""Logged candidates: what each request was shown, and of what its stages cut the sample that the log kept.

Impressions alone say what is good among the best of a pool; an early stage has to tell the best from the rest. A stage
log is uniform over what a stage cut, a few candidates a request, so the shown are far more of the logged candidates
than of the pool. Nothing is weighed up to the pool: it would rest nearly all weight on a handful of cuts.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from funnel.rng import keyed_uniforms
from funnel.tasks import TASK, TASKS
from funnel.training.batches import Period, joined
from funnel.training.spec import TrainSpec, labelled_when_cut
from funnel.world.observed import Observed


def logged(shown: pl.DataFrame, cut: pl.DataFrame, observed: Observed) -> pl.DataFrame:
    """One table of the logged candidates of every request.

    Args:
        shown: `schema.IMPRESSIONS`.
        cut: `schema.STAGE_LOG`. What exploration has shown after all is taken as shown.

    Returns:
        Request by request, the shown before the cut: `request`, `user`, `item`, `position` (0 for a cut candidate, as
        at serving), `cut` (the stage that cut it; null where it was shown), `bubble_count` (friends that it shows, or
        would have shown), and a label for each task, null where there is none.
    """
    kept = ["request", "user", "item", "position", "bubble_count", *(task.name for task in TASKS)]
    lost = cut.join(shown, on=["request", "item"], how="anti").select("request", "user", "item", cut="stage")
    lost = lost.with_columns(bubble_count=pl.Series(_bubble_counts(lost, observed)), position=pl.lit(0, pl.Int16))
    return pl.concat([shown.select(kept), lost], how="diagonal").sort("request", maintain_order=True)


def _bubble_counts(log: pl.DataFrame, observed: Observed) -> np.ndarray:
    """int8 (N,): friends shown on each row's item."""
    counts = np.zeros(len(log), np.int8)
    for chosen, bubbles, bubble in joined(log, observed):
        carried = bubble >= 0
        counts[chosen[carried]] = bubbles.count[bubble[carried]]
    return counts


def as_served(period: Period) -> Period:
    """The candidates all at position 0, as a stage sees them: the place that something was shown at came later."""
    return replace(period, log=period.log.with_columns(position=pl.lit(0, pl.Int16)))


def training_log(train: TrainSpec, shown: pl.DataFrame, cut: pl.DataFrame, observed: Observed) -> pl.DataFrame:
    """What a ranker's rows are made of: the impressions and, where `train.negatives` asks, candidates that were cut.

    On a candidate that was cut no wanted binary task happened, as in the entire-chain pre-ranker of Song et al. (CIKM
    2022, arXiv 2310.08039), who give every stage's output a label of its own; here there is one label, and a cut is a
    plain negative. That is an assumption: it might well have been liked. So probabilities fall and are no longer
    calibrated on what is shown; the order is what is learnt. A bubble that the candidate would have carried is known,
    so tasks on bubbles are labelled where there is one.

    A candidate that was cut has no position. All at 0 would give the cuts away, for most of what was shown stands
    further down: a ranker that reads `position` would learn that 0 is bad. So each is put at a position drawn from
    those of its request, the same whenever its row is made; position then tells nothing of having been cut.
    """
    if not train.negatives:
        return shown
    log = logged(shown, cut, observed).filter(pl.col("cut").is_null() | pl.col("cut").is_in(train.negatives))
    labels = [_labelled(task) for task in TASK if labelled_when_cut(task)]
    return log.with_columns(labels).with_columns(position=_positions(log))


def _positions(log: pl.DataFrame) -> pl.Series:
    """int16 (N,): as logged of what was shown, and drawn from 0 to the greatest of its request for what was cut."""
    was_cut = pl.col("cut").is_not_null()
    count = log.select(pl.col("position").max().over("request") + 1).to_series().to_numpy()
    # Seed 0 under every training seed: the rows are data, and another training is to see the same.
    uniforms = keyed_uniforms(0, "position of a cut", log["request"].to_numpy(), log["item"].to_numpy(), 1)[:, 0]
    drawn = pl.lit(pl.Series((uniforms.astype(np.float64) * count).astype(np.int16)))
    return log.select(position=pl.when(was_cut).then(drawn).otherwise(pl.col("position"))).to_series()


def _labelled(task: str) -> pl.Expr:
    """The label column of a task with its negatives filled in."""
    negative = pl.col("cut").is_not_null()
    if TASK[task].given:
        negative &= pl.col("bubble_count") > 0
    return pl.when(negative).then(pl.lit(0.0, pl.Float32)).otherwise(pl.col(task)).alias(task)
