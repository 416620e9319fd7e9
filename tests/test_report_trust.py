"""What a scenario's page says of why it may be believed: base and changes, laws, spread, corrections, papers."""

import json
from typing import get_args

import pytest

from funnel.balancing.spec import BalancerSpec
from funnel.models.spec import ModelSpec
from funnel.report import page, settings
from funnel.report.papers import PAPERS, papers
from funnel.report.sections import simulated, trust
from funnel.report.view import Number, View
from funnel.scenario import results
from tests import runs
from tests.pages import Tree, run_of


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return View(results.read(run_of(tmp_path_factory.mktemp("reports") / "plain")))


def test_a_law_that_does_not_hold_is_shouted(view, tmp_path):
    folder = run_of(tmp_path / "broken", arms=runs.THREE, seeds=2)
    path = folder / "results.json"
    summary = json.loads(path.read_text())
    summary["laws"][0] |= {"holds": False, "found": "largest gap 0.3 over 6 sums"}
    path.write_text(json.dumps(summary))
    tree = Tree(page.build(folder).read_text())
    total = len(summary["laws"])
    assert f"1 of {total} laws do not hold: do not use these numbers before you know why." in tree.text
    assert "this scenario has no repairs" in tree.text


def test_the_change_stands_once_and_each_arm_says_where_it_has_it(view):
    found = simulated.section({"name": "reels", "changes": {"world": {"users": 300}}}, view.spec)
    assert found["differs"] == [("world.users", "300")]
    assert found["change"] == [
        ("formula.bubble_engage", "10"),
        ("features.add", "bubble_count, bubble_closeness"),
        ("tasks.add", "bubble_engage"),
    ]
    assert found["arms"] == [
        ("baseline", [], []),
        ("late_only", ["late"], []),
        ("both", ["early", "late"], []),
        ("baseline_2k", [], [("stages.early.keep", "20")]),
        ("late_only_2k", ["late"], [("stages.early.keep", "20")]),
    ]


def test_numbers_that_a_kind_of_world_has_not_are_left_out(view):
    numbers = dict(simulated.section({"name": "reels", "changes": {}}, view.spec)["numbers"])
    assert (numbers["friends a user, mean"], numbers["early stage keeps"]) == ("25", "10")
    assert numbers["retrieval asks for"] == "nearest 700, friends 150, popular 100, fresh 50"
    base = view.spec["base"] | {"world": {"kind": "fitted", "source": "plays", "items": 99, "rates": {"like": 0.015}}}
    fitted = dict(simulated.section({"name": "reels", "changes": {}}, view.spec | {"base": base})["numbers"])
    assert (fitted["fitted to"], fitted["rates of tasks that were set"]) == ("plays", "0.015 like")
    assert set(numbers) - set(fitted) >= {"users", "items in the corpus", "creators", "friends a user, mean"}
    assert list(fitted)[-1] == list(numbers)[-1] == "requests evaluated a seed"


def test_arms_that_share_no_change_are_told_in_full():
    changes = {"a": {"stages": {"late": {"keep": 5}}}, "b": {"stages": {"late": {"keep": 6}}}}
    at = {"a": ["late"], "b": ["late"]}
    assert settings.shared(changes, at) == settings.shared({"a": {}}, {"a": []}) == []
    assert settings.by_arm(changes, at, [])[0] == ("a", (), [("stages.late.keep", "5")])


def test_twins_tell_the_part_of_training(tmp_path):
    view = View(results.read(run_of(tmp_path / "twins", arms=runs.TWINS)))
    found = {entry["label"]: entry["cells"] for entry in trust.section(view)["variance"]}
    assert all("% of the variance" in cell.detail for cell in found["Slate value, late_only"])
    assert found["Slate value, baseline"][1] == Number("n/a", "not told apart")


def test_one_seed_has_no_shares_of_a_variance_of_which_the_most_is_unknown(tmp_path):
    (entry, *_) = trust.section(View(results.read(run_of(tmp_path / "one", arms=runs.THREE, seeds=1))))["variance"]
    world, training, requests = entry["cells"]
    assert world == training == Number("n/a", "not told apart")
    assert (requests.text, requests.detail) != ("n/a", "") and requests.detail == ""


def test_the_winners_curse_is_a_row_a_task_and_a_count(view):
    table = trust.section(view)["curse"]
    assert [label for label, _ in table.rows] == ["like", "bubble_engage"]
    assert table.header == ("on its pool", "on its slate")
    above = [sum(cells[place].value > 1 for _, cells in table.rows) for place in (1, 0)]
    assert (
        f"The late stage of `late_only` predicts above the truth for {above[0]} of 2 tasks on its slate, and for "
        f"{above[1]} of 2 tasks on its pool."
    ) in table.note
    assert all(" to " in cell.detail for _, cells in table.rows for cell in cells)


def test_a_null_run_counts_its_false_alarms(tmp_path):
    tree = Tree(page.build(run_of(tmp_path / "null", arms=runs.THREE, null=True)).read_text())
    assert "False alarms" in tree.text
    assert "the two measures of the verdict" in tree.text


def test_papers_are_those_of_the_parts_that_a_run_has(view):
    named = {paper.use for paper in papers([view.spec])}
    assert {"mixture of experts", "shared bottom", "two towers and their loss", "inverted file", "the case"} <= named
    assert not {"progressive layered extraction", "gradient surgery", "privileged features"} & named


def test_every_architecture_and_balancer_has_its_paper():
    known = {(paper.where, paper.value) for paper in PAPERS}
    for catalogue, where, plain in (
        (ModelSpec, "model.kind", "single_task"),
        (BalancerSpec, "balancer.kind", "static"),
    ):
        kinds = {part.model_fields["kind"].default for part in get_args(get_args(catalogue)[0])}
        assert {(where, kind) for kind in kinds - {plain}} <= known


def test_papers_have_an_address_each():
    assert len({paper.link for paper in PAPERS}) == len(PAPERS)
    assert all(paper.link.startswith("https://") and paper.text for paper in PAPERS)


def test_results_from_before_worlds_were_fitted_have_their_page(tmp_path):
    folder = run_of(tmp_path / "old", arms=runs.THREE, seeds=2)
    path = folder / "results.json"
    summary = json.loads(path.read_text())
    del summary["world"]
    path.write_text(json.dumps(summary))
    assert "The world is synthetic." in Tree(page.build(folder).read_text()).text
