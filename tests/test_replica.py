"""A replica is another training of the same funnel: what is trained is drawn anew, and nothing else moves."""

from pathlib import Path

import numpy as np
import pytest

from funnel.scenario.exam import Exam
from funnel.scenario.file import load
from funnel.scenario.pieces import plan
from funnel.scenario.store import Store
from funnel.stages.spec import STAGES
from tests.worlds import SMALL_FUNNEL


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Exam:
    twin = ("arms.again.at=['late']", "arms.again.replica=1")
    scenario = load(Path("scenarios/quickstart.toml"), seeds=1, assignments=[*SMALL_FUNNEL, *twin])
    return Exam(scenario, 0, Store(tmp_path_factory.mktemp("data")))


def test_the_first_replica_is_trained_under_the_seed_itself(exam):
    lab = exam.labs["late_only"]
    seeds = [lab.training_seed(replica) for replica in range(50)]
    assert seeds[0] == lab.seed and len(set(seeds)) == 50


def test_twins_share_all_but_what_is_trained(exam):
    one, other = exam.labs["late_only"], exam.labs["again"]
    for shared in ("world_piece", "bootstrap_piece", "traffic_piece"):
        assert getattr(one, shared).name == getattr(other, shared).name
    assert exam.oracle_piece(one).name == exam.oracle_piece(other).name
    assert one.arm_towers.name != other.arm_towers.name
    for stage in STAGES:
        assert one.arm_ranker(stage).name != other.arm_ranker(stage).name
    assert sum(job.kind == "towers" for job in plan(exam.scenario)) == 2


def test_twins_are_trained_apart_and_meet_the_same_truth(exam):
    one, other = exam.labs["late_only"], exam.labs["again"]
    for stage in STAGES:
        mine, its = (lab.arm_rank(stage).server.ranker for lab in (one, other))
        weights = [ranker.model.first()[0].detach() for ranker in (mine, its)]
        assert mine.spec == its.spec and not np.array_equal(*weights)
    first, second = exam.ledger(one), exam.ledger(other)
    assert not np.array_equal(first.rows.item, second.rows.item)  # towers of their own fetch pools of their own
    assert np.array_equal(first.oracle_value, second.oracle_value)
    assert np.array_equal(first.rows.item[first.oracle], second.rows.item[second.oracle])
