"""The diagnostics in a report: figures by their artists, the section by its structure."""

import re

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib.container import BarContainer

from funnel.report import page
from funnel.report.figures import frontiers, learning, transfer
from funnel.report.figures.catalogue import DIAGNOSTICS, FIGURES, of_diagnostics, save
from funnel.report.view import View
from funnel.scenario import results
from tests import runs
from tests.pages import Tree, drawn, run_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("reports") / "watched", found=runs.diagnostics(), seeds=3)


@pytest.fixture(scope="module")
def view(folder):
    return View(results.read(folder))


@pytest.fixture(scope="module")
def html(folder):
    return page.build(folder).read_text()


@pytest.fixture(scope="module")
def tree(html):
    return Tree(html)


def words(axes) -> list[str]:
    return [label.get_text() for label in axes.texts]


# Figures


def test_transfer_has_a_panel_a_stage_and_a_mark_a_ranker(view):
    early, late = drawn(transfer.transfer, view).axes
    assert [axes.get_title(loc="left") for axes in (early, late)] == ["Early rankers", "Late rankers"]
    assert [label.get_text() for label in late.get_yticklabels()] == ["long_view", "like", "hide"]
    assert (len(early.containers), len(late.containers)) == (1, 2)
    assert sorted(late.containers[0].lines[0].get_xdata()) == pytest.approx([-0.1, 0.02, 0.02])
    low, high = late.get_xlim()
    assert low < -0.1 and high > 0.02


def test_a_heat_map_has_its_numbers_in_the_place_of_task_and_partner(view):
    early, late = drawn(transfer.pair_transfer, view).axes
    assert [label.get_text() for label in late.get_xticklabels()] == ["long_view", "like", "hide"]
    assert sorted(words(early)) == ["+0.0", "+0.0"]
    places = {tuple(text.get_position()): text.get_text() for text in late.texts}
    assert places[2.5, 0.5] == places[2.5, 1.5] == "-3.0"
    assert (0.5, 0.5) not in places


def test_ablations_say_what_was_dropped_and_are_bold_where_clear(view):
    _, late = drawn(transfer.ablation, view).axes
    assert [label.get_text() for label in late.get_xticklabels()] == ["without hide", "with one expert less"]
    weights = {text.get_text(): text.get_fontweight() for text in late.texts}
    assert weights == {"+4.0": "bold", "-1.0": "normal"}


def test_there_is_a_curve_for_every_pair_and_the_worst_are_named(view):
    panels = [axes for axes in drawn(learning.cosine, view).axes if axes.lines]
    assert [len(axes.lines) - 1 for axes in panels] == [1, 3, 3]  # and the line at 0
    legend = [text.get_text() for text in panels[1].get_legend().get_texts()]
    assert set(legend) == {"long_view, like", "long_view, hide", "like, hide"}


def test_the_bars_of_the_gates_add_up_to_one(view):
    panels = drawn(learning.gates, view).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Late ranker of baseline, experts",
        "Late ranker of late_only, experts",
    ]
    for axes in panels:
        bars = [bar for container in axes.containers if isinstance(container, BarContainer) for bar in container]
        assert sum(bar.get_width() for bar in bars) == pytest.approx(3)
    assert learning._expert_colour("own 1") != learning._expert_colour("shared 1")


def test_learning_curves_have_a_panel_a_task_and_stage(view):
    panels = [axes for axes in drawn(learning.learning, view).axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in panels] == [
        *("long_view, early", "like, early"),
        *("long_view, late", "like, late", "hide, late"),
    ]
    training, held_out = panels[0].lines
    assert (list(training.get_xdata()), list(held_out.get_xdata())) == ([0.5, 1.5, 2.5], [1.0, 2.0, 3.0])
    assert (training.get_linestyle(), held_out.get_linestyle()) == ("--", "-")


@pytest.mark.parametrize(
    ("plot", "arms", "hollow"),
    [(frontiers.formula_frontier, 2, (0.4, 0.15)), (frontiers.training_frontier, 1, (0.45, 0.2))],
)
def test_dominated_points_are_hollow(view, plot, arms, hollow):
    (axes,) = drawn(plot, view).axes
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert len(points) == 3 * arms
    found = {(line.get_xdata()[0], line.get_ydata()[0]) for line in points if line.get_fillstyle() == "none"}
    assert [point == pytest.approx(hollow) for point in found] == [True]


def test_points_that_would_cover_each_other_are_named_once():
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    frontiers._annotate(axes, np.array([[0.0, 0.0], [0.001, 0.001], [1.0, 1.0]]), ["a", "b", "c"])
    assert words(axes) == ["a", "c"]


def test_figures_are_the_same_every_time(folder, html, view, tmp_path):
    plots = [plot for plot in of_diagnostics(view) if plot.name in ("pair_transfer", "gates")]
    save(plots, view, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 6
    assert all((tmp_path / name).read_bytes() == (folder / "figures" / name).read_bytes() for name in names)


# The section


def test_the_section_stands_between_measures_and_why(tree, html):
    assert [html.index(f'<section id="{name}">') for name in ("measures", "diagnostics", "why")] == sorted(
        html.index(f'<section id="{name}">') for name in ("measures", "diagnostics", "why")
    )
    assert "#diagnostics" in tree.links
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    assert len(tree.ids) == len(set(tree.ids))


def test_every_figure_and_flag_stands_in_it(tree, html, view):
    assert tree.tags.count("svg") == len(FIGURES) + len(DIAGNOSTICS)
    for flag in view.diagnosis.flags:
        assert flag["sentence"].replace("`", "") in tree.text
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, flags=re.DOTALL)
    assert sum("n = 3 seeds (worlds)" in caption for caption in captions) == len(captions) - 1  # but for the example


@pytest.mark.parametrize(
    "words",
    [
        "late ranker of late_only proposal",
        "late_only, both",
        "Transfer, late rankers",
        "AUC of the rankers",
        "Calibration of the rankers",
        "In the early ranker and the late ranker losses are summed as they are, so there is no balancer to drop.",
        "Hypervolume: baseline 0.500 (0.500 to 0.500), late_only 0.500 (0.500 to 0.500); in each seed",
        "A flag is raised where transfer is under -5 % with its whole interval",
    ],
)
def test_the_section_holds(tree, words):
    assert words in tree.text


def test_a_run_that_was_not_asked_has_no_section_and_no_figure_of_it(tmp_path):
    html = page.build(run_of(tmp_path / "plain")).read_text()
    tree = Tree(html)
    assert 'id="diagnostics"' not in html and "#diagnostics" not in tree.links
    assert tree.tags.count("svg") == len(FIGURES)
    assert "AUC of the rankers" in tree.text
    assert {path.stem for path in (tmp_path / "plain" / "figures").iterdir()} == {plot.name for plot in FIGURES}


def test_a_figure_without_numbers_is_left_out_and_nothing_that_stands_out_is_said_so(tmp_path):
    found = runs.diagnostics()
    calm = found.rows.filter((pl.col("measure") == "transfer") & (pl.col("task") != "hide"))
    tree = Tree(page.build(run_of(tmp_path / "calm", found=type(found)(calm, found.rankers), seeds=3)).read_text())
    assert tree.tags.count("svg") == len(FIGURES) + 1
    assert "No flag was raised." in tree.text
