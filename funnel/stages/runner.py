"""The funnel: retrieve, early, late. Start reading here."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from funnel.candidates import Candidates, Requests, Step, Trace
from funnel.retrieval.retrieve import Retrieve
from funnel.stages.rank import Stage
from funnel.world.bubbles import Bubbles, join

CHUNK = 256
"""requests served at a time; memory follows it, results do not"""


def rank(stages: tuple[Stage, ...], requests: Requests, pool: Step, bubbles: Bubbles) -> Trace:
    """The trace of R requests from their pool on."""
    trace: Trace = {"retrieval": pool}
    candidates = pool.after
    for stage in stages:
        trace[stage.name] = stage(requests, candidates, bubbles)
        candidates = trace[stage.name].after
    return trace


def uncut(pool: Candidates, seconds: float = 0.0) -> Step:
    """The step of a stage that lets everything through."""
    return Step(pool, np.ones(len(pool), bool), seconds)


@dataclass(frozen=True)
class Funnel:
    """A retrieval and the ranking stages behind it."""

    retrieve: Retrieve
    stages: tuple[Stage, ...]

    def serve(self, requests: Requests) -> Iterator[tuple[Requests, Bubbles, Trace]]:
        """Serves the requests in chunks: each chunk with the bubbles that its users would see, and its trace."""
        for chunk in requests.chunks(CHUNK):
            start = time.perf_counter()
            bubbles = join(self.retrieve.observed, chunk.user)
            pool = self.retrieve(chunk, bubbles)
            yield chunk, bubbles, rank(self.stages, chunk, uncut(pool, time.perf_counter() - start), bubbles)
