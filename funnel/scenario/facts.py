"""What an arm's run costs, and what else is worth knowing of it beside the measures."""

import numpy as np
import polars as pl

from funnel import schema
from funnel.candidates import Trace, stacked
from funnel.metrics.ledger import Ledger
from funnel.scenario.lab import Lab
from funnel.stages.runner import CHUNK, Funnel
from funnel.stages.spec import STAGES

CHECKED = CHUNK
"""requests that are served once more through the whole funnel, to time it and to compare it with the ledger"""


def costs(lab: Lab, ledger: Ledger, seed: int) -> pl.DataFrame:
    """`schema.ROWS` of what a request costs: multiply-adds and bytes of features read, and parameters, by stage."""
    requests = ledger.rows.requests
    asked = {"early": int(ledger.retrieved.sum()) / requests, "late": int(ledger.early.sum()) / requests}
    found = [("macs", "retrieval", float(lab.retrieve.macs))]
    for stage in STAGES:
        ranker = lab.arm_rank(stage).server.ranker
        found.append(("macs", stage, ranker.macs * asked[stage]))
        found.append(("feature_bytes", stage, ranker.feature_bytes * asked[stage]))
        found.append(("parameters", stage, float(ranker.parameters)))
    table = pl.DataFrame(found, schema=["measure", "stage", "value"], orient="row")
    fixed = {"seed": pl.lit(seed, pl.Int64), "arm": pl.lit(""), "slice": pl.lit("all"), "task": pl.lit("")}
    return schema.check(table.with_columns(**fixed, n=pl.lit(requests, pl.Int64)), schema.ROWS, "costs")


def facts(lab: Lab, ledger: Ledger) -> dict[str, float | None]:
    """What else is worth knowing of the run of one arm; times are measured, so they differ from run to run."""
    log = lab.log(lab.newest.log)
    traces = _served(lab)
    served = stacked([trace["late"].after for trace in traces])
    milliseconds = {
        name: 1e3 * sum(trace[name].seconds for trace in traces) / served.requests for name in ("retrieval", *STAGES)
    }
    chosen = ledger.rows.take(ledger.slate)
    return {
        "index_recall": lab.retrieve.recall(lab.requests.user[:CHECKED]),
        "impressions": log.height,
        "bubble_impressions": int((log["bubble_count"] > 0).sum()),
        "explored_share": float(log["explored"].to_numpy().mean()),
        "pool": int(ledger.retrieved.sum()) / ledger.rows.requests,
        "pool_friend_share": float(ledger.friend[ledger.retrieved].mean()),
        "oracle_friend_share": float(ledger.friend[ledger.oracle].mean()),
        **{f"rate_{task}": _mean(log[task]) for task in ledger.tasks},
        "ledger_equals_funnel": float(np.array_equal(chosen.slice(0, served.requests).item, served.item)),
        **{f"milliseconds_{name}": value for name, value in milliseconds.items()},
        "served_per_second": 1e3 / sum(milliseconds.values()),
        **_closeness(lab),
    }


def _closeness(lab: Lab) -> dict[str, float]:
    """What the arm's closeness model tells of its making, if it has one."""
    told = lab.estimate.told if lab.estimate else {}
    return {f"closeness_{name}": float(value) for name, value in told.items() if value is not None}


def _mean(column: pl.Series) -> float | None:
    """The mean of what is not null; None if all is."""
    values = column.drop_nulls().to_numpy()
    return float(values.mean()) if len(values) else None


def _served(lab: Lab) -> list[Trace]:
    """The traces of the first requests, served once more through the whole funnel."""
    funnel = Funnel(lab.retrieve, tuple(lab.arm_rank(stage) for stage in STAGES))
    _ = lab.retrieve.index  # built at first use, which should not count as serving
    return [trace for _, _, trace in funnel.serve(lab.requests.slice(0, CHECKED))]
