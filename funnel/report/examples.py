"""Some requests of a run in plain words: which items were worth most, and where each arm of the verdict lost them."""

from dataclasses import dataclass

import polars as pl

from funnel.report.view import View

ITEMS = 12
"""items of a request that are told"""


@dataclass(frozen=True)
class Fate:
    """What became of an item."""

    ended: str
    """the stage that lost it, or `shown`"""
    told: str
    ranks: str


@dataclass(frozen=True)
class Item:
    """One item of a request: what is known of it, and its fate under each arm of the verdict."""

    name: int
    oracle: bool
    sources: str
    bubble: str
    value: float
    fates: tuple[Fate, ...]
    """of each arm"""


@dataclass(frozen=True)
class Example:
    """One request."""

    place: int
    """of the request in the sample, counted from 1, which is how the page names it"""
    request: int
    user: int
    why: str
    """why this one was chosen"""
    told: tuple[str, ...]
    """sentences"""
    arms: tuple[str, ...]
    items: tuple[Item, ...]


def chosen(view: View) -> list[int]:
    """Requests of the sample: those of which the proposal's early stage cut most of the oracle's value, the median, and
    least; each once."""
    cut = pl.when(pl.col("oracle") & pl.col("retrieved") & ~pl.col("early")).then(pl.col("value")).otherwise(0.0).sum()
    own = view.sample.filter(pl.col("arm") == view.scenario["proposal"])
    order = own.group_by("request").agg(cut.alias("cut")).sort("cut", "request", descending=[True, False])["request"]
    return list(dict.fromkeys(order[place] for place in (0, len(order) // 2, len(order) - 1)))


def place(view: View, request: int) -> int:
    """Place of a request in the sample, from 1, as the what-if tab counts."""
    return view.sample["request"].unique().sort().to_list().index(request) + 1


def examples(view: View) -> list[Example]:
    """The chosen requests, told item by item."""
    reasons = {
        3: ("most value", "a middling value", "least value"),
        2: ("most value", "least value"),
        1: ("any value",),
    }
    found = chosen(view)
    return [_example(view, request, why) for request, why in zip(found, reasons[len(found)], strict=True)]


def _example(view: View, request: int, amount: str) -> Example:
    rows = view.sample.filter(pl.col("request") == request)
    arms = tuple(arm for arm in view.judged if arm in rows["arm"])
    proposal = rows.filter(pl.col("arm") == view.scenario["proposal"])
    told = (_pool(proposal), *(_ended(rows.filter(pl.col("arm") == arm), arm) for arm in arms))
    best = proposal.sort(["value", "item"], descending=[True, False])[:ITEMS]
    why = (
        f"the request of the sample of whose best items the early stage of `{view.scenario['proposal']}` cuts {amount}"
    )
    items = tuple(_item(view, rows, arms, row) for row in best.to_dicts())
    return Example(place(view, request), request, proposal["user"][0], why, told, arms, items)


def _pool(rows: pl.DataFrame) -> str:
    pool = rows.filter(pl.col("retrieved"))
    friends = pool["friend"].sum()
    return f"Retrieval finds {len(pool):,} candidates, {friends} of them with a friend's bubble."


def _ended(rows: pl.DataFrame, arm: str) -> str:
    best = rows.filter(pl.col("oracle"))
    lost = best.filter(pl.col("retrieved") & ~pl.col("early"))
    friends = f" ({lost['friend'].sum()} with a bubble)" if len(lost) else ""
    return f"Of the {len(best)} best items `{arm}` cuts {len(lost)} at early{friends} and shows {best['slate'].sum()}."


def _item(view: View, rows: pl.DataFrame, arms: tuple[str, ...], row: dict) -> Item:
    """One item with its fate under every arm; arms may retrieve differently, so some may not know it."""
    own = {found["arm"]: found for found in rows.filter(pl.col("item") == row["item"]).to_dicts()}
    return Item(
        row["item"],
        row["oracle"],
        _sources(view, row["source"]),
        f"{row['bubble_count']}, closeness {row['closeness']:.2f}" if row["friend"] else "none",
        row["value"],
        tuple(_fate(own.get(arm)) for arm in arms),
    )


def _sources(view: View, mask: int) -> str:
    """Names of the sources of a bitmask, in the proposal's order of sources."""
    arm = view.spec["arms"].get(view.scenario["proposal"], {})
    names = arm.get("retrieval", {}).get("sources", {})
    found = [name for bit, name in enumerate(names) if mask >> bit & 1]
    return ", ".join(found) or ("none" if not mask else f"{mask.bit_count()} sources")


def _fate(row: dict | None) -> Fate:
    if row is None or not row["retrieved"]:
        return Fate("retrieval", "not retrieved", "")
    if not row["early"]:
        return Fate("early", "cut at early", f"early {row['early_rank']:,}")
    ranks = f"early {row['early_rank']:,}, late {row['late_rank']:,}"
    return Fate("shown", "shown", ranks) if row["slate"] else Fate("late", "cut at late", ranks)
