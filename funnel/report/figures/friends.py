"""Friends on the page: who is shown how many bubbles, what one brings, and whether the closeness estimate is true."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from funnel.report.figures.arms import look_of, named
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import WIDTH, legend, side_by_side
from funnel.report.figures.style import INK, PER_CENT, whiskers
from funnel.report.view import Address, View

TENTHS = range(1, 11)
BUBBLES = {
    "bubble_prevalence": "Places of the slate with a bubble",
    "bubble_engagement": "Engagement on a place with a bubble",
}
THIRDS = {"friends_low": "fewest", "friends_middle": "middle", "friends_high": "most"}


def bubbles(view: View) -> Figure:
    """How common bubbles are in the slate, and what one brings, by tenth of the friend count; a line an arm."""
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, (measure, title) in zip(panels, BUBBLES.items(), strict=True):
        axes.set_title(title)
        arms, addresses = named(view), [_of_tenth(measure, tenth) for tenth in TENTHS]
        for place, arm in enumerate(arms):
            _line(axes, view, arm, addresses, side_by_side(place, len(arms)))
        axes.set_xticks(list(TENTHS))
        axes.set_xlabel("tenth of users by friend count")
        axes.yaxis.set_major_formatter(PER_CENT)
        axes.set_ylim(0, min(1.0, axes.get_ylim()[1]))
    legend(figure, panels)
    return figure


def closeness(view: View) -> Figure:
    """True closeness by tenth of the estimate, and the estimate's AUC by friend count; arms with one estimate share a
    line."""
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    groups = alike(view)
    for place, arms in enumerate(groups):
        label = ", ".join(arms) if len(arms) < 3 else f"{arms[0]} and {len(arms) - 1} more"
        aside = side_by_side(place, len(groups))
        _line(left, view, arms[0], [_tenth(tenth) for tenth in TENTHS], aside, label)
        _line(right, view, arms[0], [_third(third) for third in THIRDS], aside, label)
    left.set_title("True closeness by estimate")
    left.set_xticks(list(TENTHS))
    left.set_xlabel("tenth of friendships by estimate")
    left.set_ylabel("mean true closeness")
    right.set_title("AUC of the estimate")
    right.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    right.set_xticks(range(1, len(THIRDS) + 1), list(THIRDS.values()))
    right.set_xlim(0.5, len(THIRDS) + 0.5)
    right.set_xlabel("friends of the user who has fewer")
    legend(figure, [left, right])
    return figure


def alike(view: View) -> list[list[str]]:
    """The arms, those whose closeness estimate is the same to the last digit together."""
    groups: dict[tuple, list[str]] = {}
    for arm in named(view):
        told = tuple(view.estimate(arm, *address)["value"] for address in _quality())
        groups.setdefault(told, []).append(arm)
    return list(groups.values())


def _tenth(tenth: int) -> Address:
    return ("closeness_reliability", "", f"tenth_{tenth}", "")


def _third(third: str) -> Address:
    return ("closeness_auc", "", third, "")


def _quality() -> list[Address]:
    return [*(_tenth(tenth) for tenth in TENTHS), *(_third(third) for third in THIRDS)]


def _of_tenth(measure: str, tenth: int) -> Address:
    return (measure, "late", f"friends_decile_{tenth}", "")


def _line(axes: Axes, view: View, arm: str, addresses: list[Address], aside: float, label: str | None = None) -> None:
    """The estimates of one arm at 1, 2, ..., beside those of the others; what is not known is left out."""
    found = [(at, view.estimate(arm, *address)) for at, address in enumerate(addresses, 1)]
    known = [(at + aside, estimate) for at, estimate in found if estimate["value"] is not None]
    axes.grid(axis="y", color=INK, alpha=0.15)
    if not known:
        return
    places, estimates = zip(*known, strict=True)
    values = [estimate["value"] for estimate in estimates]
    look = look_of(view, arm) | {"label": label or arm, "markersize": 4}
    axes.errorbar(places, values, yerr=whiskers(estimates), linewidth=1.2, **look)


def bubbles_data(view: View) -> Rows:
    return _data(view, [_of_tenth(measure, tenth) for measure in BUBBLES for tenth in TENTHS])


def closeness_data(view: View) -> Rows:
    return _data(view, _quality())


def _data(view: View, addresses: list[Address]) -> Rows:
    found = [(arm, address, view.estimate(arm, *address)) for arm in view.arms for address in addresses]
    return [
        {"arm": arm, "measure": address[0], "slice": address[2]} | dict(estimate)
        for arm, address, estimate in found
        if estimate["value"] is not None
    ]


def bubbles_caption(view: View) -> str:
    return (
        "Left, places of the slate that carry a bubble; right, the true probability that somebody engages who sees one "
        "there. Who has more friends is shown more bubbles; that each of them brings as much is another question. "
        f"{view.over_seeds}"
    )


def closeness_caption(view: View) -> str:
    return (
        "Left, a steeper line knows more; right, how often a truly close friendship stands above one that is not, the "
        f"dotted line being chance. Arms with the same estimate share a line. {view.over_seeds}"
    )
