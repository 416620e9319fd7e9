"""The measures of a log: those of a scenario that need no truth, and those that stages and labels alone can tell.

To add one, write a function from a `Part` to its ratios and name it in `MEASURES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from funnel.audit import agreement, counts, labelled
from funnel.audit.part import Part
from funnel.audit.spec import LogSpec
from funnel.metrics.catalogue import Described
from funnel.metrics.ratio import Ratio

Need = Literal["early", "late", "judge", "later", "scores", "labels", "predictions", "slices"]


@dataclass(frozen=True)
class Measure(Described):
    """One measure of the catalogue."""

    compute: Callable[[Part], list[Ratio]]
    unit: Literal["share", "ratio", "mean", "count"]
    """how to read the number, as in `funnel.metrics.catalogue`"""
    needs: tuple[Need, ...] = ()

    def whole(self, spec: LogSpec) -> list[str]:
        """Columns that it wants on every candidate of a request, as the log has them on some alone."""
        stages = {"early": spec.early, "late": spec.late, "judge": spec.late, "later": spec.late}
        return [f"scores.{stages[need]} on every candidate" for need in self.needs if need in stages]

    def missing(self, spec: LogSpec) -> list[str]:
        """Names of the columns that the measure wants and the log has not."""
        return [column for need in self.needs for column in _missing(spec, need)]


MEASURES: tuple[Measure, ...] = (
    Measure(counts.candidates, "count"),
    Measure(counts.keep_ratio, "share"),
    Measure(agreement.lost, "share", ("judge",)),
    Measure(agreement.stage_recall, "share", ("later",)),
    Measure(agreement.correlation, "ratio", ("early", "judge")),
    Measure(agreement.overlap, "share", ("early", "late")),
    Measure(agreement.penetration, "share", ("early",)),
    Measure(counts.survival, "share"),
    Measure(counts.share, "share", ("slices",)),
    Measure(labelled.label, "mean", ("labels",)),
    Measure(labelled.exposed_recall, "share", ("scores", "labels")),
    Measure(labelled.set_auc, "ratio", ("scores", "labels")),
    Measure(labelled.predicted_set_auc, "ratio", ("predictions", "labels")),
    Measure(labelled.calibration, "ratio", ("predictions", "labels")),
)


def told_by(spec: LogSpec) -> list[Measure]:
    """The measures that the columns of a log allow."""
    return [measure for measure in MEASURES if not measure.missing(spec)]


def _missing(spec: LogSpec, need: Need) -> list[str]:
    match need:
        case "early" | "late":
            stage = getattr(spec, need)
            return [] if stage in spec.scored else [f"scores.{stage}"]
        case "judge":
            known = spec.columns.reference or spec.late in spec.scored
            return [] if known else ["columns.reference", f"scores.{spec.late}"]
        case "later":
            return [] if set(spec.scored) & set(spec.stages[2:]) else [f"scores.{spec.late}"]
        case "scores":
            return [] if spec.scored else [f"scores.{stage}" for stage in spec.stages[1:]]
        case "predictions":
            return [] if spec.predictions else [f"predictions.{spec.late}"]
        case "labels":
            return [] if spec.labels else ["labels"]
        case "slices":
            return [] if spec.slices or spec.sources or spec.columns.bubble_count else ["slices"]
