"""The numbers behind a figure, as the rows of the table that is written beside it."""

from collections.abc import Iterable, Mapping
from typing import Any

from funnel.report.view import View

Rows = list[dict[str, Any]]
"""one row a mark of the figure; what is unknown is None"""


def of_arms(view: View, measure: str, stages: Iterable[str] = ("",), slices: Iterable[str] = ("all",)) -> Rows:
    """Estimates of one measure, by arm, slice and stage; those that the run does not have are left out."""
    places = [(arm, slice_, stage) for arm in view.arms for slice_ in slices for stage in stages]
    found = [(arm, view.estimate(arm, measure, stage, slice_)) for arm, slice_, stage in places]
    return [{"arm": arm} | dict(estimate) for arm, estimate in found if estimate["value"] is not None]


def of_diagnosis(view: View, measure: str) -> Rows:
    """Estimates of a measure of the diagnostics, or the points of its curves and frontiers."""
    assert view.diagnosis
    rankers = view.diagnosis.having(measure)
    return [
        *(dict(entry) for ranker in rankers for entry in view.diagnosis.estimates(ranker, measure)),
        *(row for ranker in rankers for entry in view.diagnosis.series(ranker, measure) for row in _points(entry)),
        *(row for frontier in view.diagnosis.frontiers(measure) for row in _swept(frontier)),
    ]


def _points(curve: Mapping[str, Any]) -> Rows:
    """A curve as one row a step."""
    along = ("steps", "value", "low", "high", "n")
    fixed = {key: value for key, value in curve.items() if key not in along}
    return [fixed | dict(zip(along, point, strict=True)) for point in zip(*(curve[key] for key in along), strict=True)]


def _swept(frontier: Mapping[str, Any]) -> Rows:
    """A frontier as one row a point."""
    fixed = {key: frontier[key] for key in ("measure", "arm", "stage")}
    points = zip(frontier["steps"], frontier["points"], frontier["dominated"], strict=True)
    return [
        fixed | {"step": step} | dict(zip(frontier["tasks"], point, strict=True)) | {"dominated": dominated}
        for step, point, dominated in points
    ]
