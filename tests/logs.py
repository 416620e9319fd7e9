"""A small world and a log of random impressions in it, for the tests of models and training."""

from functools import cache

import numpy as np
import polars as pl

from funnel import schema
from funnel.features import Towers
from funnel.rng import stream
from funnel.world.bubbles import join
from funnel.world.engagement import Engagement
from funnel.world.generate import generate
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.world import World

SLOTS = 10
"""impressions a request"""


@cache
def world() -> World:
    return generate(SyntheticSpec(users=300, items=500, creators=50, dims=4, communities=5), seed=3)


@cache
def towers() -> Towers:
    draws = stream(3, "towers")
    return Towers(*(draws.standard_normal((count, 8), np.float32) for count in (300, 500)))


@cache
def log(requests: int = 600, seed: int = 0) -> pl.DataFrame:
    """Random items under true labels; half of a request's items are taken from its bubbles where there are enough."""
    draws = stream(seed, "log")
    user = draws.integers(world().users, size=requests)
    bubbles = join(world().observed, user)
    item = np.argsort(draws.random((requests, world().items)), axis=1)[:, :SLOTS]
    for request in range(requests):
        friends = bubbles.item[bubbles.offsets[request] : bubbles.offsets[request + 1]][: SLOTS // 2]
        others = np.setdiff1d(item[request], friends)[: SLOTS - len(friends)]
        item[request] = np.concatenate([friends, others])
    return impressions(user, item, seed)


def impressions(user: np.ndarray, item: np.ndarray, seed: int) -> pl.DataFrame:
    """`schema.IMPRESSIONS` of requests by `user` (R,) that were shown `item` (R, SLOTS)."""
    request = np.repeat(np.arange(len(user)), SLOTS)
    position = np.tile(np.arange(SLOTS), len(user))
    user, item = user[request], item.ravel()
    bubbles = join(world().observed, user[::SLOTS])
    bubble, oracle = bubbles.find(request, item), Engagement.of(world())
    z = oracle.logits(user, item, oracle.friend_term(bubbles, bubble), position)
    labels = oracle.labels(z, world().observed.duration[item], bubble >= 0, request + 10**6 * seed, item)
    count = np.where(bubble >= 0, bubbles.count[bubble], 0)
    fixed = {"source": 1, "propensity": 1.0, "explored": True}
    frame = {"request": request, "user": user, "item": item, "position": position, "bubble_count": count, **labels}
    table = pl.DataFrame(frame).with_columns(**{name: pl.lit(value) for name, value in fixed.items()})
    return schema.check(
        table.with_columns(pl.col(pl.Float32).fill_nan(None)).cast(schema.IMPRESSIONS), schema.IMPRESSIONS, "log"
    )


@cache
def cut_log(requests: int = 600, seed: int = 0) -> pl.DataFrame:
    """`schema.STAGE_LOG` of the same requests: ten random items each, half by either stage; some were shown."""
    draws = stream(seed, "cuts")
    users = log(requests, seed)["user"].to_numpy()[::SLOTS]
    item = np.argsort(draws.random((requests, world().items)), axis=1)[:, :10]
    frame = {
        "request": np.repeat(np.arange(requests), 10),
        "user": np.repeat(users, 10),
        "item": item.ravel(),
        "stage": (["early"] * 5 + ["late"] * 5) * requests,
    }
    table = pl.DataFrame(frame).with_columns(source=pl.lit(1), score=pl.lit(0.0))
    return table.select(list(schema.STAGE_LOG)).cast(schema.STAGE_LOG)
