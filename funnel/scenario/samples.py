"""The sample of one arm, from its ledger and its lab to files."""

from pathlib import Path

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.samples import REQUESTS, contributions, sample
from funnel.scenario.lab import Lab
from funnel.stages.spec import STAGES
from funnel.world.bubbles import join

FIRST = 0
"""the seed that the sample is of: single requests are to be read, and more worlds would not make them clearer"""


def write_sample(lab: Lab, ledger: Ledger, folder: Path) -> None:
    """Writes `sample.parquet` and `contributions.parquet`."""
    rows = ledger.rows.slice(0, REQUESTS)
    bubbles = join(lab.world.observed, lab.requests.user[:REQUESTS])
    at = bubbles.at(rows)
    count = np.where(at >= 0, bubbles.count[at] if len(bubbles.item) else 0, 0)
    sample(ledger, "", lab.requests, count).write_parquet(folder / "sample.parquet")
    formulas = {stage: lab.arm.stages.named(stage) for stage in STAGES}
    sees = {stage: lab.arm_rank(stage).looks_at_bubbles for stage in STAGES}
    contributions(ledger, "", lab.requests, formulas, sees).write_parquet(folder / "contributions.parquet")
