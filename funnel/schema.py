"""Columns and dtypes of every table that is written to disk, and the check that a table has them."""

import polars as pl

from funnel.errors import DataError
from funnel.tasks import TASKS

Schema = dict[str, pl.DataType | type[pl.DataType]]

IMPRESSIONS: Schema = {
    "request": pl.Int64,
    "user": pl.Int64,
    "item": pl.Int64,
    "position": pl.Int16,
    "source": pl.Int64,
    "propensity": pl.Float32,  # probability that the policy put this item at this position
    "explored": pl.Boolean,
    "bubble_count": pl.Int8,
    # A label is null where its condition did not hold: no bubble was on the item, no click came before the conversion.
    **{task.name: pl.Float32 for task in TASKS},
}
"""One row an impression: what was shown, why, and what the user did."""

STAGE_LOG: Schema = {
    "request": pl.Int64,
    "user": pl.Int64,
    "item": pl.Int64,
    "stage": pl.String,  # the stage that cut the candidate
    "source": pl.Int64,
    "score": pl.Float32,  # what that stage sorted by
}
"""One row a sampled candidate that was cut, labelled by the stage that cut it."""

ROWS: Schema = {
    "seed": pl.Int64,
    "arm": pl.String,
    "measure": pl.String,  # a name of the metric catalogue
    "stage": pl.String,  # the stage it speaks of, or ""
    "slice": pl.String,  # the rows or users it is restricted to; "all" without restriction
    "task": pl.String,  # the task it speaks of, or ""
    "value": pl.Float64,
    "n": pl.Int64,  # requests (or items, where the measure says so) behind the value
}
"""One row a measure of one arm under one seed: what intervals over seeds are computed from."""

POINT_ROWS: Schema = {
    "point": pl.Int64,  # place of the point in the results of its sweep
    **ROWS,
}
"""One row a measure of one arm at one point of a sweep under one seed."""

REQUEST_ROWS: Schema = {
    "seed": pl.Int64,
    "arm": pl.String,
    "request": pl.Int64,  # position in the evaluation's requests, the same in every arm
    "measure": pl.String,
    "stage": pl.String,
    "slice": pl.String,
    "task": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
}
"""One row a request of the measures that a bootstrap resamples; value = sum numerator / sum denominator."""

DEATHS: Schema = {
    "seed": pl.Int64,
    "arm": pl.String,
    "request": pl.Int64,
    "user": pl.Int64,
    "item": pl.Int64,
    "value": pl.Float32,
    "friend": pl.Boolean,
    "source": pl.Int64,  # bitmask of the sources that fetched it, 0 where none did
    "ended": pl.String,  # the stage that lost it, or `shown`
    "early_rank": pl.Int64,  # 1 is best, in the retrieved pool; null where retrieval missed it
    "early_gap": pl.Float32,  # early score minus that of the last survivor; negative where it was cut
    "late_rank": pl.Int64,  # among the early survivors; null where it was none
    "late_gap": pl.Float32,  # late score minus that of the last item of the slate
}
"""One row an oracle item of a sampled request: where it ended, and by how much."""

SAMPLE: Schema = {
    "arm": pl.String,
    "request": pl.Int64,
    "user": pl.Int64,
    "item": pl.Int64,
    "source": pl.Int64,  # bitmask of the sources that fetched it, 0 where only an oracle knew it
    "friend": pl.Boolean,
    "bubble_count": pl.Int8,  # friends shown on it
    "closeness": pl.Float32,  # greatest estimated closeness among them, 0 without
    "value": pl.Float32,
    "oracle": pl.Boolean,  # one of the request's oracle set
    "retrieved": pl.Boolean,
    "early": pl.Boolean,  # survived the early stage
    "slate": pl.Boolean,
    "early_score": pl.Float32,
    "late_score": pl.Float32,
    "reference_score": pl.Float32,  # of the reference's late stage, which judges what every arm lost
    "early_rank": pl.Int32,  # 1 is best, in the retrieved pool; null where retrieval missed it
    "late_rank": pl.Int32,  # among the early survivors; null where it was none
}
"""One row a candidate, or an oracle item, of a few requests of the first seed."""

CONTRIBUTIONS: Schema = {
    "arm": pl.String,
    "request": pl.Int64,
    "item": pl.Int64,
    "stage": pl.String,
    "task": pl.String,
    "value": pl.Float32,  # what the task's weight multiplies in the stage's score
}
"""One row a row of the sample, a stage and a task that the stage predicts."""

KEEP_CURVE: Schema = {
    "seed": pl.Int64,
    "arm": pl.String,
    "keep": pl.Int64,  # budget of the early stage
    "lost": pl.Float64,  # as the measures of these names
    "value": pl.Float64,
}
"""One row an arm, a seed and a budget that its early stage could have had."""

DIAGNOSTICS: Schema = {
    "seed": pl.Int64,
    "arm": pl.String,  # the first arm that has the ranker
    "stage": pl.String,
    "measure": pl.String,  # a name of the measures of the diagnostics
    "task": pl.String,  # the task that the value speaks of
    "other": pl.String,  # the task, or the expert, that it stands in relation to, or ""
    "part": pl.String,  # the layer, the ablation, or the rows that it speaks of, or ""
    "step": pl.Float64,  # where on a curve: a training step, an epoch, a weight; null where there is no curve
    "value": pl.Float64,
}
"""One row a value that diagnosing a ranker found under one seed."""


def check(table: pl.DataFrame, schema: Schema, name: str) -> pl.DataFrame:
    """The table with its columns in schema order.

    Raises:
        DataError: a column is missing, unexpected or of another dtype; names all of them.
    """
    problems = [f"column `{column}` is missing" for column in schema if column not in table.columns]
    problems += [f"column `{column}` is not in the schema" for column in table.columns if column not in schema]
    problems += [
        f"column `{column}` should be {dtype}, found {table.schema[column]}"
        for column, dtype in schema.items()
        if column in table.columns and table.schema[column] != dtype
    ]
    if problems:
        raise DataError(f"Table `{name}`: {'; '.join(problems)}.")
    return table.select(list(schema))
