"""The estimate of every friendship's closeness by the model of a spec, scored in batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from funnel.closeness import context
from funnel.closeness import survey as survey_model
from funnel.closeness.context import Served
from funnel.closeness.edges import features, standard
from funnel.closeness.logistic import fitted
from funnel.closeness.spec import Asking, ClosenessModel, Watching
from funnel.rng import stream
from funnel.world.arrays import percentile
from funnel.world.closeness import proxies
from funnel.world.observed import Observed
from funnel.world.survey import Survey


@dataclass(frozen=True)
class Estimate:
    """What a model makes of E friendships."""

    percentile: np.ndarray
    """float32 (E,) in (0, 1): share of friendships estimated less close; what `Observed.with_closeness` takes"""
    probability: np.ndarray | None
    """float32 (E,): probability that it would be called close; None where no answers were learnt from"""
    told: dict[str, Any]
    """plain numbers: `round`, `fell_back` and `cheats` (0 or 1); of a survey `answers`, `yes` (share) and `agreement`
    with its proxy question (None where all answers are the same), of a context `impressions` and `engagements`"""

    def save(self, folder: Path) -> None:
        np.save(folder / "percentile.npy", self.percentile)
        if self.probability is not None:
            np.save(folder / "probability.npy", self.probability)
        (folder / "told.json").write_text(json.dumps(self.told))

    @classmethod
    def load(cls, folder: Path) -> "Estimate":
        probability = folder / "probability.npy"
        known = np.load(probability) if probability.exists() else None
        return cls(np.load(folder / "percentile.npy"), known, json.loads((folder / "told.json").read_text()))


def estimate(
    spec: ClosenessModel,
    observed: Observed,
    survey: Survey | None,
    logs: Sequence[Served],
    seed: int,
    round_: int,
    latent: np.ndarray | None = None,
) -> Estimate:
    """Fits the model of a spec and scores all friendships.

    A part that has nothing to learn from (all answers alike, too few bubble impressions) is left out; where no part is
    left the rule of thumb stands in. Either is told as `fell_back`.

    Args:
        survey: the answers, for models that ask. logs: impressions, each with the observables under which they were
            served, for models that watch. round_: at which it is fitted. latent: float32 (E,), for `latent` alone.
    """
    told: dict[str, Any] = {"round": round_, "fell_back": 0, "cheats": int(spec.cheats)}
    if spec.kind == "none":
        return Estimate(percentile(stream(seed, "closeness", "none").random(len(observed.mutual))), None, told)
    if spec.kind == "latent":
        assert latent is not None, "the upper bound is handed the truth"
        return Estimate(percentile(latent), None, told)
    rule = proxies(observed.mutual, observed.messages, observed.contact_days)
    if spec.kind == "proxies":
        return Estimate(rule, None, told)
    inputs, parts = features(observed), {}
    if isinstance(spec, Asking):
        assert survey is not None, "a model that asks is handed the answers"
        parts["survey"] = survey_model.fit(survey, inputs)
        told |= _of_survey(survey)
    if isinstance(spec, Watching):
        shown = context.seen(logs)
        parts["context"] = context.fit(shown, inputs, spec.least)
        told |= {"impressions": len(shown.engaged), "engagements": int(shown.engaged.sum())}
    learnt = {name: logits for name, logits in parts.items() if logits is not None}
    told["fell_back"] = int(len(learnt) < len(parts))
    if not learnt:
        return Estimate(rule, None, told)
    score = np.mean([standard(logits) for logits in learnt.values()], axis=0)
    return Estimate(percentile(score), _probability(learnt, score, survey), told)


def _of_survey(survey: Survey) -> dict[str, Any]:
    """What is told of the answers."""
    answers = len(survey.close)
    yes = float(survey.close.mean()) if answers else 0.0
    return {"answers": answers, "yes": yes, "agreement": survey_model.agreement(survey)}


def _probability(learnt: dict[str, np.ndarray], score: np.ndarray, survey: Survey | None) -> np.ndarray | None:
    """float32 (E,): the survey model's own probability; with a context beside it, the answers regressed on both."""
    if "survey" not in learnt or survey is None:
        return None
    if len(learnt) == 1:
        return expit(learnt["survey"]).astype(np.float32)
    return expit(fitted(score[survey.edge, None], survey.close).logits(score[:, None])).astype(np.float32)
