"""A world that is fitted to data: its laws beside the data's, how it ranks the unseen, and what friends tell."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from funnel.report.account import CUE, LAWS, SCORERS, Account
from funnel.report.figures.data import Rows
from funnel.report.figures.panels import WIDTH
from funnel.report.figures.style import ARM_COLOURS, INK, whiskers

SIDES: dict[str, dict[str, Any]] = {
    "data": {"color": INK, "marker": "o", "markersize": 3.5, "linestyle": "none", "fillstyle": "none"},
    "world": {"color": ARM_COLOURS[1], "linewidth": 1.6},
}
"""the data as points, the world as a line through or beside them"""
LOOKS: dict[str, dict[str, Any]] = {
    "friend": {"color": ARM_COLOURS[0], "marker": "o", "label": "friends"},
    "stand-in": {"color": ARM_COLOURS[4], "marker": "s", "label": "who stands in for them"},
    "ratio": {"color": ARM_COLOURS[2], "marker": "D", "label": "one over the other"},
}
ASSUMED: dict[str, Any] = {"color": INK, "marker": "x", "markersize": 7, "linestyle": "none", "label": "assumed"}
PANELS = {"auc": "AUC", "recall": "Recall of the first {}"}
TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)
"""odds ratios that an axis may name"""


def laws(account: Account) -> Figure:
    """A panel a law: the share of owners that have at least so many, on log scales."""
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    for axes, (name, law) in zip(
        figure.subplots(1, len(account.laws), squeeze=False).flat, account.laws.items(), strict=True
    ):
        for side, look in SIDES.items():
            axes.plot(*zip(*law["curves"][side], strict=True), label=side, **look)
        axes.set(xscale="log", yscale="log", xlabel=LAWS[name])
        axes.set_title(name.capitalize())
        axes.grid(color=INK, alpha=0.15)
    figure.axes[0].set_ylabel("share with at least so many")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def laws_data(account: Account) -> Rows:
    return [
        {"law": name, "side": side, "count": count, "share": share}
        for name, law in account.laws.items()
        for side, curve in law["curves"].items()
        for count, share in curve
    ]


def laws_caption(account: Account) -> str:
    graph = (
        "Degree is the data's by construction."
        if "degree" in account.laws
        else "The data has no friends, so there is no degree to hold the graph of nearest taste against."
    )
    return (
        "Of the owners, the share that has at least so many. Activity is drawn as arrivals are; popularity is what "
        "users choose who meet items by popularity and take what fits their taste, so an item of one user may come out "
        f"with none. {graph} n = {account.counts['users']:,} users and {account.counts['items']:,} items; one draw, so "
        "there is no interval."
    )


def ranking(account: Account) -> Figure:
    """A panel a measure, a bar a scorer."""
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    for axes, (measure, title) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
        scorers = account.quality["measures"][measure]["scorers"]
        found = [scorers[name] for name in SCORERS]
        values = [one["value"] for one in found]
        error = {"ecolor": INK, "elinewidth": 1.2, "capsize": 2.5}
        axes.barh(
            list(SCORERS.values()), values, xerr=whiskers(found), color=ARM_COLOURS[0], alpha=0.75, error_kw=error
        )
        axes.invert_yaxis()
        axes.set_title(title.format(account.quality["first"]))
        axes.set_xlim(0, 1 if measure == "auc" else None)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    figure.axes[0].axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    figure.axes[1].set_yticklabels([])
    return figure


def ranking_data(account: Account) -> Rows:
    return [
        {"measure": measure, "scorer": scorer, **estimate}
        for measure, found in account.quality["measures"].items()
        for scorer, estimate in found["scorers"].items()
    ]


def ranking_caption(account: Account) -> str:
    return (
        "Items that the fit has not seen with a user, ranked: held-out ones should come first. Dotted: a ranking by "
        f"lot. {account.behind(account.quality)}"
    )


def social(account: Account) -> Figure:
    """A row an odds ratio, and last what the world assumes."""
    lifts = account.lifts
    figure = Figure(figsize=(WIDTH, 1.2 + 0.29 * len(lifts)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color=INK, linewidth=0.8)
    for side, look in LOOKS.items():
        rows = [(place, lift) for place, lift in enumerate(lifts) if lift.side == side]
        found: list[Any] = [vars(lift) for _, lift in rows]
        values, places = [lift.value for _, lift in rows], [place for place, _ in rows]
        axes.errorbar(values, places, xerr=whiskers(found), linestyle="none", markersize=5, capsize=2.5, **look)
    axes.plot([account.social["assumed"]["odds"]], [len(lifts)], **ASSUMED)
    axes.set_yticks(range(len(lifts) + 1), [*(lift.label for lift in lifts), CUE])
    axes.invert_yaxis()
    _odds(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _odds(axes: Axes) -> None:
    """A log scale of odds ratios, with plain numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda odds, _: f"{odds:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("odds ratio")
    axes.grid(axis="x", color=INK, alpha=0.15)


def social_data(account: Account) -> Rows:
    return [vars(lift) for lift in account.lifts]


def social_caption(account: Account) -> str:
    return (
        "How much greater the odds are that a user comes to an item, held out from the fit, than to another one as "
        "popular and as much to the user's taste. A ratio divides the lift of friends by that of who stands in for "
        f"them. {account.social['sets']:,} held-out interactions with ten others each, "
        f"{account.social['friendships']:,} friendships. {account.behind(account.social)}"
    )
