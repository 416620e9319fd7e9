"""What the survivors are worth: best reachable value, where value is lost, and what the slate realises."""

import numpy as np

from funnel.metrics.ledger import Ledger
from funnel.metrics.ratio import Ratio, count, total
from funnel.metrics.slices import Slices, friend_or_other, guarded_users, surfaces, survivors
from funnel.select import top


def best(ledger: Ledger, among: np.ndarray, by: np.ndarray, keep: int | np.ndarray) -> np.ndarray:
    """bool (n,): the `keep` rows (one number, or int64 (R,)) a request that are best by `by` where `among` holds."""
    chosen = np.zeros(len(ledger.rows), bool)
    # Selecting inside the smaller set costs by its size, not by the pool's.
    chosen[among] = top(ledger.rows.take(among), keep, by[among])
    return chosen


def reachable(ledger: Ledger, among: np.ndarray) -> np.ndarray:
    """float64 (R,): the greatest true value that a slate out of the rows of `among` can have."""
    return total(ledger, best(ledger, among, ledger.value, ledger.slate_size), ledger.value)


def soft_recall(ledger: Ledger) -> list[Ratio]:
    """Greatest true value of slate-size items out of a stage's output, over that of the oracle set (Meta, KDD 2024)."""
    oracle = ledger.oracle_value.astype(np.float64)
    return [Ratio(reachable(ledger, kept), oracle, stage) for stage, kept in survivors(ledger).items()]


def waterfall(ledger: Ledger) -> list[Ratio]:
    """The oracle's value, split into the parts lost at retrieval, early and late, and the part that the slate realises.

    A stage loses what the best slate out of its input had more than the best slate out of its output. The parts
    telescope and add up to 1 exactly; the order of the funnel decides who is charged, which `regret` undoes.
    """
    oracle = ledger.oracle_value.astype(np.float64)
    levels = [oracle, *(reachable(ledger, kept) for kept in survivors(ledger).values())]
    parts = {
        stage: before - after for stage, before, after in zip(survivors(ledger), levels[:-1], levels[1:], strict=True)
    }
    return [Ratio(part, oracle, stage) for stage, part in (parts | {"shown": levels[-1]}).items()]


def value(ledger: Ledger) -> list[Ratio]:
    """Mean true value of a slot of the slate; an empty slot counts 0. Every item is valued at the first position."""
    gained = total(ledger, ledger.slate, ledger.value)
    slots = np.full(ledger.rows.requests, float(ledger.slate_size))
    users = {"all": np.ones(ledger.rows.requests, bool)} | guarded_users(ledger) | surfaces(ledger)
    return [Ratio(gained * chosen, slots * chosen, "late", name) for name, chosen in users.items()]


def rest_value(ledger: Ledger) -> list[Ratio]:
    """Mean true value of a slot without the tasks that the change adds: what the new objective is paid with.

    The truth is that of the slate as shown, bubbles and their effect included; only the formula loses the new tasks.
    """
    slots = np.full(ledger.rows.requests, float(ledger.slate_size))
    return [Ratio(total(ledger, ledger.slate, ledger.rest_value), slots, "late")]


def recoverable(ledger: Ledger) -> list[Ratio]:
    """Of the value that the change could add over the whole corpus, the share still reachable in a stage's output.

    The fallback is the best slate of the whole corpus when what the change is about is ignored. Numerator: what the
    best slate out of the fallback and the stage's output is worth more than the fallback. Denominator: what the
    oracle's slate is worth more. The full truth values all slates, so the share lies between 0 and 1 and falls down
    the funnel.
    """
    fallback = total(ledger, ledger.blind_oracle, ledger.value)
    gain = ledger.oracle_value - fallback
    # Where the change adds nothing to the oracle there is nothing to recover, and the share has no meaning.
    gain = gain if gain.sum() > 1e-6 * np.abs(ledger.oracle_value).sum() else np.zeros_like(gain)
    return [
        Ratio(reachable(ledger, kept | ledger.blind_oracle) - fallback, gain, stage)
        for stage, kept in survivors(ledger).items()
    ]


def probability(ledger: Ledger) -> list[Ratio]:
    """Mean true probability (or seconds) of a task over the slate; a conditional task counts only where a bubble is."""
    return [
        Ratio(total(ledger, rows, mean), count(ledger, rows), "late", task=task)
        for task in ledger.tasks
        for mean in [ledger.truth[task]]
        for rows in [ledger.slate & ~np.isnan(mean)]
    ]


def label(ledger: Ledger) -> list[Ratio]:
    """Mean drawn outcome of a task over the slate, each at its place: what an A/B test would have counted."""
    return [label_of(ledger, task, ledger.slate) for task in ledger.tasks]


def label_of(ledger: Ledger, task: str, among: np.ndarray, name: str = "all") -> Ratio:
    """The same of one task on the shown rows of `among` (bool (n,))."""
    drawn = ledger.labels[task]
    rows = among & ~np.isnan(drawn)
    return Ratio(total(ledger, rows, drawn), count(ledger, rows), "late", name, task)


def share(ledger: Ledger) -> list[Ratio]:
    """Share of a stage's output, and of the oracle set, that are friend items, new items, items of small creators."""
    slices = {"friend": friend_or_other(ledger)["friend"], "fresh": ledger.fresh, "small": ledger.small}
    return share_of(ledger, {"oracle": ledger.oracle} | survivors(ledger), slices)


def share_of(ledger: Ledger, sets: Slices, slices: Slices) -> list[Ratio]:
    """The share of each set of rows (bool (n,)) that is of each slice."""
    return [
        Ratio(count(ledger, kept & rows), count(ledger, kept), stage, name)
        for name, rows in slices.items()
        for stage, kept in sets.items()
    ]
