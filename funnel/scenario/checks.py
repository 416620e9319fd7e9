"""Laws that every run must obey, checked on its own tables: what a reviewer would otherwise have to take on trust.

To add one, write a function from a `Run` to a `Finding` (None where the run has no case of it) and name it in `LAWS`;
its name is the function's, its statement the first paragraph of the docstring.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from funnel.metrics.samples import weighed
from funnel.scenario.spec import Scenario
from funnel.stages.spec import FunnelSpec

CLOSE = 1e-6
"""how far apart two sums of the same numbers may be"""


@dataclass(frozen=True)
class Run:
    """What laws are checked on."""

    scenario: Scenario
    tables: dict[str, pl.DataFrame]
    """of `funnel.schema`, by name"""
    facts: dict[str, dict[str, dict[str, Any]]]
    """by arm and seed"""

    def measure(self, name: str) -> pl.DataFrame:
        """Rows of one measure that have a value."""
        return self.tables["rows"].filter((pl.col("measure") == name) & pl.col("value").is_not_null())


@dataclass(frozen=True)
class Finding:
    """What checking a law found."""

    holds: bool
    found: str


Law = Callable[[Run], Finding | None]


def check(run: Run) -> list[dict[str, Any]]:
    """The key `laws` of the results: every law of which the run has a case."""
    checked = [(law, law(run)) for law in LAWS]
    return [
        {"name": law.__name__, "statement": _statement(law), "holds": finding.holds, "found": finding.found}
        for law, finding in checked
        if finding
    ]


def waterfall_adds_up(run: Run) -> Finding | None:
    """What retrieval, early and late stage lose and what the slate realises add up to the oracle's value."""
    return _sums_to_one(run.measure("waterfall"))


def fates_add_up(run: Run) -> Finding | None:
    """Every item of the oracle set ends at one stage: the shares lost at each and shown add up to 1."""
    return _sums_to_one(run.measure("terminal"))


def regret_adds_up(run: Run) -> Finding | None:
    """The stages' shares of regret, averaged over all orders of blame, add up to what the waterfall loses."""
    shares = _summed(run.measure("regret"))
    lost = _summed(run.measure("waterfall").filter(pl.col("stage") != "shown"))
    both = shares.join(lost, on=["seed", "arm", "slice"])
    return _close((both["value"] - both["value_right"]).to_list(), "arms and seeds")


def recall_falls(run: Run) -> Finding | None:
    """What a stage has lost no later stage finds again: recall falls down the funnel, in every slice."""
    wide = run.measure("recall").pivot("stage", index=["seed", "arm", "slice"], values="value")
    steps = pl.concat([wide["early"] - wide["retrieval"], wide["late"] - wide["early"]]) if wide.height else None
    if steps is None:
        return None
    rises = int((steps > CLOSE).sum())
    return Finding(rises == 0, f"{_n(rises, 'rise')} in {_n(len(steps), 'step')} over arms, seeds and slices")


def ledger_is_served(run: Run) -> Finding | None:
    """The slates that are measured are the slates that the funnel serves, item by item."""
    facts = [fact["ledger_equals_funnel"] for seeds in run.facts.values() for fact in seeds.values()]
    if not facts:
        return None
    same = sum(fact == 1 for fact in facts)
    return Finding(same == len(facts), f"the same in {same} of {_n(len(facts), 'run')} of an arm under a seed")


def one_oracle(run: Run) -> Finding | None:
    """Arms of one world are held against one oracle: its share of friend items is the same number in all of them."""
    share = run.measure("share").filter((pl.col("stage") == "oracle") & (pl.col("slice") == "friend"))
    return _same_inside(run, share, lambda arm: arm.world)


def retrieval_is_shared(run: Run) -> Finding | None:
    """Arms that differ in their ranking stages alone retrieve the same: their recall at retrieval is one number."""
    recall = run.measure("recall").filter((pl.col("stage") == "retrieval") & (pl.col("slice") == "all"))
    return _same_inside(run, recall, lambda arm: (arm.world, arm.traffic, arm.towers, arm.retrieval, arm.replica))


def curve_meets_measure(run: Run) -> Finding | None:
    """The curve over other early budgets passes through what was measured at the arm's own."""
    own = {name: arm.stages.early.keep for name, arm in run.scenario.arms.items()}
    curve = run.tables["keep_curve"].filter(pl.col("keep") == pl.col("arm").replace_strict(own, default=0))
    gaps = []
    for measure in ("lost", "value"):
        measured = run.measure(measure).filter(pl.col("slice") == "all").rename({"value": "measured"})
        both = curve.join(measured.select("seed", "arm", "measured"), on=["seed", "arm"])
        gaps += (both[measure] - both["measured"]).to_list()
    return _close(gaps, "points of the curve")


def more_budget_loses_less(run: Run) -> Finding | None:
    """An early stage that keeps more loses no candidate that it kept before."""
    curve = run.tables["keep_curve"].sort("seed", "arm", "keep")
    steps = curve.select(pl.col("lost").diff().over("seed", "arm"))["lost"].drop_nulls()
    if not len(steps):
        return None
    rises = int((steps > CLOSE).sum())
    return Finding(rises == 0, f"{_n(rises, 'rise')} in {_n(len(steps), 'step')} over arms and seeds")


def weights_give_scores(run: Run) -> Finding | None:
    """The formula over the stored contributions gives the stored scores, bit for bit."""
    stored = run.tables["contributions"].partition_by("arm", "stage", maintain_order=True, as_dict=True)
    sample = run.tables["sample"].partition_by("arm", as_dict=True)
    if not stored:
        return None
    rows, off = 0, 0
    for (arm, stage), part in stored.items():
        values = {task: own["value"].to_numpy() for (task,), own in part.partition_by("task", as_dict=True).items()}
        again = weighed(run.scenario.arms[arm].stages.named(stage), values)
        rows += len(again)
        off += int((again != sample[arm,][f"{stage}_score"].to_numpy()).sum())
    return Finding(off == 0, f"{_n(off, 'difference')} in {_n(rows, 'score')}")


LAWS: tuple[Law, ...] = (
    waterfall_adds_up,
    regret_adds_up,
    fates_add_up,
    recall_falls,
    ledger_is_served,
    one_oracle,
    retrieval_is_shared,
    curve_meets_measure,
    more_budget_loses_less,
    weights_give_scores,
)


def _statement(law: Law) -> str:
    return " ".join((inspect.getdoc(law) or "").split("\n\n")[0].split())


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("seed", "arm", "slice", maintain_order=True).agg(pl.col("value").sum())


def _sums_to_one(rows: pl.DataFrame) -> Finding | None:
    return _close((_summed(rows)["value"] - 1).to_list(), "sums")


def _close(gaps: Iterable[float], what: str) -> Finding | None:
    sizes = np.abs(list(gaps))
    if not len(sizes):
        return None
    return Finding(bool(sizes.max() <= CLOSE), f"largest gap {sizes.max():.1e} over {len(sizes)} {what}")


def _same_inside(run: Run, rows: pl.DataFrame, shared: Callable[[FunnelSpec], Any]) -> Finding | None:
    """Whether `value` is one number for all arms of one `shared` under one seed; needs two such arms."""
    groups: list[list[str]] = []
    for name, arm in run.scenario.arms.items():
        own = [group for group in groups if shared(run.scenario.arms[group[0]]) == shared(arm)]
        own[0].append(name) if own else groups.append([name])
    place = {name: group for group, names in enumerate(groups) for name in names}
    grouped = rows.with_columns(group=pl.col("arm").replace_strict(place, return_dtype=pl.Int64))
    spread = grouped.group_by("group", "seed").agg(
        pl.col("value").max() - pl.col("value").min(), pl.len().alias("arms")
    )
    compared = spread.filter(pl.col("arms") > 1)
    if not compared.height:
        return None
    differing = int((compared["value"] > 0).sum())
    return Finding(
        differing == 0, f"{_n(differing, 'difference')} in {_n(compared.height, 'group')} of arms under one seed"
    )


def _n(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
