"""The page of a sweep, by its structure, and its figures by their artists."""

import re

import numpy as np
import polars as pl
import pytest

from funnel.errors import ResultsError
from funnel.report import sweep as page
from funnel.report.figures import maps, sweep
from funnel.report.papers import PAPERS
from funnel.report.points import SweepView
from funnel.scenario import envelope
from tests.pages import Tree, drawn
from tests.sweeps import KEEP, MODEL, WEIGHT, folder_of, sweep_of

WORSE = np.array([0.3, 0.1, 0.02, 0.0])
SPARE = ("arms.wide.at=['late']", "arms.wide.stages.early.boost={friends=2.0}")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A sweep of one axis."""
    return folder_of(tmp_path_factory.mktemp("sweeps") / "line", sweep_of(KEEP), WORSE)


@pytest.fixture(scope="module")
def area(tmp_path_factory):
    """A sweep of two."""
    return folder_of(tmp_path_factory.mktemp("sweeps") / "area", sweep_of(WEIGHT, KEEP), np.tile(WORSE, 3))


def view_of(folder) -> SweepView:
    return SweepView(envelope.read(folder))


@pytest.mark.parametrize("which", ["line", "area"])
def test_a_page_holds_its_verdict_its_figures_with_their_data_and_every_point(which, request):
    folder = request.getfixturevalue(which)
    html = page.build(folder).read_text()
    tree, view = Tree(html), view_of(folder)
    verdict = view.summary["verdict"]
    for sentence in (verdict["sentence"], *verdict["sentences"]):
        assert re.sub("`", "", sentence) in tree.text
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    for name in ("standing", "levels", "law"):
        table = pl.read_csv(folder / "figures" / f"{name}.csv")
        assert set(view.points[0]["coordinates"]) < set(table.columns) and table.height >= len(view.points)
        assert f"figures/{name}.csv" in tree.links and (folder / "figures" / f"{name}.png").is_file()
    rows = html.split('aria-label="The verdict at every point"')[1].split("</tbody>")[0]
    assert rows.count("<tr>") == len(view.points) + 1
    assert all(not link.startswith("http") or link in {paper.link for paper in PAPERS} for link in tree.links)


def test_the_lines_have_an_interval_a_point_full_where_it_is_decided_and_a_mark_where_it_turns(line):
    view = view_of(line)
    figure = drawn(sweep.standing, view)
    for axes, axis in zip(figure.axes, ("candidates", "value"), strict=True):
        marks = [container.lines[0] for container in axes.containers]
        assert [mark.get_ydata()[0] for mark in marks] == pytest.approx(list(WORSE))
        full = [mark.get_fillstyle() == "full" for mark in marks]
        assert full == [view.outcome(place, axis) != "undecided" for place in range(4)]
        turn = view.summary["turns"][axis]["place"]["value"]
        assert any(set(part.get_xdata()) == {turn} for part in axes.lines)
        assert axes.get_xscale() == "log"


def test_every_arm_has_a_line_and_the_law_stands_beside_the_measured_loss(line):
    view = view_of(line)
    lost, value, captured = drawn(sweep.levels, view).axes
    assert (len(lost.containers), len(value.containers), len(captured.containers)) == (3, 3, 1)
    for axes in drawn(sweep.law, view).axes:
        measured, expected = (container.lines[0].get_ydata() for container in axes.containers)
        assert measured - expected == pytest.approx([0.03] * 4)


def test_a_map_has_a_cell_a_point_with_its_number_and_the_letter_of_its_outcome(area):
    view = view_of(area)
    candidates, value = drawn(maps.standing_map, view).axes
    assert [text.get_text() for text in candidates.texts[:4]] == ["L  +30.0", "L  +10.0", "U  +2.0", "N  +0.0"]
    assert [text.get_text() for text in value.texts[:4]] == ["F  +30.0", "F  +10.0", "F  +2.0", "E  +0.0"]
    assert len(candidates.patches) == view.summary["verdict"]["standing"].count("safe") == 3
    assert [label.get_text() for label in value.get_xticklabels()] == ["10", "20", "40", "80"]
    beyond = drawn(maps.law_map, view).axes[2]
    assert {text.get_text() for text in beyond.texts} == {"+3.0"}


def test_the_ink_of_a_cell_can_be_read_on_it():
    assert [maps._ink(np.array(cell)) for cell in ((0, 0, 0.4, 1), (1, 0.9, 0.2, 1))] == ["#ffffff", "#000000"]


def test_an_axis_that_meets_zero_is_not_drawn_by_its_logarithm(tmp_path):
    weights = "sweep.weight.change.formula.bubble_engage=[0.0, 1.0, 4.0]"
    view = view_of(folder_of(tmp_path / "zero", sweep_of(weights), WORSE[:3]))
    assert {axes.get_xscale() for axes in drawn(sweep.standing, view).axes} == {"linear"}


def test_an_axis_of_words_is_drawn_by_places(tmp_path):
    folder = folder_of(tmp_path / "words", sweep_of(MODEL), WORSE[[0, 3]])
    labels = drawn(sweep.standing, view_of(folder)).axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == ['{"kind": "mmoe"}', '{"kind": "shared_bottom"}']
    assert 'model = {"kind": "mmoe"}' in Tree(page.build(folder).read_text()).text


def test_one_seed_has_no_intervals_and_says_so(tmp_path):
    captured = drawn(sweep.levels, view_of(folder_of(tmp_path / "line", sweep_of(KEEP, seeds=1), WORSE))).axes[2]
    assert [text.get_text() for text in captured.texts] == ["not defined at any point"]
    folder = folder_of(tmp_path / "one", sweep_of(WEIGHT, KEEP, seeds=1), np.tile(WORSE, 3))
    text = Tree(page.build(folder).read_text()).text
    assert "n = 1 seed (one world), 20 requests: no interval." in text
    assert "Candidates: undecided at every point." in text


def test_an_arm_that_failed_at_a_point_is_missing_there_and_told(tmp_path):
    folder = folder_of(tmp_path / "failed", sweep_of(KEEP, *SPARE), WORSE, failed={1: "wide"})
    text = Tree(page.build(folder).read_text()).text
    assert "Some arms could not be made and are left out where they failed: which and why." in text
    assert "wide at keep = 20Seed 0: The loss should be finite." in text
    lost = drawn(sweep.levels, view_of(folder)).axes[0]
    assert sorted(len(container.lines[0].get_xdata()) for container in lost.containers) == [3, 4, 4, 4]


def test_a_page_is_the_same_every_time_and_no_page_is_made_of_nothing(line, tmp_path):
    first = page.build(line).read_text()
    assert page.build(line).read_text() == first
    with pytest.raises(ResultsError, match="should be a results folder"):
        page.build(tmp_path / "nothing")


def test_a_page_tells_what_was_simulated_and_what_moves(line, area):
    text = Tree(page.build(line).read_text()).text
    assert "The base is reels, in which this scenario or its user changed:" in text and "world.users300" in text
    assert "Where keep = 10, the first point: what the axes move is other elsewhere." in text
    assert "late_onlythe change at latestages.early.keep 10 boththe change at early and late" in text
    assert "and no example requests, for it keeps no candidates." in text
    assert "4 points have 8 intervals at 95 %, corrected for nothing" in text
    assert "3 seeds a point: the fewer, the wider a t interval" in text
    assert "Papers that this run relies on" in text and "Ma et al." in text and "The world is synthetic." in text
    html = page.build(area).read_text()
    moved = Tree(html.split('aria-label="Along weight"')[1].split("</div>")[0].split(">", 1)[1]).text
    assert moved.split() == ["weightbase.value.formula.bubble_engage", "0.250.25", "11", "44"]


def test_a_map_has_its_intervals_in_the_tables_below(area):
    view = view_of(area)
    assert "Intervals stand in the tables of points." in maps.levels_map_caption(view)
    assert "Intervals stand in the table of the law." in maps.law_map_caption(view)
    table = view.laws()
    assert [label for label, _ in table.rows[:2]] == [
        f"weight = 0.25, keep = 10: {arm}" for arm in ("late_only", "both")
    ]
    (_, (correlation, expected, lost)), *_ = table.rows
    assert (correlation.text, expected.text, lost.text) == ("0.600", "37.0 %", "40.0 %")
    assert all(" to " in cell.detail for cell in (correlation, expected, lost))


def test_parts_that_only_some_points_have_are_in_the_papers(tmp_path):
    models = "sweep.model.every.stages.late.model=[{kind='mmoe'}, {kind='ple'}]"
    folder = folder_of(tmp_path / "words", sweep_of(models), WORSE[[0, 3]])
    assert "progressive layered extraction" in Tree(page.build(folder).read_text()).text
