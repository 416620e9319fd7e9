"""Scenarios in worlds that are fitted to data: what is checked before any work, what names the pieces, a whole run."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from funnel.cli import app
from funnel.errors import InputError
from funnel.report import page
from funnel.report import sweep as sweep_page
from funnel.scenario import fitted, harness
from funnel.scenario.executors import Executor
from funnel.scenario.file import load
from funnel.scenario.lab import Lab
from funnel.scenario.memory import Memory
from funnel.scenario.pieces import plan
from funnel.scenario.spec import Scenario
from funnel.scenario.store import Store
from funnel.world.fitted.spec import FittedSpec
from tests.people import ITEMS, USERS, people
from tests.worlds import TINY

BUBBLES = Path("scenarios/bubble_late_only.toml").resolve()
SMALL = (
    "arms={baseline={}, late_only={at=['late']}, both={at=['early', 'late']}}",
    "base.traffic={bootstrap_requests=60, requests=80}",
    "base.retrieval.sources={nearest={budget=30}, friends={budget=10}, popular={budget=8}, fresh={budget=6}}",
    "base.stages.early={keep=20, train={batch=128, epochs=1}}",
    "base.stages.late={keep=5, train={batch=128, epochs=1}}",
    "base.evaluation.requests=20",
)


@pytest.fixture
def folder(tmp_path) -> Path:
    return people(tmp_path / "people")


def scenario(folder: Path, *more: str, **options) -> Scenario:
    found = load(BUBBLES, assignments=[*SMALL, *more], world=folder, seeds=1, **options)
    assert isinstance(found, Scenario)
    return found


def problems(*scenarios: Scenario) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        fitted.check(scenarios)
    return caught.value.problems


def world_name(world, seed: int = 0) -> str:
    base = load(BUBBLES).base.model_copy(update={"world": world})
    return Lab(base, base, seed, Store(Path())).world_piece.name


# What is checked before any work


def test_folders_of_base_and_arms_are_checked_at_once(tmp_path, folder):
    elsewhere = f"arms.away={{at=['late'], unpaired=true, world={{source='{tmp_path / 'nowhere'}'}}}}"
    fitted.check([scenario(folder)])
    assert problems(scenario(folder, elsewhere)) == problems(scenario(tmp_path / "nowhere"))
    both = problems(scenario(tmp_path / "neither", elsewhere))
    assert [str(tmp_path / name) in problem for name, problem in zip(("neither", "nowhere"), both, strict=True)] == [
        True,
        True,
    ]


def test_a_pool_beyond_the_corpus_is_told_once_where_it_stands(folder):
    wide = "arms.wide={at=['late'], retrieval={sources={nearest={budget=80}}}}"
    rule = f"should add up to at most the {ITEMS} items of the world. Found"
    end = "Lower the budgets of the sources."
    assert problems(scenario(folder, wide)) == (f"arms.wide.retrieval: budgets {rule} 104. {end}",)
    found = scenario(folder, wide, "base.retrieval.sources.popular.budget=60")
    assert problems(found) == (
        f"base.retrieval: budgets {rule} 106. {end}",
        f"arms.wide.retrieval: budgets {rule} 156. {end}",
    )
    few = scenario(folder, "base.world.items=50")
    assert problems(few) == (
        f"base.retrieval: budgets should add up to at most the 50 items of the world. Found 54. {end}",
    )


def test_the_library_that_is_not_there_is_told_with_its_remedy(folder, monkeypatch):
    monkeypatch.setattr(fitted, "find_spec", lambda name: None)
    assert problems(scenario(folder)) == (
        "world: a world that is fitted to data needs the library implicit. Found none. Install the extra `data`: "
        "python -m pip install -e '.[data]' -c constraints.txt.",
    )
    fitted.check([load(BUBBLES)])


def test_a_folder_that_cannot_be_read_ends_with_2_and_touches_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["run", str(BUBBLES), "--world", "nowhere"])
    with pytest.raises(InputError) as caught:
        fitted.check([scenario(Path("nowhere"))])
    assert (result.exit_code, result.stderr) == (2, f"{caught.value}\n")
    assert list(tmp_path.iterdir()) == []


# What names the pieces


def test_a_piece_is_named_by_what_the_files_hold_and_not_by_where_they_lie(tmp_path, folder):
    same, other = people(tmp_path / "b" / "people"), people(tmp_path / "c" / "people")
    with (other / "interactions.csv").open("a") as file:
        file.write("0,0,3\n")
    names = [world_name(FittedSpec(source=str(place))) for place in (folder, same, other)]
    assert names[0] == names[1] != names[2]
    spec = FittedSpec(source=str(folder))
    assert len({names[0], world_name(spec, seed=1), world_name(spec.model_copy(update={"neighbours": 9}))}) == 3


def test_the_account_names_the_folder_of_this_run_though_another_made_the_piece(tmp_path, folder):
    store = Store(tmp_path / "store")
    first = fitted.read_account(FittedSpec(source=str(folder)), store)
    elsewhere = folder.rename(tmp_path / "elsewhere")
    second = fitted.read_account(FittedSpec(source=str(elsewhere)), store)
    assert first and second
    assert (first.pop("source"), second.pop("source")) == ("people", "elsewhere")
    assert first == second


def test_the_recipe_of_a_synthetic_world_is_its_spec():
    assert fitted.recipe(TINY, Memory()) == TINY.table()


def test_the_account_is_one_job_of_a_fitted_world_and_none_of_another(folder):
    labels = [job.label for job in plan(scenario(folder))]
    assert labels.count("account of the data") == 1
    assert "account of the data" not in [job.label for job in plan(load(BUBBLES))]


def test_presets_hold_for_every_scenario_on_data(folder):
    smoke = load(BUBBLES, preset="smoke", world=folder).base.world
    assert isinstance(smoke, FittedSpec) and smoke.users and smoke.items


# A whole run


def test_a_run_on_data_tells_of_the_data_and_finds_its_pieces_again_wherever_the_data_lies(tmp_path, folder):
    places = {"data": tmp_path / "data", "reports": tmp_path / "reports"}

    def run(at: Path) -> dict:
        with (at / "interactions.csv").open("a") as file:
            file.write("0,0,-3\n")
        found = scenario(at, lenient=True)
        finished = harness.run(found, Executor(workers=1), console=Console(file=io.StringIO()), **places)
        return json.loads((finished / "results.json").read_text())

    def made() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in places["data"].glob("*/*/manifest.json")}

    first, pieces = run(folder), made()
    world = first["world"]
    assert (world["source"], world["layout"], world["graph"]) == ("people", "tables", "friends")
    assert world["counts"]["users"] == USERS
    assert [(drop["file"], drop["rows"]) for drop in world["dropped"]] == [("interactions.csv", 1)]
    assert page.build(places["reports"] / "bubble_late_only").is_file()
    assert sorted({path.parts[-3] for path in pieces} & {"account", "world"}) == ["account", "world"]
    again = run(people(tmp_path / "elsewhere" / "people"))
    assert made() == pieces and again["estimates"] == first["estimates"] and again["world"] == world


def test_a_sweep_on_data_tells_of_the_data_of_its_first_point(tmp_path, folder):
    sweep = load(BUBBLES, assignments=[*SMALL, "sweep.keep.every.stages.early.keep=[10, 20]"], world=folder, seeds=1)
    finished = harness.run(
        sweep,
        Executor(workers=1),
        console=Console(file=io.StringIO()),
        data=tmp_path / "data",
        reports=tmp_path / "reports",
    )
    assert json.loads((finished / "results.json").read_text())["world"]["counts"]["users"] == USERS
    assert sweep_page.build(finished).is_file()
