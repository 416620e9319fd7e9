"""What one ranker for several surfaces says on each of them."""

from matplotlib.figure import Figure

from funnel.report.figures.arms import named, ordered, quiet_look, rest
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import grid, legend, side_by_side
from funnel.report.figures.style import INK
from funnel.report.view import View

STAGE = "late"


def calibration(view: View) -> Figure:
    """Predictions over truth of the late stage on what was shown, a panel a surface, a row a task, a mark an arm."""
    tasks, arms = _tasks(view), ordered(view)
    figure, panels = grid(view.surfaces, height=1.2 + 0.3 * len(tasks), columns=min(3, len(view.surfaces)))
    for axes, surface in zip(panels, view.surfaces, strict=False):
        for place, arm in enumerate(arms):
            for row, task in enumerate(tasks):
                found = view.estimate(arm, "ranker_calibration", STAGE, f"impressed_{surface}", task)
                if found["value"] is None:
                    continue
                low, high = (found["value"] if found[end] is None else found[end] for end in ("low", "high"))
                axes.errorbar(
                    found["value"],
                    row + side_by_side(place, len(arms)),
                    xerr=[[found["value"] - low], [high - found["value"]]],
                    linestyle="none",
                    **(quiet_look(view, arm) | {"label": arm if row == 0 and arm in named(view) else "_"}),
                )
        axes.axvline(1, color=INK, linewidth=0.8, linestyle=":")
        axes.set_title(surface)
        axes.set_yticks(range(len(tasks)), tasks if axes is panels[0] else [""] * len(tasks))
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlabel("predicted over true")
        axes.grid(axis="x", color=INK, alpha=0.15)
    legend(figure, panels)
    return figure


def calibration_caption(view: View) -> str:
    return (
        "Sum of what the late stage predicts over the sum of true means, on what each surface was shown; 1 is "
        "calibrated. A page that mixes surfaces is sorted well where they are off by the same factor. A model "
        f"over-predicts on what it picked, whatever the surface.{rest(view)} {view.over_seeds}"
    )


def calibration_data(view: View) -> Rows:
    return [
        {"arm": arm, "surface": surface} | dict(found)
        for arm in view.arms
        for surface in view.surfaces
        for task in _tasks(view)
        if (found := view.estimate(arm, "ranker_calibration", STAGE, f"impressed_{surface}", task))["value"] is not None
    ]


def _tasks(view: View) -> list[str]:
    """The tasks of the late stages."""
    addresses = view.addresses("ranker_calibration")
    slices = {f"impressed_{surface}" for surface in view.surfaces}
    return list(dict.fromkeys(task for _, stage, slice_, task in addresses if stage == STAGE and slice_ in slices))
