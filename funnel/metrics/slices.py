"""The rows and users that a measure can be restricted to. Borders never depend on the arm, so arms stay comparable."""

import numpy as np

from funnel.metrics.ledger import Ledger

Slices = dict[str, np.ndarray]


def friend_or_other(ledger: Ledger) -> Slices:
    """bool (n,) each: every row, rows with a bubble, rows without."""
    return {"all": np.ones(len(ledger.rows), bool), "friend": ledger.friend, "other": ~ledger.friend}


def closeness(ledger: Ledger) -> Slices:
    """bool (n,) each: rows with a bubble, in thirds of estimated closeness.

    The thirds are those of the oracle's friend items, which all arms share.
    """
    judged = ledger.closeness[ledger.oracle & ledger.friend]
    low, high = np.quantile(judged, [1 / 3, 2 / 3]) if len(judged) else (0.0, 0.0)
    return {
        "close_low": ledger.friend & (ledger.closeness <= low),
        "close_middle": ledger.friend & (ledger.closeness > low) & (ledger.closeness <= high),
        "close_high": ledger.friend & (ledger.closeness > high),
    }


def guarded_users(ledger: Ledger) -> Slices:
    """bool (R,) each: requests of users without friends, and of the quarters with fewest and with most friends."""
    few, many = np.quantile(ledger.friends, [0.25, 0.75])
    return {
        "friends_none": ledger.friends == 0,
        "friends_few": ledger.friends <= few,
        "friends_many": ledger.friends >= many,
    }


def surfaces(ledger: Ledger) -> Slices:
    """bool (R,) each: requests by surface; nothing where surfaces are not told apart."""
    return {f"surface_{name}": asked for name, asked in ledger.surfaces.items()}


def friend_deciles(ledger: Ledger) -> Slices:
    """bool (R,) each: requests by tenth of the friend count; equal counts share a tenth, so one may be empty."""
    borders = np.quantile(ledger.friends, np.arange(1, 10) / 10)
    decile = np.searchsorted(borders, ledger.friends, side="left") + 1
    return {f"friends_decile_{d}": decile == d for d in range(1, 11)}


def guarded_items(ledger: Ledger) -> Slices:
    """bool (n,) each: rows whose item is new, or by a small creator."""
    return {"fresh": ledger.fresh, "small": ledger.small}


def impressed_or_not(ledger: Ledger) -> Slices:
    """bool (n,) each: rows that were shown, and the rest of the retrieved pool, which no ranker is trained on; of all
    surfaces and, where they are told apart, of each."""
    slices = {"impressed": ledger.slate, "unselected": ledger.retrieved & ~ledger.slate}
    asked = {surface: of_surface[ledger.rows.request] for surface, of_surface in ledger.surfaces.items()}
    return slices | {
        f"{name}_{surface}": rows & there for surface, there in asked.items() for name, rows in slices.items()
    }


def where_true(ledger: Ledger, task: str, slices: Slices) -> Slices:
    """The slices (bool (n,)) without the rows on which the task's condition is seen not to hold."""
    holds = ~np.isnan(ledger.truth[task])
    return {name: rows & holds for name, rows in slices.items()}


def rows_of(ledger: Ledger, users: Slices) -> Slices:
    """Slices of requests (bool (R,)) as slices of rows (bool (n,))."""
    return {name: mask[ledger.rows.request] for name, mask in users.items()}


def survivors(ledger: Ledger) -> Slices:
    """bool (n,) a stage, in funnel order: the rows that it let through."""
    return {"retrieval": ledger.retrieved, "early": ledger.early, "late": ledger.slate}
