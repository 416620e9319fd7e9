"""The figures of an audit: how wide the funnel is, and measures of stages, slices and tasks as marks with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.catalogue import Plot
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import WIDTH, legend
from funnel.report.figures.style import ARM_COLOURS, ARM_MARKERS, INK, PER_CENT, whiskers
from funnel.report.logs import AuditView, Found

MOST = 24
"""marks that a panel can hold and still be read; of more, those that speak of the most requests"""
LONGEST = 30
"""characters of a label; what users called a slice may be longer"""
WORD: dict[str, Any] = {"parse_math": False}
"""of labels that come from a user's files: a dollar sign is one"""


@dataclass(frozen=True)
class Panel:
    """Marks of one measure, a row each."""

    measure: str
    title: str
    axis: str
    """what the numbers are"""
    sliced: bool = False
    """whether the log's slices are marked, too"""
    line: float | None = None
    """a value that has a meaning of its own, drawn as a dotted line"""

    def rows(self, view: AuditView) -> list[Found]:
        """What it marks, in the order of the results; nothing where it is to show slices and there are none."""
        found = self.all(view)
        most = sorted(found, key=lambda one: -one["n"])[:MOST]
        return [one for one in found if one in most]

    def all(self, view: AuditView) -> list[Found]:
        return view.of(self.measure, self.sliced) if not self.sliced or self.measure in view.sliced() else []


PANELS: dict[str, tuple[Panel, ...]] = {
    "stage_recall": (Panel("stage_recall", "Stage recall", "share of what later stages put first that a stage kept"),),
    "exposed": (
        Panel("exposed_recall", "Recall of shown positives", "share in the stage's own top"),
        Panel("set_auc", "AUC inside the shown set", "AUC; 0.5 is chance", line=0.5),
    ),
    "overlap": (
        Panel("overlap", "Overlap of early and late", "share of the top that both rankings have"),
        Panel("lost", "Lost candidates", "share of the judge's top that early cut"),
    ),
    "by_slice": (
        Panel("lost", "Lost candidates", "share of the judge's top that early cut", sliced=True),
        Panel("survival", "Passed", "share of what entered a stage that passed", sliced=True),
    ),
    "predicted": (Panel("calibration", "Predicted over realised", "ratio; 1 is calibrated", line=1.0),),
}
"""by figure"""


def stages(view: AuditView) -> Figure:
    """Candidates a request after each stage, and the share of its input that each stage keeps."""
    figure = Figure(figsize=(WIDTH, 1.6 + 0.34 * len(view.stages)), layout="constrained")
    counts, kept = figure.subplots(1, 2, sharey=True)
    for axes, measure, told in ((counts, "candidates", view.true_sizes), (kept, "keep_ratio", view.true_ratios)):
        _found(axes, view, measure)
        _told(axes, view, told)
        axes.grid(axis="x", color=INK, alpha=0.15)
    counts.set_xscale("log")
    counts.xaxis.set_major_formatter(lambda count, _: f"{count:,g}")
    counts.set_yticks(range(len(view.stages)), [_short(stage) for stage in view.stages], **WORD)
    counts.set_ylim(len(view.stages) - 0.5, -0.5)
    counts.set_xlabel("candidates a request after the stage")
    kept.set_xlabel("share of its input that a stage keeps")
    _shares(kept)
    legend(figure, [counts])
    return figure


def _found(axes: Axes, view: AuditView, measure: str) -> None:
    """A mark and an interval for every stage of which the logs tell something."""
    known = {place: one for place, stage in enumerate(view.stages) if (one := view.at(measure, stage))}
    values, ends = [one["value"] for one in known.values()], whiskers(list(known.values()))
    look: dict[str, Any] = {"linestyle": "none", "color": ARM_COLOURS[0], "marker": "o", "capsize": 2.5}
    axes.errorbar(values, list(known), xerr=ends, label="in the logs", **look)


def _told(axes: Axes, view: AuditView, told: Mapping[str, float]) -> None:
    """A hollow mark for every stage of which somebody said something."""
    if told:
        look: dict[str, Any] = {"linestyle": "none", "color": ARM_COLOURS[1], "marker": "s", "fillstyle": "none"}
        places = [view.stages.index(stage) for stage in told]
        axes.plot(list(told.values()), places, label="in the funnel, as told", **look)


def measured(view: AuditView, name: str) -> Figure:
    """One row a stage, task and slice, its interval around it, in the colour of its stage."""
    shown = [(panel, rows) for panel in PANELS[name] if (rows := panel.rows(view))]
    figure = Figure(figsize=(WIDTH, 1.1 + 0.28 * max(len(rows) for _, rows in shown)), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (panel, rows) in zip(panels, shown, strict=True):
        axes.set_title(panel.title if len(shown) > 1 else "")
        for place, one in enumerate(rows):
            axes.errorbar([one["value"]], [place], xerr=whiskers([one]), **_look(view, one["stage"]))
        axes.set_yticks(range(len(rows)), _labels(rows), **WORD)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(panel.axis)
        axes.grid(axis="x", color=INK, alpha=0.15)
        if panel.line is not None:
            axes.axvline(panel.line, color=INK, linewidth=0.8, linestyle=":")
        if view.unit(panel.measure) == "share":
            _shares(axes)
    return figure


def _look(view: AuditView, stage: str) -> dict[str, Any]:
    place = view.stages.index(stage) if stage in view.stages else 0
    marker = ARM_MARKERS[place % len(ARM_MARKERS)]
    return {"color": ARM_COLOURS[place % len(ARM_COLOURS)], "marker": marker, "markersize": 5, "capsize": 2.5}


def _labels(rows: Sequence[Found]) -> list[str]:
    """Stage and task of each row, and its slice where slices differ."""
    parts = ("stage", "task", "slice") if len({one["slice"] for one in rows}) > 1 else ("stage", "task")
    return [_short(", ".join(one[part] for part in parts if one[part] not in ("", "all"))) for one in rows]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"


def _shares(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PER_CENT)


def _stages_caption(view: AuditView) -> str:
    sampled = " Each stage's rows are a sample: what the logs hold is not what the funnel held." if view.sampled else ""
    told = " Hollow: what whoever keeps the logs says of the funnel." if view.true_sizes else ""
    return (
        "Left, how many candidates a request has after each stage, on a logarithmic axis; right, the share of its "
        f"input that each stage keeps.{sampled}{told} {view.behind}"
    )


CAPTIONS = {
    "stage_recall": "Of what a later stage puts first in the whole logged pool, the share in each stage's output; the "
    "late stage judges, or another one where the label says so. It is told only of requests in which the judge scored "
    "every row, for one that saw only what got through has nothing to say of what did not.",
    "exposed": "Left, of the shown rows with a positive label the share among the stage's own best; right, how well "
    "the same score orders positives before negatives among what was shown. Both know only what came through: a stage "
    "may do well on either and still cut what a later stage would have wanted.",
    "overlap": "Left, common items of the early and the late top K of the same candidates, over K; on what was shown "
    "both stages had to agree already. Right, of what the judge puts first in the whole pool the share that the early "
    "stage cut.",
    "by_slice": "The same by slice. A slice that loses more, or passes less, than the others is where a stage does not "
    "see what a later one wants.",
    "predicted": "Sum of predictions over the sum of labels, on what was shown. Above 1 the stage promises more than "
    "comes true.",
}


def _caption(view: AuditView, name: str) -> str:
    rows = [one for panel in PANELS[name] for one in panel.rows(view)]
    most = max(len(panel.all(view)) for panel in PANELS[name])
    cut = f" Shown are the {MOST} rows that speak of the most requests; the tables have all." if most > MOST else ""
    bare = any(one["low"] is None for one in rows)
    few = " A mark without an interval rests on too few cases to have one." if bare else ""
    return f"{CAPTIONS[name]}{cut}{few} {view.behind}"


def _stages_data(view: AuditView) -> Rows:
    told = {"candidates": view.true_sizes, "keep_ratio": view.true_ratios}
    return [
        *(dict(one) for measure in told for one in view.of(measure)),
        *({"measure": f"{measure}, as told", "stage": stage, "value": value}
          for measure, found in told.items() for stage, value in found.items()),
    ]  # fmt: skip


def _data(view: AuditView, name: str) -> Rows:
    return [dict(one) for panel in PANELS[name] for one in panel.rows(view)]


def _plot(name: str, title: str) -> Plot[AuditView]:
    return Plot(name, title, partial(measured, name=name), partial(_caption, name=name), partial(_data, name=name))


SECTIONS: dict[str, tuple[Plot[AuditView], ...]] = {
    "funnel": (Plot("stages", "How wide the funnel is", stages, _stages_caption, _stages_data),),
    "recall": (
        _plot("stage_recall", "What each stage kept of what later stages wanted"),
        _plot("exposed", "Set recall beside AUC inside the set"),
    ),
    "agreement": (_plot("overlap", "Do the stages agree"),),
    "slices": (_plot("by_slice", "By slice"),),
    "calibration": (_plot("predicted", "Are predictions true"),),
}
"""the figures of a page's sections; those are drawn for which the logs tell something"""


def of_section(view: AuditView, section: str) -> list[Plot[AuditView]]:
    return [plot for plot in SECTIONS[section] if plot.data(view)]
