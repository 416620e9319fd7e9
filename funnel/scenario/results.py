"""The results folder: the only bridge from a run to its report. `docs/results.md` documents every file and key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funnel import patch, schema
from funnel.errors import ResultsError
from funnel.metrics.axes import Arm
from funnel.metrics.catalogue import METRIC, METRICS
from funnel.metrics.multiplicity import judgements
from funnel.metrics.null import false_alarms
from funnel.metrics.verdict import judge
from funnel.scenario import envelope
from funnel.scenario.budgets import curves, equal_keep
from funnel.scenario.checks import Run, check
from funnel.scenario.diagnostics import Diagnostics
from funnel.scenario.estimates import PRIMARY, Estimates
from funnel.scenario.repairs import repairs
from funnel.scenario.roles import described
from funnel.scenario.spec import Scenario
from funnel.scenario.variances import variances

TABLES = {
    "rows": schema.ROWS,
    "request_rows": schema.REQUEST_ROWS,
    "deaths": schema.DEATHS,
    "keep_curve": schema.KEEP_CURVE,
    "sample": schema.SAMPLE,
    "contributions": schema.CONTRIBUTIONS,
    "diagnostics": schema.DIAGNOSTICS,
}


@dataclass(frozen=True)
class Results:
    """A finished results folder, read."""

    folder: Path
    summary: dict[str, Any]
    """results.json"""

    def table(self, name: str) -> pl.DataFrame:
        """One table of the folder, by its name in `TABLES`.

        Raises:
            DataError: it breaks its schema.
            ResultsError: it is missing or damaged.
        """
        path = self.folder / f"{name}.parquet"
        try:
            return schema.check(pl.read_parquet(path), TABLES[name], name)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ResultsError(f"{path}: should be a parquet table. Found {error}. Run the scenario again.") from None


def write(
    folder: Path,
    scenario: Scenario,
    tables: dict[str, pl.DataFrame],
    facts: dict[str, Any],
    failed: dict[str, str],
    diagnostics: Diagnostics | None,
    world: dict[str, Any] | None,
    seconds: float,
) -> dict[str, Any]:
    """Summarise a run and write its folder.

    Args:
        tables: all of `TABLES` but the diagnostics, of all arms that did not fail.
        facts: by arm and by seed, named numbers that are no measures (index recall, label rates).
        failed: by arm that failed: why. None of the three of the verdict is among them.
        diagnostics: what diagnosing its rankers found; None where the scenario did not ask.
        world: the account of the data that the base's world is fitted to; None of another world.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        DataError: a table breaks its schema.
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    if diagnostics:
        tables = tables | {"diagnostics": diagnostics.rows}
    tables = {name: schema.check(table, TABLES[name], name) for name, table in tables.items()}
    spec = _spec(scenario)
    summary = _summary(Run(scenario, tables, facts), spec, failed)
    summary |= {"seconds": seconds, "diagnostics": diagnostics.summary() if diagnostics else None, "world": world}
    return envelope.write(folder, spec, summary, tables)


def read(folder: Path) -> Results:
    """A finished folder.

    Raises:
        ResultsError: there is none, or it is unfinished, foreign, damaged or of another version.
    """
    return Results(folder, envelope.read(folder))


def _summary(run: Run, spec: dict[str, Any], failed: dict[str, str]) -> dict[str, Any]:
    scenario, estimates = run.scenario, Estimates(run.tables["rows"], run.tables["request_rows"])
    names = [arm for arm in scenario.arms if arm not in failed]
    arms = described(scenario, names)
    return {
        "schema_version": envelope.SCHEMA_VERSION,
        "scenario": _heading(scenario, names, estimates),
        "arms": arms,
        "failed": failed,
        "fingerprint": envelope.fingerprint(spec),
        "versions": envelope.versions(),
        **_judged(scenario, arms, estimates),
        "measures": {metric.name: {"unit": metric.unit, "definition": metric.definition} for metric in METRICS},
        "estimates": {arm: estimates.of(arm) for arm in names},
        "differences": _differences(scenario, arms, estimates),
        "contrasts": _contrasts(scenario, names, estimates),
        **_curves(scenario, run.tables["keep_curve"], estimates),
        "variance": variances(scenario, names, estimates),
        "null": _null(scenario, names, estimates) if scenario.null else None,
        "laws": check(run),
        "base": scenario.origin.table(),
        "changes": {arm: patch.diff(spec["base"], spec["arms"][arm]) for arm in names},
        "facts": run.facts,
    }


def _heading(scenario: Scenario, arms: list[str], estimates: Estimates) -> dict[str, Any]:
    verdict = scenario.verdict
    return {
        "name": scenario.name,
        "question": scenario.question,
        "arms": arms,
        "seeds": estimates.seeds,
        "requests": estimates.requests,
        "proposal": verdict.proposal,
        "reference": verdict.reference,
        "baseline": verdict.baseline,
    }


def _judged(scenario: Scenario, arms: dict[str, Any], estimates: Estimates) -> dict[str, Any]:
    """The verdict, what is to be said of every other arm, and the repairs."""
    verdict, margin = scenario.verdict, scenario.verdict.margin
    found = {name: _arm(estimates, name) for name in arms}
    proposal, reference, baseline = (found[name] for name in (verdict.proposal, verdict.reference, verdict.baseline))
    others = [arm for name, arm in found.items() if name != verdict.reference]
    judged = judgements(others, reference, margin.lost, margin.value)
    return {
        "verdict": judge(proposal, reference, baseline, margin.lost, margin.value).table(),
        "judgements": judged,
        "repairs": repairs(arms, estimates, judged, margin.value),
    }


def _differences(scenario: Scenario, arms: dict[str, Any], estimates: Estimates) -> dict[str, Any]:
    fixed = {"baseline": scenario.verdict.baseline, "reference": scenario.verdict.reference}
    found: dict[str, Any] = {
        against: {arm: estimates.between(arm, other) for arm in arms if arm != other}
        for against, other in fixed.items()
    }
    controls = {arm: entry["control"] for arm, entry in arms.items() if entry["control"]}
    return found | {"control": {arm: estimates.between(arm, control) for arm, control in controls.items()}}


def _contrasts(scenario: Scenario, arms: list[str], estimates: Estimates) -> dict[str, Any]:
    """Those of the scenario's contrasts that no failed arm is part of."""
    return {
        name: {"weights": weights, "estimates": estimates.contrast(weights)}
        for name, weights in scenario.contrasts.items()
        if set(weights) <= set(arms)
    }


def _curves(scenario: Scenario, curve: pl.DataFrame, estimates: Estimates) -> dict[str, Any]:
    proposal, reference = scenario.verdict.proposal, scenario.verdict.reference
    worth = estimates.by_seed(reference, "value", "late")
    own = scenario.arms[reference].stages.early.keep
    return {"keep_curve": curves(curve), "equal_keep": equal_keep(curve, worth, proposal, reference, own)}


def _null(scenario: Scenario, arms: list[str], estimates: Estimates) -> dict[str, Any]:
    keys, values = estimates.matrix(arms, METRIC)
    primary = np.array([key.slice == "all" and (key.measure, key.stage) in PRIMARY for key in keys])
    judged = np.array([METRIC[key.measure].judged for key in keys])
    margin, found = scenario.verdict.margin, [_arm(estimates, arm) for arm in arms]
    return false_alarms(values, primary, found, margin.lost, margin.value, judged, scenario.verdict.reference)


def _arm(estimates: Estimates, name: str) -> Arm:
    return Arm(name, *(estimates.by_seed(name, measure, stage) for measure, stage in PRIMARY))


def _spec(scenario: Scenario) -> dict[str, Any]:
    """The resolved scenario as plain tables: what was run, whatever becomes of the files it was read from."""
    return {
        "name": scenario.name,
        "question": scenario.question,
        "seeds": scenario.seeds,
        "verdict": scenario.verdict.table(),
        "base": scenario.base.table(),
        "arms": {name: arm.table() for name, arm in scenario.arms.items()},
        "at": scenario.at,
        "controls": scenario.controls,
        "contrasts": scenario.contrasts,
        "diagnostics": scenario.diagnostics,
        "frontier": scenario.frontier,
        "null": scenario.null,
    }
