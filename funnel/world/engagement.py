"""The engagement oracle: the true probability of every task for any user, item, bubble context and position.

Every channel (watch, like, ...) has a logit that is linear in the terms taste, quality, freshness, duration, tendency,
position, friend and appeal; `Law` holds a channel's sensitivities and `EngagementSpec` the strength of each term.

Watching follows one law, so that its four tasks cannot contradict each other: the share R of the video that is watched
is log-logistic with shape one, P(R >= r) = 1 / (1 + r exp(-z)), cut at two runs. Hence P(R >= 1) = sigmoid(z), and the
expected share has the closed form exp(z) log(1 + 2 exp(-z)). Given the logits, channels are independent of each other.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from funnel.formula import evaluate, needs_bubble
from funnel.rng import keyed_uniforms
from funnel.tasks import TASK, Formula
from funnel.world.bubbles import Bubbles
from funnel.world.laws import EngagementSpec
from funnel.world.readings import Means, Outcomes
from funnel.world.truth import match
from funnel.world.world import World

ALL = slice(None)
LIMIT = 30.0
"""logits are held within +-30, far outside what any law gives, so that exp stays finite"""


def cue(
    spec: EngagementSpec, closeness: np.ndarray, average: float, bubbles: Bubbles, rows: np.ndarray | slice = ALL
) -> np.ndarray:
    """The friend term of bubbles: base shift plus the causal effect of the friends shown.

    Args:
        closeness: float32 (E,), latent closeness of every friendship. average: its mean.
        rows: int64 (n,), the wanted bubbles; all if not given.

    Returns:
        float32 (n,) logits: shift + cue * sum_j decay^j (c_j / average)^power (expressive if the reaction was).
    """
    edge = bubbles.edge[rows]
    shown = edge >= 0
    if not shown.size or not len(closeness):
        return np.full(len(edge), spec.friend_shift, np.float32)
    strength = (closeness[edge] / average) ** spec.cue_closeness
    strength = strength * np.where(bubbles.strong[rows], spec.cue_expressive, 1.0)
    decay = spec.cue_decay ** np.arange(edge.shape[1])
    return (spec.friend_shift + spec.cue * (strength * decay * shown).sum(1)).astype(np.float32)


@dataclass(frozen=True)
class Engagement:
    """The oracle of one world, with the parts that depend on the user or the item alone worked out once."""

    world: World
    channels: tuple[str, ...]
    user_part: np.ndarray
    """float32 (U, K): tendency term of each channel, and what the user's surface adds to it"""
    item_part: np.ndarray
    """float32 (I, K): base, quality, freshness, duration and appeal terms"""
    taste: np.ndarray
    """float32 (K,): logit per unit of match"""
    position: np.ndarray
    """float32 (K,): logit per log(1 + position)"""
    friend: np.ndarray
    """float32 (K,): logit per unit of the friend term"""
    average: float
    """mean latent closeness of a friendship"""

    @classmethod
    def of(cls, world: World, without: frozenset[str] = frozenset()) -> "Engagement":
        """The oracle; terms named in `without` are switched off, to tell what a change is about."""
        spec, truth, observed = world.spec.engagement, world.truth, world.observed
        strength = {"taste": spec.taste, "quality": spec.quality, "position": spec.position}

        def coefficients(term: str) -> np.ndarray:
            on = 0.0 if term in without else strength.get(term, 1.0)
            return np.array([on * getattr(law, term) for law in spec.channels.values()], np.float32)

        fresh, length = _standard(-np.log1p(observed.age)), _standard(np.log(observed.duration))
        item_part = (
            coefficients("base")
            + truth.quality[:, None] * coefficients("quality")
            + fresh[:, None] * coefficients("freshness")
            + length[:, None] * coefficients("duration")
            + truth.appeal[:, None] * coefficients("appeal")
        )
        return cls(
            world=world,
            channels=tuple(spec.channels),
            user_part=truth.tendency[:, None] * coefficients("tendency") + _shifts(world)[observed.surface],
            item_part=item_part.astype(np.float32),
            taste=coefficients("taste"),
            position=coefficients("position"),
            friend=coefficients("friend"),
            average=float(truth.closeness.mean()) if len(truth.closeness) else 1.0,
        )

    def cue(self, bubbles: Bubbles, rows: np.ndarray | slice = ALL) -> np.ndarray:
        """float32 (n,): the friend term of the bubbles of int64 (n,) `rows`; of all if not given."""
        return cue(self.world.spec.engagement, self.world.truth.closeness, self.average, bubbles, rows)

    def logits(
        self, user: np.ndarray, item: np.ndarray, friend: np.ndarray, position: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Channel logits of n pairs.

        Args:
            user, item: int (n,). friend: float32 (n,), the friend term, 0 without a bubble.
            position: (n,) or one number, 0 is the first.

        Returns:
            float32 (n, K).
        """
        pleasure = match(self.world.truth.taste.take(user, 0), self.world.truth.topic.take(item, 0))
        z = self.user_part.take(user, 0)
        z += self.item_part.take(item, 0)
        z += pleasure[:, None] * self.taste
        z += friend[:, None] * self.friend
        if np.any(position):
            z += np.log1p(np.asarray(position, np.float32))[:, None] * self.position
        return z

    def friend_term(self, bubbles: Bubbles, rows: np.ndarray) -> np.ndarray:
        """float32 (n,): the friend term of pairs by their row in `bubbles`, 0 for row -1."""
        term = np.zeros(len(rows), np.float32)
        shown = rows >= 0
        term[shown] = self.cue(bubbles, rows[shown])
        return term

    def means(
        self, z: np.ndarray, duration: np.ndarray, bubble: np.ndarray, tasks: tuple[str, ...] | None = None
    ) -> dict[str, np.ndarray]:
        """True mean of each task: probability, expected grade or seconds; conditional tasks as if the condition held.

        Args:
            z: float32 (n, K). duration: float32 (n,), seconds. bubble: bool (n,), whether the pair carries one.
            tasks: the wanted ones; all if not given.
        """
        found = Means(self.channels, np.clip(z, -LIMIT, LIMIT), duration, bubble)
        return {name: found.of(name) for name in tasks or TASK}

    def value(self, formula: Formula, z: np.ndarray, duration: np.ndarray, bubble: np.ndarray) -> np.ndarray:
        """float32 (n,): the formula on the truth. Args as in `means`."""
        return evaluate(formula, self.means(z, duration, bubble, formula.wanted), bubble)

    @staticmethod
    def held(means: dict[str, np.ndarray], bubble: np.ndarray) -> dict[str, np.ndarray]:
        """The means with nan where a task's condition is seen not to hold: it needs a bubble, and there is none.

        Of other conditions (a click) nobody knows beforehand whether they will hold, so their tasks keep their means.
        """
        return {
            task: np.where(bubble, mean, np.nan).astype(np.float32) if needs_bubble(task) else mean.astype(np.float32)
            for task, mean in means.items()
        }

    def labels(
        self, z: np.ndarray, duration: np.ndarray, bubble: np.ndarray, request: np.ndarray, item: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Outcomes of n impressions; the same (request, item) meets the same fate in every arm that shows it.

        Returns:
            float32 (n,) a task; nan where the task's condition does not hold.
        """
        draws = keyed_uniforms(self.world.seed, "outcome", request, item, len(self.channels))
        watch = self.channels.index("watch")
        share = np.exp(np.clip(z[:, watch], -LIMIT, LIMIT) - logit(draws[:, watch]))
        found = Outcomes(self.channels, draws < expit(z), share, duration, bubble)
        return {name: found.where_given(name) for name in TASK}


def _shifts(world: World) -> np.ndarray:
    """float32 (S, K): what each surface adds to the logit of each channel; one row of 0 without surfaces."""
    channels, surfaces = world.spec.engagement.channels, world.spec.surfaces.values()
    rows = [[surface.base.get(channel, 0.0) for channel in channels] for surface in surfaces]
    return np.array(rows or [[0.0] * len(channels)], np.float32)


def _standard(values: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance; all zero if the values do not vary."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
