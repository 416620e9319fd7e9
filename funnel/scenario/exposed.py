"""What an arm's slates expose users to, for the measures of exposure."""

import numpy as np

from funnel.candidates import Candidates
from funnel.metrics.exposed import Exposed
from funnel.scenario.lab import Lab
from funnel.world.synthetic.population import communities
from funnel.world.synthetic.spec import SyntheticSpec


def exposed_of(lab: Lab, rows: Candidates) -> Exposed | None:
    """Topics and creators of the rows; None in a world whose topics nobody drew."""
    spec, truth, observed = lab.world.spec, lab.world.truth, lab.world.observed
    if not isinstance(spec, SyntheticSpec):
        return None
    topic = (truth.topic @ communities(spec, lab.seed).T).argmax(1)
    user = lab.requests.user[rows.request]
    return Exposed(
        topic=topic[rows.item],
        creator=observed.creator[rows.item].astype(np.int64),
        topic_known=_known(topic, observed.history, user, rows.item),
        creator_known=_known(observed.creator, observed.history, user, rows.item),
        creators=spec.creators,
    )


def _known(kind: np.ndarray, history: np.ndarray, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """bool (n,): whether the item's kind (int (I,)) is one of those of the user's history (int (U, H))."""
    known = np.zeros(len(item), bool)
    for place in range(history.shape[1]):
        known |= kind[history[user, place]] == kind[item]
    return known
