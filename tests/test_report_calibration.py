"""The page of a calibration, by its structure, and its figures by their artists."""

import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.cli import app
from funnel.errors import ResultsError
from funnel.report import calibration as page
from funnel.report.figures import calibration
from funnel.report.fit import Fit, off, place
from funnel.scenario import envelope
from tests import calibrations
from tests.pages import Tree, drawn, table_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return calibrations.folder_of(tmp_path_factory.mktemp("calibrations") / "ours")


@pytest.fixture(scope="module")
def html(folder) -> str:
    return page.build(folder).read_text()


@pytest.fixture(scope="module")
def fit(folder) -> Fit:
    return Fit(envelope.read(folder))


def test_a_page_says_what_was_met_and_shows_every_figure_with_its_data(folder, html):
    tree = Tree(html)
    assert "1 of 3 targets is met." in tree.text and "label.late.like: wanted more." in tree.text
    assert "scenarios/base/ours.toml" in tree.text
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    for plot in calibration.FIGURES:
        assert pl.read_csv(folder / "figures" / f"{plot.name}.csv").height >= 2
        assert f"figures/{plot.name}.png" in tree.links


def test_targets_are_told_in_their_units_and_in_tolerances(html):
    _, share, label, auc = table_of(html, "Targets")
    assert share[1:4] == ["10.0 %± 1.0 pt", "30.0 %", "10.5 %10.4 % to 10.6 %, 2 seeds"]
    assert share[4:] == ["10.8 %", "+0.5", "met", "a paper"]
    assert label[1:4] == ["0.0146± 0.0100", "0.0500", "0.03460.0336 to 0.0356, 2 seeds"]
    assert label[4:] == ["0.0376", "+2.0", "missed", "a paper"]
    assert auc[1:] == ["0.700± 0.010", "0.600", "n/a", "n/a", "n/a", "missed", "not said"]


def test_a_knob_at_an_end_of_its_range_is_marked(html):
    _, friends, history = table_of(html, "Knobs")
    assert friends[1:5] == ["10", "100", "1 to 100", "high"] and history[1:5] == ["20", "50.5", "1 to 100", "no"]
    assert table_of(html, "Set and not searched") == [["retrieved", "1,000"], ["early", "62"]]


def test_a_place_in_a_range_is_by_the_logarithm_where_the_search_is():
    assert place(calibrations.knob("a", 10.0, 100.0, log=True), "start") == pytest.approx(0.5)
    assert place(calibrations.knob("a", 1.0, 50.5), "found") == 0.5
    assert place(calibrations.knob("a", 0.0, 50.5, log=True), "start") == 0
    assert off(calibrations.target("a", 0.1, 0.3, None), "start") == pytest.approx(20)
    assert off(calibrations.target("a", 0.1, 0.3, None), "found") is None


def test_the_least_loss_never_rises_and_a_trial_without_one_has_no_mark(fit):
    assert fit.best() == [4.0, 4.0, 1.0, 1.0]
    assert Fit(fit.summary | {"trials": {"loss": [None, 2.0]}}).best() == [None, 2.0]
    checks = [*fit.checks, {"trial": 3, "loss": None}]
    tried, least, checked = drawn(calibration.search, Fit(fit.summary | {"checks": checks})).axes[0].lines
    assert [list(line.get_xdata()) for line in (tried, least, checked)] == [[0, 2, 3], [0, 1, 2, 3], [0, 2]]
    assert list(checked.get_ydata()) == [4.5, 0.5]


def test_marks_stand_where_the_start_was_and_where_the_found_is(fit):
    axes = drawn(calibration.targets, fit).axes[0]
    start, found = (line for line in axes.lines if line.get_label() in ("start", "found"))
    assert list(start.get_xdata()) == pytest.approx([20, 3.54, -10]) and list(found.get_ydata()) == [0, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == [one["key"] for one in fit.targets]


def test_why_trials_could_not_be_made_is_told_and_escaped(html):
    assert "1 of 4 trials could not be made" in Tree(html).text and "keep is <b>more</b>." in Tree(html).text
    assert "<b>more" not in html


def test_a_calibration_that_meets_everything_says_so(tmp_path):
    met = {"verdict": {"sentence": "1 of 1 targets is met.", "sentences": []}, "geometry": {}}
    targets = [calibrations.target("share.early.friend", 0.1, 0.3, 0.1)]
    trials = {"asked": 1, "loss": [1.0], "failed": []}
    tree = Tree(
        page.build(calibrations.folder_of(tmp_path / "ours", targets=targets, trials=trials, **met)).read_text()
    )
    assert "Nothing is missed." in tree.text and "could not be made" not in tree.text
    assert "Set and not searched" not in tree.text


def test_no_page_is_made_of_nothing_and_the_same_page_of_the_same_results(folder, html, tmp_path):
    assert page.build(folder).read_text() == html
    with pytest.raises(ResultsError, match="should be a results folder"):
        page.build(tmp_path / "nothing")


def test_the_command_line_builds_the_page_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calibrations.folder_of(tmp_path / "reports/calibrate_ours")
    done = CliRunner().invoke(app, ["report", "calibrate_ours"])
    assert done.exit_code == 0, done.output
    assert "1 of 3 targets is met." in done.stdout and (tmp_path / "reports/calibrate_ours/index.html").is_file()
