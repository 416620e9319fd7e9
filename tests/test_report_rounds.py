"""The page of a feedback loop and what it says, by structure, and its figures by their artists."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from funnel.cli import app
from funnel.errors import ResultsError
from funnel.patch import merge
from funnel.report import rounds as page
from funnel.report.feedback import RoundsView
from funnel.report.figures import rounds, sweep
from funnel.report.papers import PAPERS
from funnel.scenario import envelope
from tests.loops import LATER, folder_of, loop_of
from tests.pages import Tree, drawn, table_of

WORSE = np.array([0.3, 0.1, 0.0])
SPARE = ("arms.wide.at=['late']", "arms.wide.stages.early.boost={friends=2.0}")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Three rounds of three worlds, in which what the proposal loses heals, and an arm that is rolled out."""
    return folder_of(tmp_path_factory.mktemp("loops") / "made", loop_of(*LATER, seeds=3), WORSE)


@pytest.fixture(scope="module")
def html(made) -> str:
    """Its page."""
    return page.build(made).read_text()


def view_of(folder: Path) -> RoundsView:
    return RoundsView(envelope.read(folder), json.loads((folder / "spec.json").read_text()))


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


# What is said


def test_the_folder_says_which_rounds_and_every_round_can_be_had_from_it(made):
    loop, summary = loop_of(*LATER, seeds=3), summary_of(made)
    spec = json.loads((made / "spec.json").read_text())
    rounds = [spec["first"], *(merge(spec["first"], other) for other in spec["others"])]
    assert rounds == [one.table() for one in loop.rounds]
    assert summary["kind"] == "rounds" and summary["scenario"]["at"]["late_first"] == [
        *[["late"]] * 2,
        ["early", "late"],
    ]
    assert [point["coordinates"] for point in summary["points"]] == [{"round": str(place)} for place in (1, 2, 3)]
    assert summary["trends"]["candidates"]["value"] == pytest.approx(-0.3)


def test_the_way_over_the_rounds_is_the_mean_within_each_seed(made):
    table = pl.read_parquet(made / "rows.parquet").filter(measure="value", stage="late", slice="all")
    means = {
        arm: table.filter(arm=arm).group_by("seed", maintain_order=True).agg(pl.col("value").mean())["value"].to_numpy()
        for arm in ("late_only", "both")
    }
    found = summary_of(made)["journey"]["late_only"]
    assert found["value"]["value"] == pytest.approx(means["late_only"].mean())
    assert found["against_reference"]["value"] == pytest.approx((means["late_only"] / means["both"] - 1).mean())


def test_the_sentences_tell_of_the_last_round_the_way_there_and_the_logs(made):
    verdict = summary_of(made)["verdict"]
    assert verdict["standing"] == ["not safe", "not safe", "safe"]
    assert verdict["sentence"] == (
        "After 3 rounds: against `both`, `late_only` loses no candidates and forgoes no value."
    )
    assert verdict["sentences"][-6:] == [
        "Candidates: lost in rounds 1 and 2; not lost in round 3.",
        "Value: forgone in rounds 1 and 2; equivalent in round 3.",
        "From round 1 to 3 the share of candidates lost beyond the reference's falls by 30.00 points (95 % interval "
        "-30.00 to -30.00, 3 seeds).",
        "From round 1 to 3 the value forgone falls by 30.00 points (95 % interval -30.00 to -30.00, 3 seeds).",
        "Over all rounds, slates of `late_only` are worth 13.33 % less than those of `both` (95 % interval -13.83 to "
        "-12.84 %, 3 seeds).",
        "Bubble impressions that models are trained on: 410 of `late_only`, 610 of `both` and 210 of `baseline` in "
        "round 1; 1,230 of `late_only`, 1,830 of `both` and 210 of `baseline` in round 3.",
    ]


def test_what_does_not_change_and_what_has_no_interval_is_said(tmp_path):
    verdict = summary_of(folder_of(tmp_path / "same", loop_of(seeds=3), np.zeros(3)))["verdict"]
    assert "Candidates: not lost in every round." in verdict["sentences"]
    assert (
        "From round 1 to 3 the value forgone does not clearly change: +0.00 (95 % interval +0.00 to +0.00, 3 seeds)."
        in verdict["sentences"]
    )
    verdict = summary_of(folder_of(tmp_path / "one", loop_of(), WORSE))["verdict"]
    assert "Value: undecided in every round." in verdict["sentences"]
    assert (
        "From round 1 to 3 the value forgone falls by 30.00 points (no interval from one seed)." in verdict["sentences"]
    )


# The page


def test_a_page_holds_its_verdict_its_figures_with_their_data_and_every_round(made, html):
    tree, view = Tree(html), view_of(made)
    verdict = view.summary["verdict"]
    for sentence in (verdict["sentence"], *verdict["sentences"]):
        assert re.sub("`", "", sentence) in tree.text
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)
    for plot in page.PLOTS:
        table = pl.read_csv(made / "figures" / f"{plot.name}.csv")
        assert set(table["round"]) == {1, 2, 3}
        assert f"figures/{plot.name}.csv" in tree.links and (made / "figures" / f"{plot.name}.png").is_file()
    rows = table_of(html, "The verdict in every round")[1:]
    assert [row[:3] for row in rows] == [
        ["round 1", "not safe", "lost"],
        ["round 2", "not safe", "lost"],
        ["round 3", "safe", "not lost"],
    ]
    assert [row[0] for row in table_of(html, "Every arm in the first round and in the last")[1:]] == [
        f"round {place}: {arm}" for place in (1, 3) for arm in view.arms
    ]
    assert len(table_of(html, "Every arm in every round")) == 1 + 3 * len(view.arms)
    assert [row[0] for row in table_of(html, "Over all rounds")[1:]] == view.arms
    assert all(not link.startswith("http") or link in {paper.link for paper in PAPERS} for link in tree.links)
    assert page.build(made).read_text() == html


def test_a_page_tells_who_has_the_change_when_and_what_moves(html):
    text = Tree(html).text
    assert table_of(html, "Who has the change in which round") == [
        ["baseline", "nowhere in every round"],
        ["late_only", "late in every round"],
        ["both", "early and late in every round"],
        ["late_first", "late in rounds 1 to 2; early and late in round 3"],
    ]
    numbers = dict(row for row in table_of(html, "What was simulated") if len(row) == 2)
    assert numbers["rounds of logs that models are trained on"] == "2" and numbers["training starts"] == "cold"
    assert numbers["days that pass in a round"] == "1"
    for words in (
        "What stays: tastes, creators and who is whose friend.",
        "The first world is not a steady state",
        "3 rounds have 6 intervals at 95 %, corrected for nothing",
        "The unit of analysis is the seed.",
        "what they serve themselves comes into their logs from round 2 on",
        "Papers that this run relies on",
    ):
        assert words in text
    assert "is not part of this run" not in text


def test_a_change_that_comes_later_is_told(tmp_path):
    steps = ("arms.late_only.then={2=['late']}", "arms.both.then={2=['late'], 3=['early', 'late']}")
    loop = loop_of("arms.late_only.at=[]", "arms.both.at=[]", *steps)
    html = page.build(folder_of(tmp_path / "later", loop, WORSE)).read_text()
    assert table_of(html, "Who has the change in which round")[2] == [
        "both",
        "nowhere in round 1; late in round 2; early and late in round 3",
    ]
    assert ["tasks.add", "bubble_engage"] in table_of(html, "The change")


def test_the_verdict_stands_along_the_rounds(made):
    view = view_of(made)
    for axes, axis in zip(drawn(sweep.standing, view).axes, ("candidates", "value"), strict=True):
        marks = [container.lines[0] for container in axes.containers]
        assert [mark.get_ydata()[0] for mark in marks] == pytest.approx(list(WORSE), abs=1e-6)
        assert [mark.get_fillstyle() == "full" for mark in marks] == [
            view.outcome(place, axis) != "undecided" for place in range(3)
        ]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3"]
    assert "along the rounds" in sweep.standing_caption(view) and "in each round" in sweep.levels_caption(view)


@pytest.mark.parametrize("panels", [rounds.head, rounds.people, rounds.exposure, rounds.calibration, rounds.passage])
def test_every_arm_that_has_a_measure_is_a_line_over_all_rounds(made, panels):
    view = view_of(made)
    figure = drawn(partial(rounds.over_rounds, panels=panels), view)
    for axes, panel in zip(figure.axes, panels(view), strict=True):
        lacking = {"baseline"} if panel.task == "bubble_engage" else set()
        lines = {container.get_label(): container.lines[0] for container in axes.containers}
        assert lines.keys() == set(view.arms) - lacking
        assert all(len(line.get_xdata()) == 3 for line in lines.values())
        # Side by side, so that no interval hides another.
        assert len({line.get_xdata()[0] for line in lines.values()}) == len(lines)
        assert all(container.has_yerr for container in axes.containers)
    data = rounds.over_rounds_data(view, panels)
    assert len(data) == 3 * len(view.arms) * len(panels(view))
    assert {row["n"] for row in data} <= {3, None}


def test_the_starving_head_is_drawn_by_its_logarithm_with_plain_numbers(made):
    view = view_of(made)
    trained, shown, calibrated = drawn(partial(rounds.over_rounds, panels=rounds.head), view).axes
    assert (trained.get_yscale(), shown.get_yscale()) == ("log", "linear")
    assert {"500", "1,000"} <= {label.get_text() for label in trained.get_yticklabels()}
    assert calibrated.get_title(loc="left") == "bubble_engage: predicted / true"


def test_a_measure_that_no_arm_has_is_said_to_be_missing(made):
    nothing = [rounds.Panel("Nothing", "ranker_calibration", "late", "impressed", "hide")] * 2
    figure = drawn(partial(rounds.over_rounds, panels=lambda _: nothing), view_of(made))
    assert [text.get_text() for text in figure.axes[0].texts] == ["no arm has it"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2", "3"]


def test_a_change_without_a_task_has_no_head_to_starve(tmp_path):
    folder = folder_of(tmp_path / "feature", loop_of("change={features={add=['bubble_count']}}"), WORSE)
    assert [panel.measure for panel in rounds.head(view_of(folder))] == ["log_bubbles", "newest_bubbles"]


def test_an_arm_that_failed_in_a_round_is_missing_there_and_told(tmp_path):
    folder = folder_of(tmp_path / "failed", loop_of(*SPARE, seeds=3), WORSE, failed={1: "wide"})
    text = Tree(page.build(folder).read_text()).text
    assert "Some arms could not be made and are left out where they failed: which and why." in text
    assert "wide in round 2Seed 0: The loss should be finite." in text
    recall = drawn(partial(rounds.over_rounds, panels=rounds.passage), view_of(folder)).axes[0]
    assert sorted(len(container.lines[0].get_xdata()) for container in recall.containers) == [2, 3, 3, 3]
    assert "wide" not in summary_of(folder)["journey"]


def test_one_seed_has_no_intervals_and_says_so(tmp_path):
    text = Tree(page.build(folder_of(tmp_path / "one", loop_of(), WORSE)).read_text()).text
    assert "n = 1 seed (one world), 20 requests a round: no interval." in text


def test_no_page_is_made_of_nothing(tmp_path):
    with pytest.raises(ResultsError, match="should be a results folder"):
        page.build(tmp_path / "nothing")


def test_the_command_line_builds_the_page_and_prints_the_verdict(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "reports" / "loop")
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["report", "loop"])
    verdict = summary_of(made)["verdict"]
    assert found.exit_code == 0
    assert found.output.splitlines()[1:-2] == [verdict["sentence"], *verdict["sentences"]]
    assert found.output.splitlines()[-1].startswith("Page: ") and (tmp_path / "reports/loop/index.html").is_file()
