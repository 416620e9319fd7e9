"""The tables of a report: which measures stand where, and what to call them."""

from typing import Any

import polars as pl

from funnel.report.table import Table, of_arms
from funnel.report.view import FACT, UNKNOWN, Address, Number, View, text

Lines = tuple[tuple[str, Address], ...]

MAIN: Lines = (
    ("Slate value, per slot", ("value", "late", "all", "")),
    ("Slate value without the new tasks", ("rest_value", "late", "all", "")),
    ("Lost candidates", ("lost", "early", "all", "")),
    ("Lost candidates, friend items", ("lost", "early", "friend", "")),
    ("Lost candidates, other items", ("lost", "early", "other", "")),
    ("Recoverable value inside retrieval's output", ("recoverable", "retrieval", "all", "")),
    ("Recoverable value inside early's output", ("recoverable", "early", "all", "")),
    ("Recall at retrieval", ("recall", "retrieval", "all", "")),
    ("Recall at early", ("recall", "early", "all", "")),
    ("Recall at late", ("recall", "late", "all", "")),
    ("Recall at early, friend items", ("recall", "early", "friend", "")),
    ("Recall at late, friend items", ("recall", "late", "friend", "")),
    ("Recall at late, other items", ("recall", "late", "other", "")),
    ("Friend items' share of the slate", ("share", "late", "friend", "")),
)

STAGEWISE: Lines = (
    *((f"Value lost at {stage}", ("waterfall", stage, "all", "")) for stage in ("retrieval", "early", "late")),
    ("Value realised by the slate", ("waterfall", "shown", "all", "")),
    *((f"Regret owed to {stage} (Shapley)", ("regret", stage, "all", "")) for stage in ("retrieval", "early", "late")),
    *((f"Soft recall at {stage}", ("soft_recall", stage, "all", "")) for stage in ("retrieval", "early", "late")),
)

AGREEMENT: Lines = (
    ("Overlap of early and late, impressed", ("overlap", "early", "impressed", "")),
    ("Overlap of early and late, unimpressed", ("overlap", "early", "unimpressed", "")),
    ("Penetration of early's top into the slate", ("penetration", "early", "all", "")),
    ("Recall of retrieval alone", ("alone_recall", "retrieval", "all", "")),
    ("Recall of early alone, whole pool", ("alone_recall", "early", "all", "")),
    ("Recall of late alone, whole pool", ("alone_recall", "late", "all", "")),
    ("Product of the three", ("product_recall", "late", "all", "")),
    ("Joint recall of the cascade", ("recall", "late", "all", "")),
)

PASSAGE: Lines = (
    ("Friend items of the pool that early passes", ("survival", "early", "friend", "")),
    ("Other items of the pool that early passes", ("survival", "early", "other", "")),
    ("Oracle's friend items that early passes", ("survival", "early", "oracle_friend", "")),
    ("Oracle's other items that early passes", ("survival", "early", "oracle_other", "")),
    ("Oracle's friend items that late passes", ("survival", "late", "oracle_friend", "")),
    ("Candidates after retrieval", ("candidates", "retrieval", "all", "")),
    ("Candidates after early", ("candidates", "early", "all", "")),
    ("Candidates after late", ("candidates", "late", "all", "")),
)

GUARDRAILS: Lines = (
    ("Slate value, users without friends", ("value", "late", "friends_none", "")),
    ("Slate value, users with few friends", ("value", "late", "friends_few", "")),
    ("Slate value, users with many friends", ("value", "late", "friends_many", "")),
    ("Recall at late, users without friends", ("recall", "late", "friends_none", "")),
    ("Recall at late, users with few friends", ("recall", "late", "friends_few", "")),
    ("Recall at late, users with many friends", ("recall", "late", "friends_many", "")),
    ("Recall at late, new items", ("recall", "late", "fresh", "")),
    ("Recall at late, small creators", ("recall", "late", "small", "")),
    ("New items' share of the slate", ("share", "late", "fresh", "")),
    ("New items' share of the oracle set", ("share", "oracle", "fresh", "")),
    ("Small creators' share of the slate", ("share", "late", "small", "")),
    ("Small creators' share of the oracle set", ("share", "oracle", "small", "")),
    ("Probability of a hide", ("probability", "late", "all", "hide")),
)

CLOSENESS: Lines = tuple(
    (f"Recall at {stage}, {third} closeness", ("recall", stage, f"close_{third}", ""))
    for third in ("low", "middle", "high")
    for stage in ("early", "late")
)


RANKERS = {
    "selection": (
        "Truth of conditional tasks",
        "True mean of each conditional task where its condition was met, which is where its labels come from, on all "
        "that was shown, and on the rest of the pool, which is what a stage has to choose from.",
    ),
    "auc": (
        "AUC of the rankers",
        "Expected under the true probabilities, on what was shown and on the rest of the pool, which no ranker is "
        "trained on.",
    ),
    "ranker_calibration": (
        "Calibration of the rankers",
        "Predicted over true, 1 is calibrated, on what was shown and on the rest of the pool. Conditional tasks are "
        "held against their probability given the condition, and once more where it was met.",
    ),
    "ranker_error": (
        "Error of the rankers",
        "Root mean squared difference of prediction and truth, on what was shown and on the rest of the pool.",
    ),
}
"""measures of what ranking stages predict, and where; with the title and the note of their table"""

PLACES = {"met": "shown, condition met", "impressed": "shown", "unselected": "rest of the pool"}


def main(view: View) -> list[Table]:
    """The tables of the measures: arms by measures, then differences."""
    return [
        by_arm(view, "Main measures", "Mean over seeds with its interval.", MAIN),
        differences(view, "baseline", "Differences", MAIN + STAGEWISE[:4]),
        differences(view, "reference", "Differences", MAIN + STAGEWISE[:4]),
        *_contrasts(view, MAIN + STAGEWISE[:4]),
    ]


def passage(view: View) -> Table:
    """Beside the figures of the funnel."""
    return by_arm(view, "Who gets through", "Shares of friend items and of others that pass, and counts.", PASSAGE)


def stagewise(view: View) -> Table:
    """Beside the figure of the value."""
    return by_arm(
        view,
        "Value and regret by stage",
        "The waterfall charges stages in the order of the funnel; the Shapley shares in all orders. Both are shares of "
        "the oracle's value, and each adds up to what the slate does not realise.",
        STAGEWISE,
    )


def agreement(view: View) -> Table:
    """Beside the figures of the agreement."""
    return by_arm(view, "Agreement of the stages", "Overlap, and what each stage would find alone.", AGREEMENT)


def calibration(view: View) -> Table:
    """What the late stage predicts, over the truth."""
    return by_arm(
        view,
        "Calibration of the late stage",
        "Predicted over true, 1 is calibrated. A model over-predicts on what it selected (the winner's curse), so "
        "values above 1 after early and late are expected.",
        _calibration(view),
    )


def more(view: View) -> list[Table]:
    """The tables for whoever asks why."""
    friends = tuple(
        (f"Tenth {address[2].rsplit('_', 1)[1]}", address)
        for address in view.addresses("recall_by_friends")
        if address[1] == "late"
    )
    return [
        by_arm(view, "Closeness", "Recall of the oracle's friend items, in thirds of estimated closeness.", CLOSENESS),
        by_arm(
            view,
            "Friend count",
            "Recall at late by tenths of users, from those with the fewest friends to those with the most.",
            friends,
        ),
        by_arm(view, "Guardrails", "Who might pay for the change. Of hides, less is better.", GUARDRAILS),
        differences(view, "baseline", "Guardrails", GUARDRAILS),
        by_arm(
            view,
            "Engagement of the slate",
            "True mean per slot, and the outcomes drawn beside it: what an A/B test of this size would have seen.",
            _tasks(view),
        ),
        by_arm(view, "Cost", "Per request, by stage.", _costs(view)),
    ]


def rankers(view: View) -> list[Table]:
    """The tables that judge the predictions of each ranking stage against the truth."""
    return [by_arm(view, title, note, _rankers(view, measure)) for measure, (title, note) in RANKERS.items()]


def facts(view: View) -> Table:
    """What the run states of each arm beside its measures: mean over seeds, least and greatest."""
    by_arm = [view.summary["facts"].get(arm, {}).values() for arm in view.arms]
    names = dict.fromkeys(name for seeds in by_arm for found in seeds for name in found)
    rows = tuple(
        (name.replace("_", " "), tuple(_spread([found[name] for found in seeds if name in found]) for seeds in by_arm))
        for name in names
    )
    return of_arms("Facts of the run", "Mean over seeds; least and greatest below.", tuple(view.arms), rows)


def certificates(view: View, deaths: pl.DataFrame, most: int = 12) -> list[dict[str, Any]]:
    """The most valuable friend items that the early stage of the proposal cut, with what the reference did to them."""
    if deaths.is_empty():
        return []
    key = ("seed", "request", "item")
    reference = deaths.filter(pl.col("arm") == view.scenario["reference"]).select(
        *key, pl.col("ended").alias("reference_ended"), pl.col("early_rank").alias("reference_early_rank")
    )
    cut = deaths.filter((pl.col("arm") == view.scenario["proposal"]) & pl.col("friend") & (pl.col("ended") == "early"))
    found = cut.join(reference, on=key, how="left").sort("value", *key, descending=[True, False, False, False])
    return found[:most].to_dicts()


def by_arm(view: View, title: str, note: str, lines: Lines) -> Table:
    """Every arm's estimates, with their intervals."""
    rows = tuple((label, tuple(view.cell(arm, address) for arm in view.arms)) for label, address in lines)
    return of_arms(title, note, tuple(view.arms), rows)


def differences(view: View, against: str, title: str, lines: Lines) -> Table:
    """Every other arm minus the baseline or the reference."""
    other = view.scenario[against]
    note = (
        "Paired by seed; an interval that leaves out zero is bold. Shares differ by points, slate value in per cent of "
        f"`{other}`. Many intervals stand side by side, uncorrected: the verdict rests on the two named in advance."
    )
    compared = tuple(arm for arm in view.arms if arm != other)
    rows = tuple(
        (label, tuple(view.difference_cell(against, arm, address) for arm in compared)) for label, address in lines
    )
    return of_arms(f"{title} against {other}", note, compared, rows)


def _contrasts(view: View, lines: Lines) -> list[Table]:
    """The weighted sums of arms that the scenario asks for, if it does."""
    contrasts = view.summary["contrasts"]
    if not contrasts:
        return []
    told = "; ".join(f"`{name}` is {_weighted(found['weights'])}" for name, found in contrasts.items())
    note = f"Weighted sums of arms within each seed: {told}. An interval that leaves out zero is bold."
    rows = tuple((label, tuple(view.contrast_cell(name, address) for name in contrasts)) for label, address in lines)
    return [Table("Contrasts", note, tuple(contrasts), rows)]


def _weighted(weights: dict[str, float]) -> str:
    """A weighted sum as it is read: the arms with a plus first."""
    ordered = sorted(weights.items(), key=lambda entry: entry[1] < 0)
    parts = [
        f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):g} '}`{arm}`"
        for arm, weight in ordered
    ]
    return " ".join(parts).removeprefix("+ ")


def _tasks(view: View) -> Lines:
    """Means of each task, and of a conditional one with its condition, too."""
    kinds = {"probability": "true", "label": "drawn", "joint": "with its condition, true"}
    kinds["joint_label"] = "with its condition, drawn"
    known = {measure: {address[3] for address in view.addresses(measure)} for measure in kinds}
    tasks = (address[3] for address in view.addresses("probability"))
    return tuple(
        (f"{task}, {kind}", (measure, "late", "all", task))
        for task in tasks
        for measure, kind in kinds.items()
        if task in known[measure]
    )


def _calibration(view: View) -> Lines:
    after = {"retrieval": "pool", "early": "after early", "late": "after late"}
    return tuple(
        (f"{task}, {after[stage]}, {slice_} items", ("calibration", stage, slice_, task))
        for _, stage, slice_, task in view.addresses("calibration")
    )


def _rankers(view: View, measure: str) -> Lines:
    return tuple(
        (f"{stage}: {task}, {PLACES[slice_]}", (measure, stage, slice_, task))
        for _, stage, slice_, task in view.addresses(measure)
        if slice_ in PLACES  # surfaces have a section of their own
    )


def _costs(view: View) -> Lines:
    return tuple(
        (f"{measure.replace('_', ' ')} {stage}", (measure, stage, slice_, task))
        for name in view.uncatalogued()
        for measure, stage, slice_, task in view.addresses(name)
    )


def _spread(values: list[float]) -> Number:
    if not values:
        return Number(UNKNOWN, "not stated")
    least, greatest = text(min(values), FACT), text(max(values), FACT)
    mean = sum(values) / len(values)
    return Number(text(mean, FACT), "" if least == greatest else f"{least} to {greatest}", value=mean)
