"""Slates: what a policy decided to show, before anybody has looked at it."""

from dataclasses import dataclass

import numpy as np

from funnel.candidates import Candidates, Requests
from funnel.rng import keyed_uniforms


@dataclass(frozen=True)
class Slates:
    """n impressions to be of R requests, request-major, first position first."""

    request: np.ndarray
    """int64 (n,): request row"""
    item: np.ndarray
    """int64 (n,)"""
    position: np.ndarray
    """int64 (n,): 0 is the first"""
    source: np.ndarray
    """int64 (n,): bitmask of sources, 0 where no source was asked"""
    propensity: np.ndarray
    """float32 (n,): probability that the policy put this item at this position"""
    explored: np.ndarray
    """bool (n,): shown at random and not by rank"""


def ranked(shown: Candidates) -> Slates:
    """Slates in the order of the scores, of equal ones the lower item id first; without exploration."""
    order = np.lexsort((shown.item, -shown.score, shown.request))
    return Slates(
        request=shown.request,
        item=shown.item[order],
        position=np.arange(len(shown)) - shown.offsets[shown.request],
        source=shown.source[order],
        propensity=np.ones(len(shown), np.float32),
        explored=np.zeros(len(shown), bool),
    )


def explored(slates: Slates, pool: Candidates, requests: Requests, share: float, seed: int) -> Slates:
    """Each slot shows, with probability `share`, a random candidate of the pool that is not in the slate.

    Of two slots that draw the same candidate the later one keeps its ranked item; with a thousand candidates that
    happens to about one explored slot in a thousand, and the logged propensity leaves it out of account.

    Args:
        pool: the retrieved candidates of the same requests. seed: of the world, so that arms explore alike.
    """
    span = int(pool.item.max(initial=0)) + 1
    slate_keys = slates.request * span + slates.item
    outside = np.flatnonzero(~np.isin(pool.keys(span), slate_keys, assume_unique=True))
    outside_offsets = np.searchsorted(pool.request[outside], np.arange(len(requests) + 1))
    room = np.diff(outside_offsets)[slates.request]

    draws = keyed_uniforms(seed, "exploration", requests.id[slates.request], slates.position, 2)
    chosen = (draws[:, 0] < share) & (room > 0)
    pick = outside_offsets[slates.request] + np.minimum((draws[:, 1] * room).astype(np.int64), room - 1)
    row = outside[np.where(chosen, pick, 0)] if len(outside) else np.zeros(len(pick), np.int64)
    _, first = np.unique(np.where(chosen, row, -1 - np.arange(len(row))), return_index=True)
    swapped = chosen & np.isin(np.arange(len(row)), first)
    return Slates(
        request=slates.request,
        item=np.where(swapped, pool.item[row], slates.item),
        position=slates.position,
        source=np.where(swapped, pool.source[row], slates.source),
        propensity=np.where(swapped, share / np.maximum(room, 1), np.where(room > 0, 1 - share, 1)).astype(np.float32),
        explored=swapped,
    )
