"""Makes a world of data: observed where the data says it, fitted where a model can, assumed elsewhere."""

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.rng import stream
from funnel.world.arrays import shares
from funnel.world.closeness import Friends, friendships
from funnel.world.fitted.factors import Factors, fit
from funnel.world.fitted.gains import gains
from funnel.world.fitted.graph import graph
from funnel.world.fitted.quality import quality
from funnel.world.fitted.rates import solved
from funnel.world.fitted.records import activity, pairs_of, records
from funnel.world.fitted.source import data_of
from funnel.world.fitted.spec import FittedSpec
from funnel.world.observing import observe
from funnel.world.truth import Truth
from funnel.world.world import World


def build(spec: FittedSpec, seed: int) -> World:
    """Reads, fits and draws; `sources` says where each array comes from.

    Cost and memory grow linearly with interactions, users, items and friendships; the cost, where friends are those of
    nearest taste, with the square of users. The seed redraws what is assumed and the start of the fit, never the data.
    With `rates`, the world's own spec has the bases that were solved for.

    Raises:
        InputError: the folder breaks its contract.
    """
    data = data_of(spec)
    factors = fit(spec.factors, data.users, data.items, data.user, data.item, gains(data), seed)
    edges = _edges(spec, data, factors, seed)
    truth = _truth(data, factors, edges, seed)
    pairs = pairs_of(data)

    def world(spec: FittedSpec) -> World:
        kept = records(spec, data, pairs, truth.quality, seed)
        return World(spec, seed, truth, observe(spec, seed, truth, edges, kept))

    made = world(spec)
    # The counters of likes and clicks follow the rates, so they are drawn anew.
    return world(spec.model_copy(update={"engagement": solved(made, spec.rates)})) if spec.rates else made


def _edges(spec: FittedSpec, data: Dataset, factors: Factors, seed: int) -> Friends:
    ends = graph(data, factors.taste, spec.neighbours)
    return friendships(spec.friends, ends, data.users, seed, data.friend_weight)


def _truth(data: Dataset, factors: Factors, edges: Friends, seed: int) -> Truth:
    return Truth(
        taste=factors.taste,
        topic=factors.topic,
        tendency=stream(seed, "world", "tendency").standard_normal(data.users, dtype=np.float32),
        quality=quality(data, seed),
        appeal=stream(seed, "world", "appeal").standard_normal(data.items, dtype=np.float32),
        popularity=shares(np.bincount(data.item, minlength=data.items)).astype(np.float32),
        activity=shares(activity(data)).astype(np.float32),
        closeness=edges.closeness,
    )
