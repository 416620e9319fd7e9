"""The survey: users say of one friend each whether they are close. It is asked in the world, since it reads the truth.

A random user is asked about one random connection and answers close or not close, with noise, as in the survey behind
Meta's Friend Bubbles (2026), which also has proxy questions; here it is one, how often the two communicate.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from funnel.rng import stream
from funnel.world.world import World

GRADES = 5
"""answers to how often two communicate: each would be given of a fifth of all friendships if there were no noise"""


@dataclass(frozen=True)
class Survey:
    """n answers, each of another user."""

    user: np.ndarray
    """int64 (n,): who was asked"""
    edge: np.ndarray
    """int64 (n,): the friendship that the user was asked about"""
    close: np.ndarray
    """bool (n,): the answer"""
    often: np.ndarray
    """int8 (n,): how often the two communicate, from 0 to GRADES - 1: another noisy reading of the same closeness"""


def truly_close(closeness: np.ndarray, share: float) -> np.ndarray:
    """bool (E,): the friendships that would be called close without noise, the closest `share` of all.

    Args:
        closeness: float32 (E,), latent.
    """
    return closeness >= np.quantile(closeness, 1 - share) if len(closeness) else np.zeros(0, bool)


def ask(world: World, answers: int, close: float, noise: float, round_: int) -> Survey:
    """Asks users that have friends, drawn without replacement, about one friend each, drawn uniformly.

    Who is asked first does not depend on how many are, so a longer survey holds a shorter one. Where fewer users have
    friends than answers are wanted, everybody is asked once.

    Args:
        answers: users asked. close: share of all friendships that would be called close without noise.
        noise: sd of what an answer adds to the logit of closeness. round_: every round asks anew.
    """
    observed, generator = world.observed, stream(world.seed, "world", "survey", round_)
    order = generator.permutation(np.flatnonzero(observed.friend_count > 0))
    place, noises = generator.random(len(order)), noise * generator.standard_normal((2, len(order)))
    user = order[:answers]
    # Friends by id: whom a survey asks about must not hang on the estimate that sorts them.
    by_id = np.lexsort((observed.friend, np.repeat(np.arange(world.users), observed.friend_count)))
    row = observed.friend_offsets[user] + (place[:answers] * observed.friend_count[user]).astype(np.int64)
    edge = observed.friend_edge[by_id[row]].astype(np.int64)

    latent = logit(world.truth.closeness.astype(np.float64))
    felt, lived = latent[edge] + noises[:, : len(user)]
    cuts = np.quantile(latent, [1 - close, *(np.arange(1, GRADES) / GRADES)]) if len(latent) else np.zeros(GRADES)
    return Survey(user, edge, felt >= cuts[0], np.searchsorted(cuts[1:], lived, side="right").astype(np.int8))
