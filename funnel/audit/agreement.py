"""Do the stages of a log agree, and what did the early ones cut that later ones would have put first.

Each measure speaks of the requests in which the scores that it needs are known of every row that it asks about. A log
that scores some requests as a whole is thus a sample of requests; one that scores only what got through tells nothing
of what did not.
"""

from dataclasses import replace

import numpy as np

from funnel.audit.part import Part
from funnel.metrics import laws
from funnel.metrics import overlap as of_ledger
from funnel.metrics.ratio import Ratio, count
from funnel.metrics.recall import lost_of
from funnel.metrics.value import best


def known(part: Part, *scores: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """bool (R,): requests in which all these scores (float32 (n,)) are known, on every row or on those of `among`."""
    unknown = np.logical_or.reduce([np.isnan(score) for score in scores])
    return count(part.ledger, unknown if among is None else unknown & among) == 0


def where(requests: np.ndarray, ratios: list[Ratio]) -> list[Ratio]:
    """The ratios over some of the requests (bool (R,)) alone."""
    return [
        replace(ratio, numerator=ratio.numerator * requests, denominator=ratio.denominator * requests)
        for ratio in ratios
    ]


def lost(part: Part) -> list[Ratio]:
    """Share of the judge's top slate-size items of the whole logged pool that the early stage cut.

    The judge is the log's reference score or, where it has none, the late stage's own score, shadow scores of what the
    early stage cut included.
    """
    return _early(part, known(part, part.judge), lost_of(part.ledger, part.slices))


def correlation(part: Part) -> list[Ratio]:
    """Correlation of the early score with the judge's inside a request's pool, by normal scores of the ranks; mean over
    requests."""
    return _early(part, judged(part), laws.correlation(part.ledger))


def overlap(part: Part) -> list[Ratio]:
    """Overlap@K: common items of the early and the late top K of the same candidates, over K.

    On impressed candidates K is half the slate; on unimpressed ones it is the early budget. Each is told of requests
    in which both scores are known on all of its candidates.
    """
    among = {"impressed": part.ledger.slate, "unimpressed": ~part.ledger.slate}
    scores = part.score(part.spec.early), part.score(part.spec.late)
    return [
        told
        for ratio in of_ledger.overlap(part.ledger)
        for told in _early(part, known(part, *scores, among=among[ratio.slice]), [ratio])
    ]


def penetration(part: Part) -> list[Ratio]:
    """Share of the early stage's top slate-size items that were shown."""
    spec = part.spec
    survived = known(part, part.score(spec.early), among=part.past(spec.early))
    return _early(part, survived, of_ledger.penetration(part.ledger))


def stage_recall(part: Part) -> list[Ratio]:
    """Of the slate-size rows that a later stage's score puts first in the whole logged pool, the share in a stage's
    output; `all` asks the late stage, `by_<stage>` another one.

    Told only of requests in which the later stage scored every row: one that saw only what got through has nothing to
    say of what did not.
    """
    return [ratio for judge in part.spec.scored for ratio in _recall(part, judge)]


def _recall(part: Part, judge: str) -> list[Ratio]:
    ledger, stages, score = part.ledger, part.spec.stages, part.score(judge)
    wanted = best(ledger, ledger.retrieved, np.nan_to_num(score), ledger.slate_size)
    name = "all" if judge == part.spec.late else f"by_{judge}"
    ratios = [
        Ratio(count(ledger, wanted & part.past(stage)), count(ledger, wanted), stage, name)
        for stage in stages[1 : stages.index(judge)]
    ]
    return where(known(part, score), ratios)


def judged(part: Part) -> np.ndarray:
    """bool (R,): requests in which the early score and the judge's are known of every row."""
    return known(part, part.score(part.spec.early), part.judge)


def _early(part: Part, requests: np.ndarray, ratios: list[Ratio]) -> list[Ratio]:
    """The ratios over some of the requests, said of the stage that stands for the early one."""
    return [replace(ratio, stage=part.spec.early) for ratio in where(requests, ratios)]
