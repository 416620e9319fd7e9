"""The funnel: retrieve, early, late. Start reading here."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from funnel.candidates import Candidates, Requests, Step, Trace
from funnel.retrieval.retrieve import Retrieve
from funnel.stages.rank import Stage
from funnel.world.bubbles import Bubbles, join

CHUNK = 256
"""requests served at a time; memory follows it, results do not"""


def rank(stages: tuple[Stage, ...], requests: Requests, pool: Candidates, bubbles: Bubbles) -> Trace:
    """The trace of R requests from their pool on."""
    trace: Trace = {"retrieval": Step(pool, np.ones(len(pool), bool))}
    candidates = pool
    for stage in stages:
        trace[stage.name] = stage(requests, candidates, bubbles)
        candidates = trace[stage.name].after
    return trace


@dataclass(frozen=True)
class Funnel:
    """A retrieval and the ranking stages behind it."""

    retrieve: Retrieve
    stages: tuple[Stage, ...]

    def serve(self, requests: Requests) -> Iterator[tuple[Requests, Bubbles, Trace]]:
        """Serves the requests in chunks: each chunk with the bubbles that its users would see, and its trace."""
        for chunk in requests.chunks(CHUNK):
            bubbles = join(self.retrieve.observed, chunk.user)
            yield chunk, bubbles, rank(self.stages, chunk, self.retrieve(chunk, bubbles), bubbles)
