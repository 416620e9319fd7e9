"""What a scenario may ask of training repairs, and what it is told when it asks for the impossible."""

from typing import Any

import pytest

from funnel.errors import SpecError
from funnel.stages.spec import FunnelSpec, StagesSpec
from funnel.tasks import TASKS
from funnel.training.spec import RankerSpec, labelled_when_cut

EARLY = {"features": ["content", "tower_match"], "tasks": ["like", "hide"], "formula": {"like": 1.0}, "keep": 20}
LATE = {**EARLY, "features": ["content", "tower_match", "content_match"], "keep": 5}


def told(early: dict[str, Any] | None = None, late: dict[str, Any] | None = None, **more: Any) -> str:
    """What is said of two stages with these settings."""
    with pytest.raises(SpecError) as error:
        StagesSpec.parse({"early": EARLY | (early or {}), "late": LATE | (late or {}), **more}, "stages")
    return str(error.value)


def funnel(**stages: Any) -> dict[str, Any]:
    return {"stages": {"early": EARLY, "late": LATE} | stages, "value": {"formula": {"like": 1.0}}}


@pytest.mark.parametrize("kind", ["pointwise", "listwise", "pairwise", "pselect"])
def test_a_way_to_distil_is_chosen_by_its_kind(kind):
    spec = StagesSpec.parse({"early": EARLY | {"distil": {"kind": kind}}, "late": LATE}, "stages")
    assert spec.early.distil is not None and (spec.early.distil.kind, spec.early.distil.weight) == (kind, 1.0)
    assert RankerSpec.parse(spec.early.ranker().table(), "ranker").distil == spec.early.distil


def test_an_unknown_way_to_distil_is_an_error():
    assert told({"distil": {"kind": "listwyse"}}) == (
        "stages.early.distil.kind: `listwyse` is not a known kind. Did you mean `listwise`?"
    )
    assert told({"distil": {"kind": "pairwise", "temperature": 1.0}}) == (
        "stages.early.distil.temperature: `temperature` is not a known key. Known: kind, weight."
    )


def test_the_late_stage_has_no_teacher():
    assert told(late={"distil": {"kind": "pairwise"}, "privileged": {}}) == (
        "stages: `distil` teaches the early stage what a later one knows. Found it at stage `late`, which no stage "
        "follows. Take it out. `privileged` teaches the early stage what a later one knows. Found it at stage `late`, "
        "which no stage follows. Take it out."
    )


def test_a_privileged_teacher_knows_more_than_its_student():
    stages = StagesSpec.parse({"early": EARLY | {"privileged": {}}, "late": LATE}, "stages")
    assert stages.privileges == ("content_match",)
    named = EARLY | {"privileged": {"features": ["content", "creator_seen"]}}
    assert StagesSpec.parse({"early": named, "late": LATE}, "stages").privileges == ("creator_seen",)
    assert told({"privileged": {"features": ["content"]}}) == (
        "stages: `privileged` should give the teacher a feature that stage `early` does not read. Found none. Name one "
        "in `early.privileged.features`, or let the late stage read more."
    )
    assert told({"privileged": {"features": ["contend"]}}) == (
        "stages.early.privileged.features: `contend` is not a feature. Did you mean `content`?"
    )


def test_a_score_of_its_own_is_not_calibrated():
    assert told({"distil": {"kind": "pairwise"}, "calibration": "source"}) == (
        "stages: `early.calibration` corrects what the formula reads. Found a stage that sorts by a score of its own "
        "(`distil` or `cascade`). Take one of them out."
    )


def test_only_a_plain_score_is_distilled():
    distilled, corrected = {"distil": {"kind": "pairwise"}}, {"calibration": "source", "boost": {"friends": 2.0}}
    assert told(distilled, corrected) == (
        "stages: `early.distil` teaches the plain score of the late formula. Found `late.calibration`, by which the "
        "late stage sorts otherwise. Take one of them out. `early.distil` teaches the plain score of the late formula. "
        "Found `late.boost`, by which the late stage sorts otherwise. Take one of them out."
    )
    stages = StagesSpec.parse({"early": EARLY | {"privileged": {}}, "late": LATE | corrected}, "stages")
    assert stages.late.calibration == "source"


def test_a_cascade_is_trained_in_one_way_only():
    assert told({"distil": {"kind": "pairwise"}}, cascade={}) == (
        "stages: `cascade` trains the early stage beside the late one. Found `early.distil`, too. Remove one of them."
    )
    assert told({"train": {"epochs": 3}}, {"combine": "product"}, cascade={}) == (
        "stages: `cascade` trains both stages in one optimisation, so their `train` should be the same. Found two. "
        '`cascade` should descend through a late formula that is a sum. Found `combine = "product"`.'
    )
    patient = {"train": {"held_out": 0.1, "patience": 2}}
    assert told(patient, patient, cascade={}) == (
        "stages: `cascade` sees all rows for all epochs. Found `train.patience`. Take it out."
    )


def test_negatives_come_from_stages_that_cut():
    assert told({"train": {"negatives": ["earli"]}}) == (
        "stages.early.train.negatives.0: `earli` is not a known choice. Did you mean `early`?"
    )
    assert told({"train": {"negatives": ["late", "late"]}}) == (
        "stages.early.train.negatives: should name each stage once. Found `late` twice."
    )


def test_negatives_need_a_task_that_they_are_negatives_of():
    unwanted = {"tasks": ["hide", "watch_seconds"], "formula": {"hide": -1.0}, "train": {"negatives": ["early"]}}
    assert told(unwanted) == (
        "stages.early: train.negatives: should find a task that a cut candidate is a negative of: binary, wanted, and "
        "without a condition other than a bubble. Found `hide`, `watch_seconds`. Add such a task, or take `negatives` "
        "out."
    )
    none = {task.name for task in TASKS if not labelled_when_cut(task.name)}
    assert none == {"hide", "watch_seconds", "watch_grade", "bubble", "conversion"}


def test_negatives_need_cuts_in_the_log():
    spec = funnel(early=EARLY | {"train": {"negatives": ["late"]}})
    assert FunnelSpec.parse(spec, "base").stages.early.train.negatives == ("late",)
    with pytest.raises(SpecError) as error:
        FunnelSpec.parse(spec | {"traffic": {"cuts": 0}}, "base")
    assert str(error.value) == (
        "base: stage `early` learns from logged cuts (`train.negatives`), so `traffic.cuts` should be at least 1. "
        "Found 0. Raise it, or take `negatives` out."
    )
