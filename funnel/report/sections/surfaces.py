"""The surfaces: what each of them gains and loses, and the page that is merged out of all."""

from pathlib import Path
from typing import Any

from funnel.report import tables
from funnel.report.figures.catalogue import SURFACES, save
from funnel.report.view import View

PLACES = {"impressed": "shown", "unselected": "rest of the pool"}


def section(view: View, folder: Path) -> dict[str, Any] | None:
    """Everything that the template prints, the figure drawn into the folder; None where no surfaces are told apart."""
    if not view.surfaces:
        return None
    slates = _slates(view)
    return {
        "shares": [(name, f"{share:.0%}") for name, share in _shares(view).items()],
        "figures": save([SURFACES], view, folder),
        "tables": [
            tables.by_arm(
                view,
                "Slates by surface",
                "A merged slate is the best of what one user's slates on all surfaces hold, by late score. All "
                "surfaces are asked alike, whatever their share of the traffic.",
                slates,
            ),
            tables.differences(view, "reference", "Slates by surface", slates),
            tables.by_arm(view, "AUC by surface", "Expected under the true probabilities.", _rankers(view, "auc")),
            tables.differences(view, "reference", "AUC by surface", _rankers(view, "auc")),
            tables.by_arm(view, "Calibration by surface", "Predicted over true.", _rankers(view, "ranker_calibration")),
        ],
    }


def _shares(view: View) -> dict[str, float]:
    """Of the traffic, by surface."""
    told = {name: surface["share"] for name, surface in view.spec["base"]["world"]["surfaces"].items()}
    return {name: share / sum(told.values()) for name, share in told.items()}


def _slates(view: View) -> tables.Lines:
    by_surface = {
        "Slate value": ("value", "late"),
        "Lost candidates": ("lost", "early"),
        "Recall at early": ("recall", "early"),
        "Recall at late": ("recall", "late"),
    }
    return (
        ("Merged slate value", ("merged_value", "late", "all", "")),
        ("Merged slate, of the best merger", ("merged_share", "late", "all", "")),
        *(
            (f"{label}, {surface}", (measure, stage, f"surface_{surface}", ""))
            for label, (measure, stage) in by_surface.items()
            for surface in view.surfaces
        ),
    )


def _rankers(view: View, measure: str) -> tables.Lines:
    """What judges the predictions of each stage, surface by surface."""
    slices = {f"{name}_{surface}": (place, surface) for name, place in PLACES.items() for surface in view.surfaces}
    return tuple(
        (f"{stage}: {task}, {slices[slice_][1]}, {slices[slice_][0]}", (measure, stage, slice_, task))
        for _, stage, slice_, task in view.addresses(measure)
        if slice_ in slices
    )
