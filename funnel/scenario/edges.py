"""The friendships of a world, as an arm's closeness model sees them and as they are."""

import numpy as np

from funnel.closeness.edges import ends
from funnel.closeness.spec import CLOSE
from funnel.metrics.edges import Edges
from funnel.scenario.lab import Lab
from funnel.world.survey import truly_close


def edges_of(lab: Lab) -> Edges:
    """What the arm's closeness model makes of all friendships, beside the truth."""
    observed, latent, found = lab.world.observed, lab.world.truth.closeness, lab.estimate
    known = found.probability if found else None
    return Edges(
        estimate=observed.closeness,
        probability=np.full(len(latent), np.nan, np.float32) if known is None else known,
        closeness=latent,
        close=truly_close(latent, CLOSE),
        friends=observed.friend_count[ends(observed)].min(1).astype(np.int64),
    )
