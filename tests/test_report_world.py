"""The world and the data on a page: figures by their artists, the section by its structure."""

import json
import re

import numpy as np
import polars as pl
import pytest
from matplotlib.container import BarContainer

from funnel.report import page, sweep
from funnel.report.account import LIFTS, Account
from funnel.report.figures import world
from funnel.report.figures.catalogue import of_world, save
from funnel.scenario import envelope
from tests.accounts import made
from tests.pages import Tree, drawn, run_of
from tests.sweeps import KEEP, folder_of, sweep_of


@pytest.fixture(scope="module")
def account():
    return Account(made())


@pytest.fixture(scope="module")
def lonely():
    return Account(made(friends=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("reports") / "fitted", seeds=2, world=made())


@pytest.fixture(scope="module")
def html(folder):
    return page.build(folder).read_text()


def test_laws_have_a_panel_each_with_the_data_and_the_world(account, lonely):
    panels = drawn(world.laws, account).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["Popularity", "Activity", "Degree"]
    for axes, law in zip(panels, account.laws.values(), strict=True):
        data, fitted = axes.get_lines()
        assert np.column_stack(data.get_data()).tolist() == [list(point) for point in law["curves"]["data"]]
        assert len(fitted.get_xdata()) == len(law["curves"]["world"])
    assert len(drawn(world.laws, lonely).axes) == 2
    assert "there is no degree to hold the graph of nearest taste against" in world.laws_caption(lonely)


def test_rankings_have_a_bar_and_an_interval_a_scorer(account):
    for axes, measure in zip(drawn(world.ranking, account).axes, ("auc", "recall"), strict=True):
        (bars,) = (part for part in axes.containers if isinstance(part, BarContainer))
        scorers = account.quality["measures"][measure]["scorers"].values()
        assert [bar.get_width() for bar in bars] == [scorer["value"] for scorer in scorers]


def test_every_lift_has_a_row_and_what_the_world_assumes_the_last(account):
    (axes,) = drawn(world.social, account).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [*(lift.label for lift in account.lifts), "one friend shown: what the world assumes"]
    marks = {
        int(place): odds
        for part in axes.containers
        for odds, place in zip(part.lines[0].get_xdata(), part.lines[0].get_ydata(), strict=True)
    }
    assert [marks[place] for place in range(len(account.lifts))] == [lift.value for lift in account.lifts]
    assert axes.get_lines()[-1].get_xdata()[0] == account.social["assumed"]["odds"]
    assert axes.get_xscale() == "log"


def test_every_lift_of_an_account_has_a_name(account):
    assert account.social["odds"].keys() <= LIFTS.keys()
    assert len({lift.label for lift in account.lifts}) == len(account.lifts)


@pytest.mark.parametrize("name", ["account", "lonely"])
def test_figures_are_saved_with_their_data_and_say_what_stands_behind_them(name, request, tmp_path):
    account = request.getfixturevalue(name)
    figures = save(of_world(account), account, tmp_path)
    assert [figure["name"] for figure in figures] == [
        "world_laws",
        "world_ranking",
        *["world_social"] * (name == "account"),
    ]
    for figure in figures:
        assert pl.read_csv(tmp_path / f"{figure['name']}.csv").height > 0
        assert re.search(r"n = \d+ users", figure["caption"])


def test_the_page_tells_what_is_observed_fitted_and_assumed(html):
    tree = Tree(html)
    assert "world" in tree.ids and "#world" in tree.links
    assert {"world_laws", "world_ranking", "world_social"} <= set(tree.ids)
    assert len(tree.ids) == len(set(tree.ids))
    for words in (
        "files of the layout tables",
        "Its friendships are the data's.",
        "No row was left out.",
        "tastes and topicsfitted",
        "engagement.cue0.09",
        *made()["social"]["sentences"],
    ):
        assert words in tree.text


def test_dropped_rows_and_nearest_taste_stand_on_the_page(tmp_path):
    dropped = [{"file": "items.csv", "rule": "no `item` twice", "rows": 1234, "remedy": "Take them out"}]
    found = made(friends=False) | {"dropped": dropped}
    tree = Tree(page.build(run_of(tmp_path / "lonely", seeds=1, world=found)).read_text())
    assert "items.csv1,234no item twiceTake them out" in tree.text
    assert "users of nearest taste stand in for friends" in tree.text
    assert "nothing tells what friends do to one another" in tree.text
    assert "world_social" not in tree.ids


def test_a_sweep_over_a_fitted_world_has_the_section_too(tmp_path):
    found = folder_of(tmp_path / "swept", sweep_of(KEEP), np.array([0.3, 0.1, 0.02, 0.0]))
    summary = json.loads((found / envelope.RESULTS).read_text())
    (found / envelope.RESULTS).write_text(json.dumps(summary | {"world": made()}))
    tree = Tree(sweep.build(found).read_text())
    assert "#world" in tree.links and "world_social" in tree.ids
    assert len(tree.ids) == len(set(tree.ids))
