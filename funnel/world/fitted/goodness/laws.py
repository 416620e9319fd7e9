"""The laws of a fitted world beside those of its data: popularity, activity, friends."""

from typing import Any

import numpy as np

from funnel.intake.dataset import Dataset
from funnel.rng import stream
from funnel.world.arrays import shares
from funnel.world.fitted.goodness.distributions import law
from funnel.world.fitted.records import activity, pairs_of
from funnel.world.fitted.redrawn import redrawn
from funnel.world.synthetic.spec import SyntheticSpec
from funnel.world.world import World

OFFERS: int = SyntheticSpec.model_fields["offers"].default
"""items met a choice, as people of a synthetic world meet them outside the funnel"""


def laws(data: Dataset, world: World) -> dict[str, Any]:
    """What the world would have put on record, beside the data.

    Activity is who comes, drawn as often as the data has interactions. Popularity is not the data's by construction: of
    items met by popularity people choose what fits their taste, each as many items as in the data. Degree is of the
    graph; None where the data has no friends to hold it against.
    """
    acts = stream(world.seed, "goodness", "activity").multinomial(len(data.user), shares(world.truth.activity))
    busy = activity(data)  # it may count plays, so it is brought to as many acts
    return {
        "popularity": law(*_popularity(data, world)),
        "activity": law(np.round(busy * (len(data.user) / busy.sum())), acts),
        "degree": _degree(data, world),
    }


def _popularity(data: Dataset, world: World) -> tuple[np.ndarray, np.ndarray]:
    """int (I,) twice: users of each item in the data, and in what the world redraws."""
    pairs = pairs_of(data)
    counts = np.bincount(pairs.user, minlength=data.users)
    drawn = redrawn(counts, world.truth.taste, world.truth.topic, world.truth.popularity, OFFERS, world.seed, "laws")
    return np.bincount(pairs.item, minlength=data.items), np.bincount(drawn % data.items, minlength=data.items)


def _degree(data: Dataset, world: World) -> dict[str, Any] | None:
    if data.friends is None:
        return None
    return law(np.bincount(data.friends.ravel(), minlength=data.users), np.diff(world.observed.friend_offsets))
