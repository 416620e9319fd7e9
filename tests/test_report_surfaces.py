"""The section of the surfaces: there where they are told apart, with a panel and lines for each of them."""

import polars as pl
import pytest

from funnel.report import page
from funnel.report.figures.surfaces import calibration, calibration_data
from funnel.report.view import View
from funnel.scenario import results
from tests.pages import Tree, drawn, run_of, table_of

SURFACES = ("home", "search")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("surfaces") / "run", surfaces=SURFACES)


def test_a_panel_a_surface_and_a_mark_an_arm_and_task(folder):
    view = View(results.read(folder))
    panels = [axes for axes in drawn(calibration, view).axes if axes.get_title("left")]
    assert [axes.get_title("left") for axes in panels] == list(SURFACES)
    rows = calibration_data(view)
    assert len(rows) == sum(len(axes.containers) for axes in panels)
    assert {row["surface"] for row in rows} == set(SURFACES) and {row["arm"] for row in rows} == set(view.arms)


def test_the_page_tells_of_every_surface(folder):
    html = page.build(folder).read_text()
    tree = Tree(html)
    assert {"surfaces", "surface_calibration"} <= set(tree.ids) and "#surfaces" in tree.links
    assert len(tree.ids) == len(set(tree.ids))
    assert "home33%" in tree.text and "search67%" in tree.text
    labels = [row[0] for row in table_of(html, "Slates by surface")]
    assert labels[1:5] == [
        "Merged slate value",
        "Merged slate, of the best merger",
        "Slate value, home",
        "Slate value, search",
    ]
    for title in ("AUC by surface", "Calibration by surface"):
        assert "late: like, search, shown" in [row[0] for row in table_of(html, title)]
    # What judges rankers on all surfaces together is told as ever, and of them alone.
    assert not [row for row in table_of(html, "AUC of the rankers") if "home" in row[0]]
    assert pl.read_csv(folder / "figures" / "surface_calibration.csv").height > 0


def test_without_surfaces_there_is_no_section(tmp_path):
    tree = Tree(page.build(run_of(tmp_path / "plain", seeds=1)).read_text())
    assert "surfaces" not in tree.ids and "#surfaces" not in tree.links
