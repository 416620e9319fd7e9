"""The results folder: the only bridge from a run to its report. `docs/results.md` documents every file and key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from funnel import patch, schema
from funnel.errors import ResultsError
from funnel.metrics.catalogue import METRICS
from funnel.metrics.verdict import Arm, judge
from funnel.scenario import envelope
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.estimates import Estimates
from funnel.scenario.spec import Scenario

TABLES = {
    "rows": schema.ROWS,
    "request_rows": schema.REQUEST_ROWS,
    "deaths": schema.DEATHS,
    "diagnostics": schema.DIAGNOSTICS,
}


@dataclass(frozen=True)
class Results:
    """A finished results folder, read."""

    folder: Path
    summary: dict[str, Any]
    """results.json"""
    deaths: pl.DataFrame


def write(
    folder: Path,
    scenario: Scenario,
    rows: pl.DataFrame,
    request_rows: pl.DataFrame,
    deaths: pl.DataFrame,
    facts: dict[str, Any],
    diagnostics: Diagnostics | None,
    seconds: float,
) -> dict[str, Any]:
    """Summarise a run and write its folder.

    Args:
        rows, request_rows, deaths: tables of `funnel.schema`, all arms and seeds.
        facts: by arm and by seed, named numbers that are no measures (index recall, label rates).
        diagnostics: what diagnosing its rankers found; None where the scenario did not ask.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        DataError: a table breaks its schema.
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    tables = {"rows": rows, "request_rows": request_rows, "deaths": deaths}
    if diagnostics:
        tables["diagnostics"] = diagnostics.rows
    tables = {name: schema.check(table, TABLES[name], name) for name, table in tables.items()}
    spec = _spec(scenario)
    summary = _summary(scenario, spec, rows, request_rows, facts, seconds)
    summary["diagnostics"] = diagnostics.summary() if diagnostics else None
    return envelope.write(folder, spec, summary, tables)


def read(folder: Path) -> Results:
    """A finished folder.

    Raises:
        ResultsError: there is none, or it is unfinished, foreign, damaged or of another version.
    """
    summary = envelope.read(folder)
    try:
        deaths = schema.check(pl.read_parquet(folder / "deaths.parquet"), schema.DEATHS, "deaths")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(
            f"{folder / 'deaths.parquet'}: should be a parquet table. Found {error}. Run the scenario again."
        ) from None
    return Results(folder, summary, deaths)


def _summary(
    scenario: Scenario, spec: dict, rows: pl.DataFrame, request_rows: pl.DataFrame, facts: dict, seconds: float
) -> dict[str, Any]:
    arms, verdict = list(scenario.arms), scenario.verdict
    estimates = Estimates(rows, request_rows)
    return {
        "schema_version": envelope.SCHEMA_VERSION,
        "scenario": {
            "name": scenario.name,
            "question": scenario.question,
            "arms": arms,
            "seeds": estimates.seeds,
            "requests": estimates.requests,
            "proposal": verdict.proposal,
            "reference": verdict.reference,
            "baseline": verdict.baseline,
        },
        "fingerprint": envelope.fingerprint(spec),
        "versions": envelope.versions(),
        "verdict": judge(
            _arm(estimates, verdict.proposal),
            _arm(estimates, verdict.reference),
            _arm(estimates, verdict.baseline),
            margin_lost=verdict.margin.lost,
            margin_value=verdict.margin.value,
        ).table(),
        "measures": {metric.name: {"unit": metric.unit, "definition": metric.definition} for metric in METRICS},
        "estimates": {arm: estimates.of(arm) for arm in arms},
        "differences": {
            against: {arm: estimates.between(arm, other) for arm in arms if arm != other}
            for against, other in (("baseline", verdict.baseline), ("reference", verdict.reference))
        },
        "changes": {arm: patch.diff(spec["base"], spec["arms"][arm]) for arm in arms},
        "facts": facts,
        "seconds": seconds,
    }


def _arm(estimates: Estimates, name: str) -> Arm:
    return Arm(name, estimates.by_seed(name, "lost", "early"), estimates.by_seed(name, "value", "late"))


def _spec(scenario: Scenario) -> dict[str, Any]:
    """The resolved scenario as plain tables: what was run, whatever becomes of the files it was read from."""
    return {
        "name": scenario.name,
        "question": scenario.question,
        "seeds": scenario.seeds,
        "verdict": scenario.verdict.table(),
        "base": scenario.base.table(),
        "arms": {name: arm.table() for name, arm in scenario.arms.items()},
        "diagnostics": scenario.diagnostics,
        "frontier": scenario.frontier,
    }
