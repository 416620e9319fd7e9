"""The exact top n of the whole corpus by true value, for many requests, in chunks and at bounded memory.

Only few items carry a bubble for a request: those are evaluated one by one. For the others the value is a function of
the match, the user's tendency, the surface and the item's static terms, so items are put into groups of alike static
terms, and an upper bound of the value is tabulated by (surface and tendency bin, group, match bin). The n-th best of
one good item per group is a value that the answer must reach; an item whose bound stays under it is ruled out without
being evaluated. The bounds are proven, not estimated, so the answer is that of full evaluation.
"""

from dataclasses import dataclass

import numpy as np

from funnel.formula import combined, joint
from funnel.tasks import Formula
from funnel.world.bubbles import Bubbles, join
from funnel.world.engagement import Engagement

GROUP = 192
"""items of alike static terms that share a bound"""
MATCH_BINS = 48
TENDENCY_BINS = 32
CHUNK = 64
"""requests at a time: a chunk holds CHUNK * I matches"""
SLACK = np.float32(1e-5)
"""rounding of float32 sums of values of order one; a bound must clear it before it rules an item out"""


@dataclass(frozen=True)
class Answer:
    """The best n items of R requests, best first; of equal values the lower item id first."""

    item: np.ndarray
    """int64 (R, n)"""
    value: np.ndarray
    """float32 (R, n)"""
    evaluated: int
    """pairs whose value was computed; the other pairs were ruled out by a bound"""


@dataclass(frozen=True)
class Bounds:
    """Upper bounds of the value of items without a bubble, for one engagement oracle and formula."""

    order: np.ndarray
    """int64 (G * GROUP,): items by group, -1 pads the last one"""
    topic: np.ndarray
    """float32 (D, G * GROUP): topics in that order, scaled so that taste @ topic is the match"""
    edges: np.ndarray
    """float32 (MATCH_BINS + 1,): match bins, the outer ones open"""
    bin: np.ndarray
    """int64 (U,): bin of each user, a surface's tendency bin"""
    table: np.ndarray
    """float32 (S * TENDENCY_BINS, G, MATCH_BINS): to no user of the bin an item of the group with a match in this or a
    lower bin is worth more"""

    def least_match(self, users: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """float32 (R, G): the match that an item of the group needs, or it cannot be worth `reach` (float32 (R,))."""
        below = (self.table[self.bin[users]] < reach[:, None, None]).sum(2)
        return np.append(self.edges[:-1], np.float32(np.inf))[below]


def _groups(engagement: Engagement) -> np.ndarray:
    """int64 (G, GROUP): items grouped by quality first and the watch law's static terms second; -1 pads."""
    items = engagement.world.items
    groups = -(-items // GROUP)
    bands = max(1, int(np.sqrt(groups / 4)))
    by_quality = np.argsort(engagement.world.truth.quality, kind="stable")
    band = np.empty(items, np.int64)
    band[by_quality] = np.arange(items) * bands // items
    order = np.lexsort((engagement.item_part[:, engagement.channels.index("watch")], band))
    return np.append(order, np.full(groups * GROUP - items, -1)).reshape(groups, GROUP)


def _ends(values: np.ndarray, coefficient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest coefficient * value over intervals: values (..., 2), coefficient (K,) to two (..., K)."""
    products = values[..., None] * coefficient
    return products.min(-2), products.max(-2)


def bounds(engagement: Engagement, value: Formula) -> Bounds:
    """Tabulates the bounds; cost grows with groups, not with requests."""
    world = engagement.world
    grouped = _groups(engagement)
    member = grouped >= 0
    static = engagement.item_part[np.maximum(grouped, 0)]
    low_item = np.where(member[..., None], static, np.inf).min(1)
    high_item = np.where(member[..., None], static, -np.inf).max(1)
    duration = world.observed.duration[np.maximum(grouped, 0)]
    low_duration, high_duration = (
        np.where(member, duration, np.inf).min(1),
        np.where(member, duration, -np.inf).max(1),
    )

    # The cosine is at most one, so no match exceeds sqrt(D).
    widest = np.float32(np.sqrt(world.truth.taste.shape[1])) * np.float32(1.001)
    edges = np.linspace(-widest, widest, MATCH_BINS + 1, dtype=np.float32)
    low_taste, high_taste = _ends(np.stack([edges[:-1], edges[1:]], -1), engagement.taste)
    tendency = world.truth.tendency
    cuts = np.linspace(tendency.min(), tendency.max(), TENDENCY_BINS + 1)
    bin_of = np.clip(np.searchsorted(cuts, tendency, side="right") - 1, 0, TENDENCY_BINS - 1)
    bin_of += TENDENCY_BINS * world.observed.surface  # which shifts the logits of its users all alike

    table = np.empty((TENDENCY_BINS * max(1, world.observed.surfaces), len(grouped), MATCH_BINS), np.float32)
    for b in range(len(table)):
        users = engagement.user_part[bin_of == b]
        if not len(users):
            table[b] = np.inf
            continue
        low = low_item[:, None] + low_taste + users.min(0)
        high = high_item[:, None] + high_taste + users.max(0)
        shape, none = low.shape[:2], np.zeros(low.shape[0] * low.shape[1], bool)
        lengths = (np.repeat(length, MATCH_BINS) for length in (low_duration, high_duration))
        least, most = (
            engagement.means(z.reshape(-1, z.shape[2]), length, none, value.wanted)
            for z, length in zip((low, high), lengths, strict=True)
        )
        # Value rises with a task of positive weight and falls with the others, summed or multiplied; and the joint
        # probability of a task and its chain rises with every logit of the chain.
        best = {task: joint(task, most if weight >= 0 else least, none) for task, weight in value.formula.items()}
        worth = combined(value, best, none).reshape(shape)
        table[b] = np.maximum.accumulate(worth, axis=1) + SLACK * np.maximum(1, np.abs(worth).max())
    scale = np.float32(np.sqrt(world.truth.topic.shape[1]))
    topic = np.where(member.reshape(-1, 1), world.truth.topic[np.maximum(grouped, 0).reshape(-1)], 0)
    return Bounds(grouped.reshape(-1), np.ascontiguousarray(topic.T * scale), edges, bin_of, table)


def _values(engagement: Engagement, value: Formula, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """float32 (n,): true value of pairs without a bubble."""
    none = np.zeros(len(user), np.float32)
    z = engagement.logits(user, item, none)
    return engagement.value(value, z, engagement.world.observed.duration[item], np.zeros(len(user), bool))


def bubble_values(engagement: Engagement, value: Formula, users: np.ndarray, bubbles: Bubbles) -> np.ndarray:
    """float32 (n,): true value of every bubble at the first position."""
    z = engagement.logits(users[bubbles.request], bubbles.item, engagement.cue(bubbles))
    return engagement.value(value, z, engagement.world.observed.duration[bubbles.item], np.ones(len(z), bool))


def _best(request: np.ndarray, item: np.ndarray, worth: np.ndarray, requests: int, n: int) -> tuple:
    """The best n of each request's pairs as (R, n) items and values."""
    order = np.lexsort((item, -worth, request))
    request = request[order]
    place = np.arange(len(order)) - np.searchsorted(request, np.arange(requests))[request]
    chosen = order[place < n]
    return item[chosen].reshape(requests, n), worth[chosen].reshape(requests, n)


def _chunk(engagement: Engagement, value: Formula, limits: Bounds, users: np.ndarray, n: int) -> tuple:
    requests, groups = len(users), limits.table.shape[1]
    bubbles = join(engagement.world.observed, users)
    friends_worth = bubble_values(engagement, value, users, bubbles)

    matches = (engagement.world.truth.taste[users] @ limits.topic).reshape(requests, groups, GROUP)
    # One good item a group: enough to know a value that the best n must reach.
    place = matches.argmax(2)
    scout = limits.order.reshape(groups, GROUP)[np.arange(groups), place]
    row = np.repeat(np.arange(requests), groups)
    worth = _values(engagement, value, users[row], np.maximum(scout, 0).reshape(-1)).reshape(requests, groups)
    barred = (scout < 0) | (bubbles.find(row, scout.reshape(-1)) >= 0).reshape(requests, groups)
    worth = np.where(barred, -np.inf, worth)
    reach = np.full(requests, -np.inf, np.float32)
    if groups >= n:
        reach = np.partition(worth, -n, axis=1)[:, -n].astype(np.float32)

    needed = limits.least_match(users, reach)
    top = np.take_along_axis(matches, place[..., None], 2)[..., 0]
    request, group = np.nonzero(top >= needed)
    hits, slot = np.nonzero(matches[request, group] >= needed[request, group, None])
    request, item = request[hits], limits.order.reshape(groups, GROUP)[group[hits], slot]
    plain = (item >= 0) & (bubbles.find(request, item) < 0)
    request, item = request[plain], item[plain]
    worth = _values(engagement, value, users[request], item)
    evaluated = len(item) + len(row) + len(bubbles.item)

    request, item = np.append(request, bubbles.request), np.append(item, bubbles.item)
    return (*_best(request, item, np.append(worth, friends_worth), requests, n), evaluated)


def top(engagement: Engagement, value: Formula, users: np.ndarray, n: int, limits: Bounds | None = None) -> Answer:
    """The n best items of the whole corpus for every request, each at the first position and with its bubble.

    Args:
        users: int64 (R,), who asks. n: at most I.
        limits: `bounds(engagement, value)`, to be shared between calls.
    """
    limits = limits or bounds(engagement, value)
    parts = [
        _chunk(engagement, value, limits, users[start : start + CHUNK], n) for start in range(0, len(users), CHUNK)
    ]
    return Answer(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        sum(part[2] for part in parts),
    )
