"""A synthetic world moves on: what happens to it between two rounds, and what the traffic of the last round leaves.

Items age, some make room for new ones by the same creators, people watch and react outside the funnel as they did
before, and some friends grow close or apart. All that is drawn from streams of the round, the same for every arm, so
arms stay paired. What the funnel showed comes on top: it counts as views, its likes are public reactions that friends
see, and what was watched to the end is remembered.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from funnel.rng import keyed_uniforms, stream
from funnel.world.arrays import offsets
from funnel.world.choice import Pleasure, choose
from funnel.world.closeness import drawn_anew
from funnel.world.observed import REACTIONS, Observed
from funnel.world.observing import clicks, interests, kinds, likes, read
from funnel.world.synthetic import population
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.truth import Truth
from funnel.world.world import World

ACTS = ("like", "comment", "share")
"""what of an impression is a public reaction, the most deliberate last"""


def drift(world: World, round: int, log: pl.DataFrame) -> World:
    """The world one round later.

    The closeness estimate, and who may show by it, are left as they are: they are a model's, which is asked again or
    not.

    Args:
        world: a synthetic one, in which the log was served.
        round: of the world that is wanted, from 2 on.
        log: `schema.IMPRESSIONS`.
    """
    assert isinstance(world.spec, SyntheticSpec)
    turn = Turn(world.spec, world.seed, round, world.items)
    stayed = log.filter(~turn.left[log["item"].to_numpy()])
    truth, observed = _items(turn, world.truth, world.observed)
    truth, observed = _friendships(turn, truth, observed)
    observed = _counters(turn, truth, observed, stayed)
    observed = _reactions(turn, truth, observed, stayed)
    observed = _histories(turn, truth, observed, stayed)
    return World(world.spec, world.seed, truth, observed)


@dataclass(frozen=True)
class Turn:
    """The change from one round to the next."""

    spec: SyntheticSpec
    seed: int
    round: int
    items: int

    def stream(self, what: str) -> np.random.Generator:
        return stream(self.seed, "drift", what, self.round)

    @property
    def leaving(self) -> float:
        """Share of items that leave."""
        return float(-np.expm1(-self.spec.drift.days / self.spec.age_mean))

    @cached_property
    def left(self) -> np.ndarray:
        """bool (I,): the items that leave."""
        return self.stream("leave").random(self.items) < self.leaving

    def put(self, old: np.ndarray, new: np.ndarray | float) -> np.ndarray:
        """The column with new entries where items left."""
        mixed = np.array(old)
        mixed[self.left] = new
        return mixed


def _items(turn: Turn, truth: Truth, observed: Observed) -> tuple[Truth, Observed]:
    """Items grow older; where one left stands a new one, of which nothing is counted yet."""
    spec, generator, count = turn.spec, turn.stream("items"), int(turn.left.sum())
    centres = population.communities(spec, turn.seed)
    makers = population.creators(spec, centres, stream(turn.seed, "world", "items"))
    new = population.made(spec, makers, count, generator)
    # Shares of those made together sum to one; the new ones get what as many of all items have.
    popularity = turn.put(truth.popularity, new.popularity * (count / turn.items))
    truth = replace(
        truth,
        topic=turn.put(truth.topic, new.topic),
        quality=turn.put(truth.quality, new.quality),
        appeal=turn.put(truth.appeal, generator.standard_normal(count, dtype=np.float32)),
        popularity=popularity / popularity.sum(),
    )
    observed = replace(
        observed,
        content=turn.put(observed.content, read(spec.content_noise, new.topic, generator)),
        creator=turn.put(observed.creator, new.creator),
        duration=turn.put(observed.duration, new.duration),
        age=turn.put(observed.age + np.float32(spec.drift.days), generator.random(count) * spec.drift.days),
        arrived=turn.put(observed.arrived, turn.round),
        past_views=turn.put(observed.past_views, 0),
        past_likes=turn.put(observed.past_likes, 0),
        past_clicks=turn.put(observed.past_clicks, 0),
    )
    return truth, observed


def _friendships(turn: Turn, truth: Truth, observed: Observed) -> tuple[Truth, Observed]:
    """Some friends grow close or apart, and what shows of it with them."""
    generator = turn.stream("closeness")
    changed = generator.random(len(truth.closeness)) < turn.spec.drift.closeness
    now = map(np.array, (truth.closeness, observed.messages, observed.contact_days))
    anew = drawn_anew(turn.spec.friends, observed.mutual[changed], generator)
    closeness, messages, contact_days = (_where(changed, old, new) for old, new in zip(now, anew, strict=True))
    return replace(truth, closeness=closeness), replace(observed, messages=messages, contact_days=contact_days)


def _where(changed: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    old[changed] = new
    return old


def _counters(turn: Turn, truth: Truth, observed: Observed, stayed: pl.DataFrame) -> Observed:
    """Views, likes and clicks: outside the funnel as many as ever, and those of the log."""
    spec, generator = turn.spec, turn.stream("counters")
    views = generator.poisson(spec.past_views * turn.items * spec.drift.days / spec.age_mean * truth.popularity)
    liked = likes(spec.engagement, truth.quality, views, generator)
    clicked = clicks(spec.engagement, truth, views, generator)

    def more(counter: np.ndarray, outside: np.ndarray, of_log: pl.Series | None = None) -> np.ndarray:
        return (counter + outside + np.bincount(stayed["item"], of_log, turn.items)).astype(np.float32)

    return replace(
        observed,
        past_views=more(observed.past_views, views),
        past_likes=more(observed.past_likes, liked, stayed["like"]),
        past_clicks=more(observed.past_clicks, clicked, stayed["click"]),
    )


def _reactions(turn: Turn, truth: Truth, observed: Observed, stayed: pl.DataFrame) -> Observed:
    """Public reactions in the window: what stays of the old ones, what is new outside, and what the funnel brought."""
    spec, users = turn.spec, len(truth.taste)
    owner = np.repeat(np.arange(users), np.diff(observed.reaction_offsets))
    stays = keyed_uniforms(turn.seed, f"reaction stays {turn.round}", owner, observed.reaction_item, 1)[:, 0]
    kept = (stays >= spec.drift.reactions) & ~turn.left[observed.reaction_item]

    # As many come outside as leave on the mean, so that the window holds as many as ever.
    generator = turn.stream("reactions")
    leaving = 1 - (1 - spec.drift.reactions) * (1 - turn.leaving)
    who = np.repeat(np.arange(users), generator.poisson(leaving * spec.reactions.mean * users * truth.activity))
    recent = truth.popularity * np.exp(-observed.age / observed.age.mean())
    outside = choose(who, _pleasure(truth), recent, spec.offers, turn.seed, f"reactions {turn.round}")

    acted = stayed.filter(pl.any_horizontal(pl.col(name) == 1 for name in ACTS))
    user = np.concatenate([owner[kept], who, acted["user"]])
    item = np.concatenate([observed.reaction_item[kept], outside, acted["item"]])
    drawn = kinds(spec.reactions.expressive, len(outside), generator)
    kind = np.concatenate([observed.reaction_kind[kept], drawn, _kinds(acted)])
    # A user reacts to an item at most once; of several reactions the oldest counts.
    keys, first = np.unique(user * turn.items + item, return_index=True)
    user, item = np.divmod(keys, turn.items)
    return replace(
        observed,
        reaction_offsets=offsets(user, users),
        reaction_item=item.astype(np.int32),
        reaction_kind=kind[first].astype(np.int8),
    )


def _kinds(acted: pl.DataFrame) -> np.ndarray:
    """int8 (n,): the kind of public reaction that each impression brought, of several the most deliberate."""
    kind = np.zeros(len(acted), np.int8)
    for name in ACTS:
        kind[acted[name].to_numpy() == 1] = REACTIONS.index(name)
    return kind


def _histories(turn: Turn, truth: Truth, observed: Observed, stayed: pl.DataFrame) -> Observed:
    """What the platform remembers: something watched outside where an item left, and in front what the funnel showed.

    A video that was watched to the end in the funnel pushes out the oldest.
    """
    users, places = observed.history.shape
    watcher, name = np.repeat(np.arange(users), places), f"history {turn.round}"
    outside = choose(watcher, _pleasure(truth), truth.popularity, turn.spec.offers, turn.seed, name)
    history = np.where(turn.left[observed.history], outside.reshape(users, places), observed.history)

    seen = stayed.filter(pl.col("long_view") == 1).reverse()  # so that the last one watched stands first
    user, item = seen["user"].to_numpy(), seen["item"].to_numpy()
    order = np.argsort(user, kind="stable")
    user, item = user[order], item[order]
    place = np.arange(len(user)) - np.searchsorted(user, user)
    pushed = np.bincount(user, minlength=users)
    history = np.take_along_axis(history, np.maximum(np.arange(places) - pushed[:, None], 0), 1)
    fitting = place < places
    history[user[fitting], place[fitting]] = item[fitting]
    return replace(observed, history=history, interests=interests(observed.content, history))


def _pleasure(truth: Truth) -> Pleasure:
    return Pleasure(truth.taste, truth.topic, truth.quality)
