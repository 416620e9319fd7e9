"""What the sections of a scenario's page say: verdict, repairs, examples; and its figures."""

import numpy as np
import polars as pl
import pytest

from funnel.report import page
from funnel.report.examples import chosen, examples
from funnel.report.figures import agreement, arms, budgets, funnel, labels, repairs
from funnel.report.sections import repairs as repairs_section
from funnel.report.sections import verdict
from funnel.report.table import WIDEST, of_arms
from funnel.report.view import Number, View
from funnel.scenario import results
from tests import runs
from tests.pages import Tree, drawn, run_of


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return View(results.read(run_of(tmp_path_factory.mktemp("reports") / "plain")))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A run of 32 arms, of which one failed."""
    failed = {"repair_3": "its early stage has no task left."}
    return run_of(tmp_path_factory.mktemp("reports") / "crowd", arms=runs.many(32), seeds=2, failed=failed)


@pytest.fixture(scope="module")
def crowded(crowd):
    return Tree(page.build(crowd).read_text())


def changed(view, **keys):
    """The same run with other words in its summary."""
    return View(results.Results(view.found.folder, view.summary | keys))


# The verdict


def test_the_verdict_takes_two_sentences(view):
    first, second = verdict.section(view)["sentences"]
    assert first == (
        "At the early stage `late_only` loses 25.0 % [13.2 to 36.8] of what the late stage with the change ranks top, "
        "21.3 pt [8.9 to 33.8] more than `both`, and its slate is worth 5.1 % [1.8 to 8.4] less (in brackets 95 % t "
        "intervals, n = 3 seeds)."
    )
    assert second == (
        "Over `baseline`, `both` gains +9.7 % [+6.8 to +12.6] of slate value and `late_only` +4.1 % [+3.2 to +5.0], "
        "42.8 % [21.1 to 64.5] of it; no repair that is cheaper is shown to be worth as much as `both`, which comes at "
        "1.14 times the multiply-adds of `late_only`."
    )


def test_the_second_sentence_names_the_cheapest_repair_or_says_that_there_is_none(view):
    found = view.summary["repairs"]
    repaired = changed(view, repairs=found | {"cheapest": "late_only_2k"})
    assert verdict.section(repaired)["sentences"][1].endswith(
        "; the cheapest repair that is shown to be worth as much is `late_only_2k`, at 1.29 times the multiply-adds of "
        "`late_only` (value forgone +1.6 % [-0.5 to +3.7], an interval at 98.75 %, corrected for 4 arms)."
    )
    spared = changed(view, repairs=found | {"cheapest": "late_only"})
    assert verdict.section(spared)["sentences"][1].endswith(
        "; no repair is needed, as `late_only` itself is shown to be worth as much as `both` (value forgone +5.1 % "
        "[-1.7 to +11.9], an interval at 98.75 %, corrected for 4 arms)."
    )
    bare = changed(view, repairs=found | {"cheapest": None})
    assert verdict.section(bare)["sentences"][1].endswith("; this scenario has no repairs.")


def test_a_difference_that_helps_turns_its_interval_with_it(view):
    better = {"value": -0.02, "low": -0.03, "high": 0.01, "n": 3}
    told = verdict._more(view, better, "share", "less", "more")
    assert told == "2.0 % [-1.0 to 3.0] more"
    assert verdict._told(view, better | {"n": 2}, "points") == "-2.0 pt [-3.0 to 1.0, n = 2]"


def test_one_seed_shows_nothing_in_the_verdict_either(tmp_path):
    one = View(results.read(run_of(tmp_path / "one", seeds=1)))
    first, second = verdict.section(one)["sentences"]
    assert first.endswith(" less (n = 1 seed: no interval, so one world tells this and none of it is shown).")
    assert second.endswith("; one seed cannot show that any repair is worth as much as `both`.")
    assert "[" not in first + second


def test_arms_that_failed_are_named_beside_the_verdict(view):
    assert verdict.section(view)["missing"] is None
    failed = changed(view, failed={"odd": "no task left.", "even": "no task left."})
    assert verdict.section(failed)["missing"] == "2 arms failed and had to be left out: `odd`, `even`."


# Repairs


def test_every_arm_is_a_named_point_at_its_cost_and_gain(view):
    axes = drawn(repairs.repairs, view).axes[0]
    assert axes.get_xscale() == "log"
    assert {label.get_text() for label in axes.texts} == set(view.arms)
    points = [tuple(float(part[0]) for part in container.lines[0].get_data()) for container in axes.containers]
    entries = view.entries.values()
    assert points == [(entry["macs"]["total"]["value"], entry["gain"]["value"]) for entry in entries]
    low, high = axes.get_ylim()
    assert all(low < gain < high for _, gain in points)


def test_the_step_line_joins_the_efficient_arms(view):
    axes = drawn(repairs.repairs, view).axes[0]
    (steps,) = (line for line in axes.lines if line.get_drawstyle() == "steps-post")
    efficient = [entry for entry in view.entries.values() if entry["efficient"]]
    assert list(steps.get_xdata()) == sorted(entry["macs"]["total"]["value"] for entry in efficient)
    assert list(steps.get_ydata()) == sorted(entry["gain"]["value"] for entry in efficient)


def test_every_efficient_arm_is_ringed_and_no_other(view):
    axes = drawn(repairs.repairs, view).axes[0]
    rings = [line for line in axes.lines if line.get_label() == repairs.RING["label"] and len(line.get_xdata())]
    efficient = [entry for entry in view.entries.values() if entry["efficient"]]
    points = sorted((entry["macs"]["total"]["value"], entry["gain"]["value"]) for entry in efficient)
    assert sorted((line.get_xdata()[0], line.get_ydata()[0]) for line in rings) == points
    verdict = {container.lines[0].get_color() for container in axes.containers[:3]}
    assert verdict.isdisjoint(line.get_color() for line in rings)


def test_a_cheapest_repair_is_the_one_that_crowded_lines_name(view):
    found = changed(view, repairs=view.summary["repairs"] | {"cheapest": "late_only_2k"})
    assert found.notable == ["late_only_2k"]
    assert changed(view, repairs=view.summary["repairs"] | {"cheapest": "late_only"}).notable == view.notable


def test_a_dotted_line_leads_from_a_repair_to_its_control(view):
    axes = drawn(repairs.repairs, view).axes[0]
    (link,) = (line for line in axes.lines if line.get_linestyle() == ":" and len(line.get_xdata()))
    gains = [view.entries[arm]["gain"]["value"] for arm in ("baseline_2k", "late_only_2k")]
    assert list(link.get_ydata()) == gains


def test_the_table_holds_every_arm_against_the_reference_and_its_control(view):
    table = repairs_section.section(view)["table"]
    rows = {label: dict(zip(table.header, cells, strict=True)) for label, cells in table.rows}
    assert list(rows) == ["baseline", "late_only (proposal)", "both (reference)", "baseline_2k", "late_only_2k"]
    repair, reference = rows["late_only_2k"], rows["both (reference)"]
    assert [repair[name].text for name in ("early cost", "late cost")] == ["2.50", "2.00"]
    assert repair["credit over its control"].clear
    assert repair["credit over its control"].detail.endswith("\nover baseline_2k")
    assert rows["late_only_2k"]["gain over the baseline"].detail != ""
    dearer = changed(view, repairs={**view.summary["repairs"], "entries": [
        entry | ({"control": "baseline"} if entry["arm"] == "late_only_2k" else {}) for entry in view.entries.values()
    ]})  # fmt: skip
    cells = dict(repairs_section.section(dearer)["table"].rows)["late_only_2k"]
    assert cells[4].detail.endswith("\nover baseline\nat +28.6 % cost")
    assert repair["candidates, points"].text == view.summary["judgements"]["late_only_2k"]["candidates"]["outcome"]
    assert "\np " in repair["candidates, points"].detail
    assert reference["candidates, points"] == reference["value, % forgone"] == Number("", "")


def test_costs_that_differ_between_seeds_have_an_interval():
    differs = {"value": 2.5e6, "low": 2.4e6, "high": 2.6e6}
    assert repairs_section._cost(differs) == Number("2.50", "2.40 to 2.60", value=2.5e6)
    assert repairs_section._cost(differs | {"low": 2.5e6, "high": 2.5e6}) == Number("2.50", "", value=2.5e6)


def test_the_curve_of_the_reference_is_0_at_its_own_budget(view):
    data = [row for row in budgets.keep_data(view) if row["arm"] == "both" and row["measure"] == "value"]
    (own,) = (row for row in data if row["keep"] == 10)
    assert own["value"] == own["low"] == own["high"] == 0
    lost = [row["value"] for row in budgets.keep_data(view) if row["arm"] == "late_only" and row["measure"] == "lost"]
    assert lost == sorted(lost, reverse=True)


def test_the_budget_at_which_the_proposal_is_worth_the_reference_is_marked(view):
    def marked(found):
        axes = drawn(budgets.keep_curve, changed(view, equal_keep=found)).axes[1]
        return [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]

    asked = {"keep": None, "sentence": "No budget of `late_only` will do."}
    assert repairs_section.section(changed(view, equal_keep=asked))["equal_keep"] == asked["sentence"]
    assert marked({"keep": None, "sentence": "Nowhere."}) == []
    assert marked({"keep": {"value": 31.0, "low": 20.0, "high": 48.0, "n": 3}, "sentence": "At 31."}) == [31.0]


# Labels


def test_words_cover_neither_points_nor_one_another():
    points = np.random.default_rng(3).uniform(0, 1, (30, 2)) * (90, 40) + 200  # 30 of them within a few words' width
    frame = np.array([0.0, 0.0, 500.0, 400.0])
    offsets = labels.places(points, [9] * 30, frame, np.empty((0, 4)))
    size = np.array([9 * labels.LETTER, labels.LINE])
    boxes = np.concatenate([points + offsets - size / 2, points + offsets + size / 2], axis=1)
    for place in range(30):
        others = np.delete(boxes, place, axis=0)
        assert labels._covered(boxes[place : place + 1], others)[0] == 0
        marks = np.concatenate([points - labels.MARK, points + labels.MARK], axis=1)
        assert labels._covered(boxes[place : place + 1], marks)[0] == 0
    assert labels._outside(boxes, frame).max() < 1e-9


def test_a_lonely_word_stands_at_its_point():
    offset = labels.places(np.array([[100.0, 100.0]]), [4], np.array([0.0, 0.0, 300.0, 300.0]), np.empty((0, 4)))[0]
    assert tuple(offset) == pytest.approx((labels.DISTANCES[0] + 2 * labels.LETTER, 0))


# Agreement and examples


def test_scores_show_the_pool_of_the_first_example_and_where_early_cuts(view):
    panels = drawn(agreement.scores, view).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["late_only", "both"]
    for axes, arm in zip(panels, ("late_only", "both"), strict=True):
        pool = view.sample.filter((pl.col("arm") == arm) & (pl.col("request") == chosen(view)[0]) & pl.col("retrieved"))
        other, friend, oracle = (len(part.get_offsets()) for part in axes.collections)
        assert (other + friend, friend, oracle) == (len(pool), pool["friend"].sum(), pool["oracle"].sum())
        assert axes.lines[0].get_xdata()[0] == pytest.approx(pool.filter("early")["early_score"].min())


def test_what_scores_alone_do_not_decide_is_said_of_the_arm(view):
    assert "cuts, too" not in agreement.scores_caption(view)
    asked = (pl.col("arm") == "both") & (pl.col("request") == chosen(view)[0])
    worst = view.sample.filter(asked & pl.col("retrieved")).sort("early_score")["item"][0]
    granted = View(view.found)  # as by a quota
    granted.sample = view.sample.with_columns(early=pl.col("early") | (asked & (pl.col("item") == worst)))
    assert (
        " Right of it `both` cuts, too, since there more than the score decides who comes through. Ringed:"
        in agreement.scores_caption(granted)
    )


def test_an_example_is_named_by_its_place_in_the_sample(view):
    every = view.sample["request"].unique().sort().to_list()
    assert [every[example.place - 1] for example in examples(view)] == chosen(view)


def test_examples_are_the_most_the_median_and_the_least_cut(view):
    own = view.sample.filter((pl.col("arm") == "late_only") & pl.col("oracle") & pl.col("retrieved") & ~pl.col("early"))
    cut = dict(own.group_by("request").agg(pl.col("value").sum()).iter_rows())
    every = view.sample["request"].unique().sort().to_list()
    most, median, least = (cut.get(request, 0.0) for request in chosen(view))
    assert most == max(cut.values())
    assert least == min(cut.get(request, 0.0) for request in every)
    assert most >= median >= least


def test_an_example_tells_what_the_sample_holds(view):
    example = examples(view)[0]
    rows = view.sample.filter(pl.col("request") == example.request)
    assert example.arms == ("baseline", "late_only", "both")
    assert [item.value for item in example.items] == sorted((item.value for item in example.items), reverse=True)
    for item in example.items:
        for arm, fate in zip(example.arms, item.fates, strict=True):
            (row,) = rows.filter((pl.col("arm") == arm) & (pl.col("item") == item.name)).to_dicts()
            lost = {"retrieval": not row["retrieved"], "early": row["retrieved"] and not row["early"]}
            assert lost.get(fate.ended, row["early"] and row["slate"] == (fate.ended == "shown"))
            assert fate.ranks.startswith(f"early {row['early_rank']}") or not row["retrieved"]
        assert item.sources in ("nearest", "friends")
        assert (item.bubble == "none") == (item.sources == "nearest")


# Many arms, few arms


def test_a_crowd_of_arms_renders_and_names_who_failed(crowd, crowded):
    assert "1 arm failed and had to be left out: repair_3." in crowded.text
    assert "its early stage has no task left." in crowded.text
    assert "Grey: the 28 other arms, whose names and intervals the tables have." in crowded.text
    assert "Grey: the 28 other arms, drawn without their intervals, which the data has;" in crowded.text
    assert (crowd / "index.html").stat().st_size < 5e6


def test_of_many_arms_lines_name_those_of_the_verdict(crowd):
    view = View(results.read(crowd))
    best = [f"repair_{place}" for place in (20, 10, 5, 1)]  # the gain rises with the budget
    told = [entry | {"efficient": entry["arm"] in best} for entry in view.entries.values()]
    view = changed(view, repairs=view.summary["repairs"] | {"entries": told})
    axes = drawn(funnel.funnel_recall, view).axes[0]
    coloured = ["baseline", "late_only", "both", *best[:3]]
    assert [container.get_label() for container in axes.containers] == coloured
    assert len({container.lines[0].get_color() for container in axes.containers}) == len(coloured)
    assert sum(line.get_color() == arms.GREY for line in axes.lines) == len(view.arms) - len(coloured)
    curves = drawn(budgets.keep_curve, view).axes[0]
    assert [container.get_label() for container in curves.containers] == coloured
    points = drawn(repairs.repairs, view).axes[0]
    assert {label.get_text() for label in points.texts} == set(view.arms)


def test_many_arms_stand_one_below_another():
    cells = tuple(Number(str(place), "") for place in range(WIDEST + 1))
    names = tuple(f"arm {place}" for place in range(WIDEST + 1))
    few = of_arms("t", "n", names[:WIDEST], (("value", cells[:WIDEST]),))
    many = of_arms("t", "n", names, (("value", cells), ("lost", cells)))
    assert (few.corner, few.header, len(few.rows)) == ("measure", names[:WIDEST], 1)
    assert (many.corner, many.header) == ("arm", ("value", "lost"))
    assert (few.wide, many.wide, of_arms("t", "n", names, (("value", cells),) * 9).wide) == (False, False, True)
    assert many.rows == tuple((name, (cell, cell)) for name, cell in zip(names, cells, strict=True))


def test_three_arms_of_one_world_without_friends_render(tmp_path):
    tree = Tree(page.build(run_of(tmp_path / "three", arms=runs.THREE, seeds=1, friends=0.0)).read_text())
    assert "no friend items in the oracle set" in tree.text
    assert "0 of them with a friend's bubble" in tree.text
    assert (
        "n = 1 seed (one world), 40 requests: no interval, since these numbers have one over seeds alone." in tree.text
    )
