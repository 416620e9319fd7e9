"""The results folder of a `task_conflict` scenario: what `docs/results.md` says of this kind."""

from pathlib import Path
from typing import Any

import polars as pl

from funnel.scenario import envelope
from funnel.scenario.conflict import numbers
from funnel.scenario.conflict.spec import ConflictSpec
from funnel.scenario.conflict.verdict import verdict


def write(
    folder: Path,
    scenario: ConflictSpec,
    runs: pl.DataFrame,
    curves: pl.DataFrame,
    gates: pl.DataFrame,
    seconds: float,
) -> dict[str, Any]:
    """Summarise a study and write its folder.

    Args:
        runs, curves, gates: as `study.collect` gives them.
        seconds: wall time of the run.

    Returns:
        The summary that `results.json` holds.

    Raises:
        ResultsError: the disk is full; nothing that was finished before is touched.
    """
    losses, models = numbers.Losses(runs), list(scenario.models)
    differences = {name: losses.against(name, scenario.reference) for name in models if name != scenario.reference}
    widening = {name: losses.widening(name, scenario.reference) for name in differences}
    price = {name: losses.price(name) for name in models}
    summary = {
        "schema_version": envelope.SCHEMA_VERSION,
        "kind": scenario.kind,
        "scenario": {
            "name": scenario.name,
            "question": scenario.question,
            "models": models,
            "reference": scenario.reference,
            "correlations": losses.correlations,
            "seeds": list(range(scenario.seeds)),
        },
        "fingerprint": envelope.fingerprint(scenario.table()),
        "versions": envelope.versions(),
        "verdict": verdict(scenario.reference, differences, widening, price),
        "estimates": {name: losses.of(name) for name in models},
        "differences": differences,
        "widening": widening,
        "price": price,
        "curves": {name: numbers.curves(_of(curves, name)) for name in models},
        "gates": {
            name: numbers.gates(part, getattr(model, "private", 0))
            for name, model in scenario.models.items()
            if not (part := _of(gates, name)).is_empty()
        },
        "facts": _facts(runs),
        "seconds": seconds,
    }
    tables = {"runs": runs, "curves": curves, "gates": gates}
    return envelope.write(folder, scenario.table(), summary, tables)


def _of(table: pl.DataFrame, model: str) -> pl.DataFrame:
    return table.filter(pl.col("model") == model)


def _facts(runs: pl.DataFrame) -> dict[str, Any]:
    """Numbers that are no losses: parameters by model, the loss of the true law, and the labels' correlation."""
    seeds = runs.sort("seed").unique(("seed", "correlation"), maintain_order=True)
    return {
        "parameters": dict(runs.unique("model", maintain_order=True).select("model", "parameters").iter_rows()),
        "floor": numbers.number(runs.sort("seed").unique("seed", maintain_order=True)["floor"].to_numpy()),
        "label_correlation": [
            {"correlation": correlation, **numbers.number(part["label_correlation"].to_numpy())}
            for (correlation,), part in seeds.partition_by("correlation", as_dict=True).items()
        ],
    }
