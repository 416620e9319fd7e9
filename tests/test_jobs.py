"""The jobs of a scenario and of a sweep: every distinct piece once, and arms that share what is dear side by side."""

import io
import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from funnel.errors import TrainingError
from funnel.report import page
from funnel.scenario import harness
from funnel.scenario import jobs as module
from funnel.scenario.executors import Executor
from funnel.scenario.file import load
from funnel.scenario.jobs import Case, Job, attempt, examining, exams_of, training
from funnel.scenario.store import Piece, Store
from tests.worlds import SMALL_FUNNEL

KEEPS = "sweep.keep.every.stages.early.keep=[10, 15, 20, 25]"
SPARE = ("arms.spare.at=['late']", "arms.spare.stages.early.keep=40")


def jobs_of(*more: str, seeds: int = 1) -> list[Job]:
    loaded = load(Path("scenarios/quickstart.toml"), seeds=seeds, assignments=[*SMALL_FUNNEL, *more])
    scenarios = [point.scenario for point in getattr(loaded, "points", ())] or [loaded]
    exams = [exams_of(scenarios, seed, Store(Path())) for seed in range(seeds)]
    return [*training(exams), *examining(exams)]


def counted(jobs: list[Job]) -> dict[str, int]:
    return {kind: sum(job.kind == kind for job in jobs) for kind in dict.fromkeys(job.kind for job in jobs)}


def test_points_that_move_only_a_budget_share_every_piece_and_every_look():
    one, many = jobs_of(), jobs_of(KEEPS)
    assert counted(many) == counted(one) == {"traffic": 1, "towers": 1, "ranker": 4, "oracle": 1, "rows": 2}
    cases = [case for job in many if job.kind == "rows" for case in job.cases]
    assert sorted(cases, key=lambda case: case.point) == [
        Case(arm, point) for point in range(4) for arm in ("late_only", "both", "baseline")
    ]


def test_points_that_move_a_weight_of_the_formula_share_all_models():
    weights = "sweep.weight.change.formula.bubble_engage=[0.5, 1.0, 2.0]"
    assert counted(jobs_of(weights)) == counted(jobs_of())


def test_points_in_other_worlds_share_nothing():
    assert counted(jobs_of("sweep.size.base.world.users=[200, 300]")) == {
        kind: 2 * count for kind, count in counted(jobs_of()).items()
    }


def test_arms_are_examined_beside_those_of_their_early_ranker_and_the_judges_first():
    *_, first, second = jobs_of(KEEPS)
    assert {case.arm for case in second.cases} == {"baseline"}
    assert [case.arm for case in first.cases] == ["late_only"] * 4 + ["both"] * 4


def test_seeds_have_jobs_of_their_own():
    jobs = jobs_of(seeds=2)
    assert [job.seed for job in jobs if job.kind == "oracle"] == [0, 1]
    assert counted(jobs)["rows"] == 4


def test_a_label_names_arms_and_counts_points():
    cases = tuple(Case(arm, point) for point in range(3) for arm in "abcdef")
    assert Job("ranker", 2, cases, "late").label == "ranker late, seed 2: a, b, c, d and 2 more at 3 points"
    assert Job("rows", 0, (Case("both"),)).label == "rows, seed 0: both"


# Arms that fail


def fails(folder: Path) -> None:
    raise TrainingError("The loss should be finite.")


def test_an_arm_that_cannot_be_made_is_told_and_one_of_the_verdict_ends_the_run(tmp_path):
    scenario = load(Path("scenarios/quickstart.toml"), seeds=2, assignments=[*SMALL_FUNNEL, *SPARE])
    store = Store(tmp_path)
    exam = exams_of([scenario], 1, store)[0]
    piece = Piece("ranker", {}, fails)
    assert attempt(store, exam, ["spare"], [piece]) == {"spare": "Seed 1: The loss should be finite."}
    assert attempt(store, exam, ["spare"], []) == {}
    for arm in ("late_only", "both", "baseline"):
        with pytest.raises(TrainingError, match="The loss should be finite"):
            attempt(store, exam, ["spare", arm], [piece])


def test_a_job_of_an_unknown_kind_is_a_mistake_of_the_code():
    exam = exams_of([load(Path("scenarios/quickstart.toml"), seeds=1)], 0, Store(Path()))[0]
    with pytest.raises(ValueError, match="no such kind of job: tower"):
        module.shared_piece(exam, Job("tower", 0, (Case("both"),)))


def test_a_run_goes_on_without_an_arm_that_cannot_be_trained(tmp_path):
    diverging = ("arms.spare.stages.late.train.rate=1e30", "arms.kin.at=['late']", "arms.kin.control='spare'")
    more = (*SPARE, *diverging, "arms.kin.stages.early.keep=35")
    scenario = load(Path("scenarios/quickstart.toml"), seeds=2, assignments=[*SMALL_FUNNEL, *more])
    printed = io.StringIO()
    folders = {"data": tmp_path / "data", "reports": tmp_path / "reports"}
    told = Console(file=printed, width=300)
    folder = harness.run(scenario, Executor(workers=1), console=told, **folders)
    summary = json.loads((folder / "results.json").read_text())
    noted = json.loads(next((tmp_path / "data" / "ranker").glob("*.failed")).read_text())
    assert summary["failed"] == {"spare": f"Seed 0: {noted['message']}"}
    assert summary["scenario"]["arms"] == ["baseline", "late_only", "both", "kin"]
    assert summary["arms"]["kin"]["control"] is None
    for table in ("rows", "request_rows", "deaths", "sample"):
        assert "spare" not in pl.read_parquet(folder / f"{table}.parquet")["arm"].unique()
    lines = [line for line in printed.getvalue().splitlines() if "cannot be made" in line]
    assert lines == [f"Arm `spare` cannot be made and is left out. {summary['failed']['spare']}"]
    assert page.build(folder).is_file()
