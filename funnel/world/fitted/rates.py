"""Base rates that a user sets: the base of a channel's law is solved for."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from funnel.rng import stream
from funnel.world.arrays import shares
from funnel.world.engagement import LIMIT, Engagement
from funnel.world.laws import EngagementSpec
from funnel.world.world import World

PAIRS = 50_000
"""pairs that a mean is taken over; of a rate of one percent they leave about one percent of error"""


def solved(world: World, rates: dict[str, float]) -> EngagementSpec:
    """The engagement of the world with bases at which its channels have the rates.

    A rate is the mean probability over pairs of a user drawn by activity and an item drawn by popularity, without a
    bubble and at the first position.
    """
    generator, truth = stream(world.seed, "world", "rates"), world.truth
    user = generator.choice(world.users, PAIRS, p=shares(truth.activity))
    item = generator.choice(world.items, PAIRS, p=shares(truth.popularity))
    engagement, spec = Engagement.of(world), world.spec.engagement
    logits = engagement.logits(user, item, np.zeros(PAIRS, np.float32)).astype(np.float64)
    laws = dict(spec.channels)
    for channel, rate in rates.items():
        shift = _shift(logits[:, engagement.channels.index(channel)], rate)
        laws[channel] = laws[channel].model_copy(update={"base": laws[channel].base + shift})
    return spec.model_copy(update={"channels": laws})


def _shift(logits: np.ndarray, rate: float) -> float:
    """What has to be added to logits for the mean of their probabilities to be the rate."""
    reach = 2 * LIMIT + np.abs(logits).max()
    return float(brentq(lambda shift: expit(logits + shift).mean() - rate, -reach, reach))
