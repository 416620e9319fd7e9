"""An export, audited like anybody's logs, gives the measures that the scenario itself computed."""

import polars as pl
import pytest

from funnel.audit.harness import audit
from tests.exports import ARMS

KEY = ("measure", "stage", "slice", "task")
WITHOUT_TRUTH = (
    *("candidates", "keep_ratio", "lost", "correlation", "predicted_lost", "overlap", "penetration", "survival"),
    *("share", "label"),
)
"""measures that ask no oracle, but for slices and stages of an oracle's own"""


@pytest.mark.parametrize("arm", ARMS)
def test_every_measure_that_needs_no_truth_is_the_scenarios_own(exported, arm, tmp_path):
    exam = exported.exam
    own = pl.read_parquet(exam.store.ensure(exam.rows_piece(arm)) / "rows.parquet").filter(
        pl.col("measure").is_in(WITHOUT_TRUTH),
        pl.col("stage") != "oracle",
        ~pl.col("slice").str.starts_with("oracle_"),
    )
    audited = pl.read_parquet(audit(exported.folders[arm], reports=tmp_path) / "estimates.parquet")
    both = own.join(audited, on=KEY, how="left", suffix="_audited", validate="1:1")
    assert set(both["measure"]) == set(WITHOUT_TRUTH)
    assert both.filter(pl.col("value").is_null() != pl.col("value_audited").is_null())[KEY].rows() == []
    assert both.filter(pl.col("n") != pl.col("n_audited"))[KEY].rows() == []
    assert (both["value"] - both["value_audited"]).abs().max() < 1e-9
