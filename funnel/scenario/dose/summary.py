"""The results folder of a `bubble_dose` scenario: what `docs/results.md` says of this kind."""

from pathlib import Path
from typing import Any

import polars as pl

from funnel.scenario import envelope
from funnel.scenario.dose import numbers
from funnel.scenario.dose.slopes import ESTIMATORS
from funnel.scenario.dose.spec import DoseSpec
from funnel.scenario.dose.trial import TASKS
from funnel.scenario.dose.verdict import verdict


def write(
    folder: Path, scenario: DoseSpec, slopes: pl.DataFrame, curves: pl.DataFrame, cells: pl.DataFrame, seconds: float
) -> dict[str, Any]:
    """Summarise a trial and write its folder.

    Args:
        slopes, curves, cells: as `study.collect` gives them.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    estimates, biases = numbers.slopes(slopes), numbers.biases(slopes)
    summary = {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": scenario.kind,
        "scenario": {
            "name": scenario.name,
            "question": scenario.question,
            "tasks": TASKS,
            "estimators": ESTIMATORS,
            "share": scenario.share,
            "requests": scenario.base.traffic.requests,
            "seeds": list(range(scenario.seeds)),
        },
        "fingerprint": envelope.fingerprint(scenario.table()),
        "versions": envelope.versions(),
        "verdict": verdict(estimates, biases),
        "base": scenario.origin.table(),
        "estimates": estimates,
        "biases": biases,
        "curves": numbers.curves(curves),
        "rates": numbers.rates(cells),
        "facts": numbers.counts(cells),
        "seconds": seconds,
    }
    return envelope.write(folder, scenario.table(), summary, {"slopes": slopes, "curves": curves, "cells": cells})
