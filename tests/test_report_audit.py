"""The page of an audit, by its structure, and its figures by their artists."""

import re

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from funnel.audit import harness
from funnel.cli import app
from funnel.errors import ResultsError
from funnel.report import audit as page
from funnel.report.figures import audit
from funnel.report.logs import AuditView
from funnel.report.view import Number
from funnel.scenario import envelope
from tests import audits, stagelogs
from tests.audits import estimate
from tests.pages import Tree, drawn, table_of

ALL = {"stages", "stage_recall", "exposed", "overlap", "by_slice", "predicted"}
"""figures of a log that has everything"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Results of a log with everything."""
    return audits.folder_of(tmp_path_factory.mktemp("audits") / "whole")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """Results of a log that was sampled stage by stage."""
    return audits.sampled(tmp_path_factory.mktemp("audits") / "sampled")


@pytest.fixture(scope="module")
def pages(whole, sampled) -> dict[str, str]:
    """Of both, the page."""
    return {"whole": page.build(whole).read_text(), "sampled": page.build(sampled).read_text()}


def view_of(folder) -> AuditView:
    return AuditView(envelope.read(folder))


def tree_of(folder) -> Tree:
    return Tree(page.build(folder).read_text())


@pytest.mark.parametrize(("which", "figures"), [("whole", ALL), ("sampled", {"stages", "stage_recall"})])
def test_a_page_holds_its_verdict_and_the_figures_that_its_logs_allow_with_their_data(which, figures, pages, request):
    folder, html = request.getfixturevalue(which), pages[which]
    tree, view = Tree(html), view_of(folder)
    verdict = view.summary["verdict"]
    for sentence in (verdict["sentence"], *verdict["sentences"], *view.summary["warnings"]):
        assert sentence.replace("`", "") in tree.text
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    assert set(re.findall(r'<figure id="(\w+)"', html)) == figures
    assert {path.stem for path in (folder / "figures").iterdir()} == figures
    for name in figures:
        assert pl.read_csv(folder / "figures" / f"{name}.csv").height > 0 and f"figures/{name}.png" in tree.links


def test_measures_that_no_section_names_stand_on_the_page_too(tmp_path):
    odd = [estimate("share", 0.123, "late", "tenth of users", n=7), estimate("label", 0.0777)]
    tree = tree_of(audits.folder_of(tmp_path / "odd", odd))
    assert "12.3 %" in tree.text and "n = 7" in tree.text and "0.0777" in tree.text
    assert all(f"What {measure} is." in tree.text for measure in audits.UNITS)


def test_the_funnel_has_a_row_a_stage_and_what_is_told_of_it_beside(pages):
    rows = table_of(pages["sampled"], "Counts and keep ratios")
    assert rows[0] == [
        "stage",
        "candidates a request",
        "kept of its input",
        "candidates in the funnel, as told",
        "kept in the funnel, as told",
    ]
    assert rows[2] == [
        "prerank",
        "160.0144.0 to 176.0, n = 900",
        "70.0 %63.0 % to 77.0 %, n = 900",
        "3,000.0",
        "37.5 %",
    ]
    assert [row[0] for row in rows[1:]] == audits.SAMPLED
    assert (rows[1][2], rows[1][4]) == ("n/a", "not told")


def test_the_stages_stand_in_their_order_with_what_is_told_of_them_hollow(sampled):
    counts, kept = drawn(audit.stages, view_of(sampled)).axes
    assert [label.get_text() for label in counts.get_yticklabels()] == audits.SAMPLED
    (found,), told = (container.lines[0] for container in counts.containers), counts.lines[-1]
    assert list(told.get_xdata()) == [8000, 3000, 500, 120, 10, 6] and told.get_fillstyle() == "none"
    assert list(found.get_xdata()) == [220, 160, 100, 60, 20, 6] and counts.get_xscale() == "log"
    assert list(kept.containers[0].lines[0].get_ydata()) == list(kept.lines[-1].get_ydata()) == [1, 2, 3, 4, 5]
    assert kept.lines[-1].get_xdata()[0] == 3000 / 8000


def test_marks_carry_their_label_their_value_and_the_colour_of_their_stage(whole):
    recall, auc = drawn(lambda view: audit.measured(view, "exposed"), view_of(whole)).axes
    labels = ["early, long_view", "early, like", "late, long_view", "late, like"]
    for axes, value in ((recall, 0.6), (auc, 0.7)):
        assert [label.get_text() for label in axes.get_yticklabels()] == labels
        marks = [container.lines[0] for container in axes.containers]
        assert [mark.get_xdata()[0] for mark in marks] == [value] * 4
        assert [mark.get_color() for mark in marks] == [audit.ARM_COLOURS[1]] * 2 + [audit.ARM_COLOURS[2]] * 2
    assert any(set(line.get_xdata()) == {0.5} for line in auc.lines)


def test_a_figure_of_many_slices_shows_those_of_the_most_requests_and_says_so(tmp_path):
    found = [estimate("lost", 0.5, "early", f"country={place}", n=place) for place in range(1, 41)]
    view = view_of(audits.folder_of(tmp_path / "many", found))
    (axes,) = drawn(lambda view: audit.measured(view, "by_slice"), view).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"early, country={place}" for place in range(17, 41)]
    tree = tree_of(audits.folder_of(tmp_path / "many", found))
    assert "Shown are the 24 rows that speak of the most requests; the tables have all." in tree.text
    assert all(f"country={place}" in tree.text for place in range(1, 41))


def own_logs(place, generator):
    return stagelogs.write(place, stagelogs.own(generator))


@pytest.mark.parametrize("made", [own_logs, stagelogs.industrial])
def test_every_number_of_a_real_audit_stands_in_a_table(made, tmp_path):
    folder = harness.audit(
        made(tmp_path / "logs", np.random.default_rng(0)), console=Console(quiet=True), reports=tmp_path
    )
    html = page.build(folder).read_text()
    shown = {float(value) for value in re.findall(r'data-value="([^"]+)"', html)}
    assert {one["value"] for one in view_of(folder).found} <= shown
    text = Tree(html).text
    assert all(one["measure"] in text for one in view_of(folder).logs["absent"])
    assert all(warning.replace("`", "") in text for warning in view_of(folder).summary["warnings"])


def test_a_mark_without_an_interval_is_explained_and_a_slice_that_all_share_is_not_repeated(tmp_path):
    bare = estimate("calibration", 1.5, "late", "impressed", "like") | {"low": None, "high": None}
    view = view_of(audits.folder_of(tmp_path / "bare", [bare]))
    (axes,) = drawn(lambda view: audit.measured(view, "predicted"), view).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["late, like"]
    (plot,) = audit.of_section(view, "calibration")
    assert "A mark without an interval rests on too few cases to have one." in plot.caption(view)


def test_what_has_no_slices_has_no_figure_of_slices(tmp_path):
    survival = [estimate("survival", 0.5, "early")]
    view = view_of(audits.folder_of(tmp_path / "plain", survival))
    assert audit.of_section(view, "slices") == []
    view = view_of(audits.folder_of(tmp_path / "cut", [*survival, estimate("survival", 0.5, "early", "friend")]))
    assert [plot.name for plot in audit.of_section(view, "slices")] == ["by_slice"]


def test_set_recall_stands_beside_the_auc_inside_the_set(pages):
    head, *rows = table_of(pages["whole"], "Set recall beside AUC inside the set")
    recall, auc = "Recall of shown positives", "AUC inside the shown set"
    predicted = f"{auc}, by prediction, late"
    assert head == ["of", f"{recall}, early", f"{recall}, late", f"{auc}, early", f"{auc}, late", predicted]
    told = ["60.0 %54.0 % to 66.0 %, n = 900"] * 2 + ["0.7000.630 to 0.770, n = 900"] * 2
    assert rows == [["long_view", *told, "n/a"], ["like", *told, "0.6600.594 to 0.726, n = 900"]]


def test_slices_stand_apart_from_what_holds_for_all(pages):
    agreement = table_of(pages["whole"], "Agreement of the stages")
    assert [row[0] for row in agreement[1:5]] == [
        "Lost candidates, early",
        "Lost candidates, by the survival law, early",
        "Correlation of early and judge, early",
        "Overlap of early and late, early, impressed",
    ]
    assert [row[0] for row in table_of(pages["whole"], "Stage recall")[1:]] == ["all", "by_early"]
    slices = table_of(pages["whole"], "Lost candidates")
    assert [row[0] for row in slices[1:]] == ["all", "friend", "other", "source=nearest"]


def test_positives_inside_the_funnel_come_with_their_warning(pages):
    assert all("Positives inside the funnel flatter it." in Tree(html).text for html in pages.values())


def test_what_could_not_be_told_and_what_was_dropped_are_named(pages):
    html = pages["sampled"]
    text = Tree(html).text
    assert "12 rows broke a rule and were dropped: which and why." in text
    dropped = table_of(html, "Rows that were dropped")
    assert dropped[1] == ["2026-03-01.feather", "12", "scores are numbers", "Fill them."]
    absent = table_of(html, "Measures that could not be computed")
    assert absent[1] == ["lost", "reference_score, late_score"]
    assert "Each stage's rows are a sample" in text and "no scores of two stages on the same candidates" in text
    text = Tree(pages["whole"]).text
    assert "None: every row that was read is counted." in text and "every column that a measure" in text


def test_a_log_that_tells_next_to_nothing_has_a_page_the_same_every_time(tmp_path):
    dropped = [{"file": "a.feather", "rule": "a user", "rows": 1, "remedy": "Name it."}]
    told = {"stages": ["pool", "shown"], "dropped": dropped, "from": None, "to": None, "unused": ["noise"]}
    folder = audits.folder_of(tmp_path / "bare", [estimate("candidates", 6.0, "shown")], **told)
    html = page.build(folder).read_text()
    assert page.build(folder).read_text() == html
    tree = Tree(html)
    assert "Daysnot said" in tree.text and "Columns not readnoise" in tree.text
    assert "1 row broke a rule and was dropped: which and why." in tree.text
    assert "These logs tell no recall: what is missing." in tree.text and "These logs have no slices." in tree.text
    assert tree.tags.count("figure") == 1


def test_numbers_without_an_interval_say_so(whole):
    view = view_of(whole)
    found = estimate("lost", 0.25, "early") | {"low": None, "high": None, "n": 1000}
    assert view.cell(found) == Number("25.0 %", "no interval", value=0.25)
    assert view.cell(None) == Number("n/a", "")


def test_what_came_from_the_files_of_a_user_is_escaped_and_is_no_formula(tmp_path):
    odd = "<script>alert(1)</script> $x$"
    found = [estimate("candidates", 5.0, odd), estimate("lost", 0.5, odd, f"{odd}=1 & a very long name of a slice")]
    found.append(estimate("lost", 0.5, odd))
    changes = {"stages": ["pool", odd], "columns": [odd], "folder": odd, "warnings": [f"`{odd}`"]}
    dropped = [{"file": odd, "rule": odd, "rows": 1, "remedy": odd}]
    folder = audits.folder_of(tmp_path / "odd", found, dropped=dropped, **changes)
    html = page.build(folder).read_text()
    assert "<script>alert" not in html
    assert Tree(html).text.count(odd) >= 6
    (axes,) = drawn(lambda view: audit.measured(view, "by_slice"), view_of(folder)).axes
    (label, whole) = axes.get_yticklabels()
    assert label.get_text() == f"{odd}, <script>aler"[:29] + "…" and not label.get_parse_math()
    assert whole.get_text() == odd
    assert "default-src 'none'" in html and "src=" not in html


def test_a_page_is_small(pages):
    assert all(len(html) < 3e5 for html in pages.values())


def test_no_page_is_made_of_nothing(tmp_path):
    with pytest.raises(ResultsError, match="should be a results folder"):
        page.build(tmp_path / "nothing")


def test_the_command_line_builds_the_page_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audits.folder_of(tmp_path / "reports/audit_march", [estimate("candidates", 6.0, "early")])
    done = CliRunner().invoke(app, ["report", "audit_march"])
    assert done.exit_code == 0, done.output
    assert "`early` cut 20.0 % of the best." in done.stdout and (tmp_path / "reports/audit_march/index.html").is_file()
