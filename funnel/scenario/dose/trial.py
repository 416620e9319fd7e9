"""The randomised trial of one seed: a funnel serves, lots are drawn, and everything that was shown is written down."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from funnel.candidates import Requests
from funnel.scenario.lab import Lab
from funnel.traffic.arrivals import arrivals
from funnel.traffic.doses import doses, showing
from funnel.traffic.log import impressions
from funnel.traffic.slates import Slates, explored, ranked
from funnel.world.bubbles import Bubbles
from funnel.world.engagement import Engagement

LOGGED = ("long_view", "like", "comment", "share")
"""tasks whose outcome is looked at"""
ANY = "engagement"
"""any of them"""
TASKS = (*LOGGED, ANY)


@dataclass(frozen=True)
class Trial:
    """n impressions, m of which carry the bubble of a lot; T tasks in the order of `TASKS`."""

    user: np.ndarray
    """int64 (n,)"""
    item: np.ndarray
    """int64 (n,)"""
    position: np.ndarray
    """int64 (n,): 0 is the first"""
    available: np.ndarray
    """int64 (n,): friends who could be shown"""
    shown: np.ndarray
    """int64 (n,)"""
    randomised: np.ndarray
    """bool (n,): a lot said how many are shown; m hold"""
    happened: np.ndarray
    """bool (n, T)"""
    expected: np.ndarray
    """float32 (n, T): true probability of what was shown"""
    by_dose: np.ndarray
    """float32 (m, cap + 1, T): true probability with 0, 1, ... friends shown; beyond what is available, with all"""


def trial(lab: Lab, share: float) -> Trial:
    """Serves the requests of round 1 by the base funnel, trained on round 0, and draws lots for a share of bubbles."""
    traffic, scene = lab.base.traffic, lab.traffic.scene
    world, engagement = lab.scenery.world(scene), lab.scenery.engagement(scene)
    parts = []
    for chunk, bubbles, trace in lab.first_funnel(scene).serve(arrivals(world, "traffic", traffic.requests)):
        slates = explored(ranked(trace["late"].after), trace["retrieval"].after, chunk, traffic.exploration, lab.seed)
        parts.append(_watched(engagement, chunk, slates, bubbles, share))
    return _stacked(parts)


def _watched(engagement: Engagement, requests: Requests, slates: Slates, bubbles: Bubbles, share: float) -> Trial:
    """What came of some slates, and what would have come of other lots."""
    number, lots = doses(bubbles, requests, share, engagement.world.seed)
    log = impressions(engagement, requests, slates, showing(bubbles, number))
    rows = bubbles.find(slates.request, slates.item)
    carries = rows >= 0
    randomised = carries & _at(lots, rows)
    logged = (log.select(LOGGED) > 0).to_numpy()
    drawn = np.flatnonzero(randomised)
    return Trial(
        user=log["user"].to_numpy(),
        item=slates.item,
        position=slates.position,
        available=np.where(carries, _at(bubbles.count, rows), 0).astype(np.int64),
        shown=log["bubble_count"].to_numpy().astype(np.int64),
        randomised=randomised,
        happened=np.column_stack([logged, np.any(logged, axis=1)]),
        expected=_probabilities(engagement, requests, slates, showing(bubbles, number), np.arange(len(rows))),
        by_dose=np.stack(
            [
                _probabilities(engagement, requests, slates, showing(bubbles, dose), drawn)
                for dose in range(bubbles.edge.shape[1] + 1)
            ],
            1,
        ),
    )


def _at(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A column of bubbles at rows of them; anything at row -1."""
    return column[rows] if len(column) else np.zeros(len(rows), column.dtype)


def _probabilities(
    engagement: Engagement, requests: Requests, slates: Slates, bubbles: Bubbles, which: np.ndarray
) -> np.ndarray:
    """float32 (k, T): true probabilities of the tasks on k of the impressions, under the bubbles given."""
    request, item = slates.request[which], slates.item[which]
    rows = bubbles.find(request, item)
    z = engagement.logits(requests.user[request], item, engagement.friend_term(bubbles, rows), slates.position[which])
    found = engagement.means(z, engagement.world.observed.duration[item], rows >= 0, LOGGED)
    single = np.stack([found[task] for task in LOGGED], 1)
    return np.column_stack([single, 1 - np.prod(1 - single, axis=1)]).astype(np.float32)


def _stacked(parts: Iterable[Trial]) -> Trial:
    parts = list(parts)
    return Trial(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Trial)))
