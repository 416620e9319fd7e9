"""What is written down of served requests: impressions with their outcomes, and a sample of what was cut."""

import numpy as np
import polars as pl

from funnel.candidates import Requests, Step, Trace
from funnel.rng import keyed_uniforms
from funnel.schema import IMPRESSIONS, STAGE_LOG, check
from funnel.tasks import TASKS
from funnel.traffic.slates import Slates
from funnel.world.bubbles import Bubbles
from funnel.world.engagement import Engagement


def impressions(engagement: Engagement, requests: Requests, slates: Slates, bubbles: Bubbles) -> pl.DataFrame:
    """The impression log of R requests: bubbles are shown where they exist, whatever the ranker knew of them.

    Args:
        bubbles: `join(observed, requests.user)`.
    """
    user = requests.user[slates.request]
    rows = bubbles.find(slates.request, slates.item)
    friend = engagement.friend_term(bubbles, rows)
    z = engagement.logits(user, slates.item, friend, slates.position)
    duration = engagement.world.observed.duration[slates.item]
    count = np.zeros(len(rows), np.int8)
    count[rows >= 0] = bubbles.count[rows[rows >= 0]]
    labels = engagement.labels(z, duration, count > 0, requests.id[slates.request], slates.item)
    table = pl.DataFrame(
        {
            "request": requests.id[slates.request],
            "user": user,
            "item": slates.item,
            "position": slates.position.astype(np.int16),
            "source": slates.source,
            "propensity": slates.propensity,
            "explored": slates.explored,
            "bubble_count": count,
            **{task.name: pl.Series(labels[task.name], nan_to_null=task.given is not None) for task in TASKS},
        }
    )
    return check(table, IMPRESSIONS, "impressions")


def cuts(trace: Trace, requests: Requests, sample: int, seed: int) -> pl.DataFrame:
    """A uniform sample, repeated draws dropped, of the candidates that each ranking stage cut.

    Args:
        sample: draws a request and stage.
    """
    parts = [_cut(name, step, requests, sample, seed) for name, step in trace.items()]
    return check(pl.concat(parts), STAGE_LOG, "stage log")


def _cut(name: str, step: Step, requests: Requests, sample: int, seed: int) -> pl.DataFrame:
    scored, lost = step.scored, np.flatnonzero(~step.kept)
    offsets = np.searchsorted(scored.request[lost], np.arange(len(requests) + 1))
    room = np.diff(offsets)[:, None]
    draws = keyed_uniforms(seed, f"cuts {name}", requests.id, requests.user, sample)
    drawn = offsets[:-1, None] + np.minimum((draws * room).astype(np.int64), room - 1)
    rows = lost[np.unique(drawn[np.broadcast_to(room > 0, drawn.shape)])]
    owner = scored.request[rows]
    return pl.DataFrame(
        {
            "request": requests.id[owner],
            "user": requests.user[owner],
            "item": scored.item[rows],
            "stage": [name] * len(rows),
            "source": scored.source[rows],
            "score": scored.score[rows],
        },
        schema=STAGE_LOG,
    )
