"""The figures of a feedback loop: every measure a panel, every arm a line over the rounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from funnel.report.feedback import RoundsView
from funnel.report.figures.arms import named
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import grid, legend
from funnel.report.figures.style import INK
from funnel.report.figures.sweep import along, ends, line
from funnel.scenario.estimates import Estimate

WATCHED = "long_view"
"""the task whose calibration is followed: every base predicts it, and its labels are many"""
SHARE = FuncFormatter(lambda share, _: f"{100 * share:.3g} %")
COUNT = FuncFormatter(lambda count, _: f"{count:,.0f}")


@dataclass(frozen=True)
class Panel:
    """One measure over the rounds."""

    title: str
    measure: str
    stage: str = ""
    slice: str = "all"
    task: str = ""
    logarithmic: bool = False
    level: float | None = None
    """where a line is drawn, at what would be right"""


def head(view: RoundsView) -> list[Panel]:
    """What the new tasks are trained on, and how well they are calibrated on what was shown."""
    calibrated = [
        Panel(f"{task}: predicted / true", "ranker_calibration", "late", "impressed", task, level=1)
        for task in view.new_tasks
    ]
    return [
        Panel("Bubble impressions trained on", "log_bubbles", logarithmic=True),
        Panel("Newest log: share with a bubble", "newest_bubbles"),
        *calibrated,
    ]


def people(_: RoundsView) -> list[Panel]:
    """What slates are worth, and to whom."""
    return [
        Panel("Without the new tasks", "rest_value", "late"),
        Panel("What the newest log was worth", "newest_value"),
        Panel("Users with few friends", "value", "late", "friends_few"),
        Panel("Users with many friends", "value", "late", "friends_many"),
    ]


def exposure(_: RoundsView) -> list[Panel]:
    """What slates expose users to."""
    return [
        Panel("Topics on a slate", "topics", "late"),
        Panel("Slots with a topic new to the user", "new_topics", "late"),
        Panel("Creators that are shown at all", "coverage", "late"),
        Panel("Slots of the top hundredth of creators", "concentration", "late"),
    ]


def calibration(_: RoundsView) -> list[Panel]:
    """How well the late stage knows what it shows, and what it does not show."""
    place = ("ranker_calibration", "late")
    return [
        Panel(f"{WATCHED}, on what was shown", *place, "impressed", WATCHED, level=1),
        Panel(f"{WATCHED}, on the rest of the pool", *place, "unselected", WATCHED, level=1),
    ]


def passage(_: RoundsView) -> list[Panel]:
    """What comes down the funnel, and what of it is of friends or new."""
    return [
        *(Panel(f"Recall after {stage}", "recall", stage) for stage in ("retrieval", "early", "late")),
        Panel("Friend items on the slate", "share", "late", "friend"),
        Panel("New items on the slate", "share", "late", "fresh"),
        Panel("Closeness: AUC", "closeness_auc"),
    ]


Panels = Callable[[RoundsView], Sequence[Panel]]
"""the panels of a figure"""


def over_rounds(view: RoundsView, panels: Panels) -> Figure:
    """A panel a measure, with every arm that has it as a line."""
    things = panels(view)
    figure, drawn = grid(things, 2.9, 3 if len(things) % 3 == 0 else 2)
    for axes, panel in zip(drawn, things, strict=False):
        axes.set_title(panel.title, fontsize=10)
        _draw(axes, view, panel)
    legend(figure, drawn)
    return figure


def _draw(axes: Axes, view: RoundsView, panel: Panel) -> None:
    found = {arm: _estimates(view, arm, panel) for arm in named(view)}
    having = [arm for arm in found if any(found[arm])]
    for arm in having:
        line(axes, view, arm, found[arm])
    if not having:
        axes.text(0.5, 0.5, "no arm has it", transform=axes.transAxes, ha="center", va="center")
    if panel.level is not None:
        axes.axhline(panel.level, color=INK, linewidth=0.8, linestyle=":")
    if panel.logarithmic and any(one["value"] > 0 for arm in having for one in found[arm] if one):
        axes.set_yscale("log", nonpositive="clip")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(COUNT)
        axes.yaxis.set_minor_locator(NullLocator())
    if view.unit(panel.measure) == "share":
        axes.yaxis.set_major_formatter(SHARE)
    along(axes, view)
    axes.set_xlim(-0.4, view.rounds - 0.6)  # all rounds, also those in which no arm has it


def _estimates(view: RoundsView, arm: str, panel: Panel) -> list[Estimate | None]:
    address = (panel.measure, panel.stage, panel.slice, panel.task)
    return [view.estimate(place, arm, *address) for place in range(view.rounds)]


def over_rounds_data(view: RoundsView, panels: Panels) -> Rows:
    """By round, arm and panel: the estimate."""
    return [
        {
            "round": place + 1,
            "arm": arm,
            "measure": panel.measure,
            "stage": panel.stage,
            "slice": panel.slice,
            "task": panel.task,
        }
        | ends(found)
        for panel in panels(view)
        for arm in view.arms
        for place, found in enumerate(_estimates(view, arm, panel))
    ]


def head_caption(view: RoundsView) -> str:
    missing = "An arm whose late stage does not predict a task has no line there. " if view.new_tasks else ""
    return (
        "A conditional head is trained on impressions that carried a bubble, and on those alone: where a funnel shows "
        "few, the head starves, and shows fewer. Left, those in the logs that models are trained on, on a logarithmic "
        "axis; the window of logs fills in the first rounds. Above the dotted line a task is predicted too high. "
        f"{missing}{view.behind}"
    )


def people_caption(view: RoundsView) -> str:
    return (
        "True value a slot; higher is better. Few and many: the quarters of users with the fewest and the most "
        "friends. The newest log is what was served before this round, the random slots in it too, each item at the "
        f"first position; in round 1 it is the base's own. {view.behind}"
    )


def exposure_caption(view: RoundsView) -> str:
    return (
        "What slates expose users to. A topic is new to a user who has none of it among the videos that the platform "
        "remembers; what was watched to the end in the funnel is remembered, so novelty falls as a funnel repeats "
        "itself. Coverage and concentration depend on how many requests are looked at; compare arms, not runs. "
        f"{view.behind}"
    )


def calibration_caption(view: RoundsView) -> str:
    return (
        f"Mean prediction of `{WATCHED}` by the late stage over its mean true value; at the dotted line the two are "
        "equal. Models learn from what was shown, so the rest of the pool is where they are not corrected. "
        f"{view.behind}"
    )


def passage_caption(view: RoundsView) -> str:
    return (
        "Recall of the best items of the corpus after each stage, and what of the slate is a friend's or among the "
        "newest tenth of the corpus. Closeness: how well the estimate parts close friends from others, over all "
        f"friendships; 0.5 is a coin. {view.behind}"
    )
