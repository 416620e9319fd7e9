"""Figures by their artists, the page by its structure: no test looks at a pixel."""

import re

import polars as pl
import pytest
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer

from funnel.errors import ResultsError
from funnel.report import page, tables
from funnel.report.figures import flow, funnel
from funnel.report.figures.arms import ordered
from funnel.report.figures.catalogue import FIGURES, save
from funnel.report.figures.style import INK
from funnel.report.view import UNKNOWN, Number, View, number, text
from funnel.scenario import results
from tests import runs
from tests.pages import Tree, drawn, run_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("reports") / "five", seeds=3)


@pytest.fixture(scope="module")
def view(folder):
    return View(results.read(folder))


@pytest.fixture(scope="module")
def html(folder):
    return page.build(folder).read_text()


@pytest.fixture(scope="module")
def tree(html):
    return Tree(html)


def test_recall_has_a_line_and_intervals_for_every_arm_in_both_panels(view):
    friend, other = drawn(funnel.funnel_recall, view).axes
    assert [axes.get_title(loc="left") for axes in (friend, other)] == ["Friend items", "Other items"]
    for axes in (friend, other):
        assert len(axes.containers) == len(view.arms)
        assert len([part for part in axes.collections if isinstance(part, LineCollection)]) == len(view.arms)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["retrieval", "early", "late"]
    line = friend.containers[ordered(view).index("both")].lines[0]
    expected = [view.estimate("both", "recall", stage, "friend")["value"] for stage in funnel.STAGES]
    assert list(line.get_ydata()) == expected


def test_arms_differ_by_colour_and_by_marker(view):
    lines = [container.lines[0] for container in drawn(funnel.funnel_recall, view).axes[0].containers]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == len(view.arms)


def lengths(axes, view):
    """Sum of the parts of every arm's bar."""
    bars = [bar for container in axes.containers if isinstance(container, BarContainer) for bar in container]
    parts = len(bars) // len(view.arms)
    return [sum(bar.get_width() for bar in bars[parts * row : parts * (row + 1)]) for row in range(len(view.arms))]


def test_bars_add_up_to_one(view):
    whole, lost = drawn(funnel.value_waterfall, view).axes
    friend, other = drawn(funnel.oracle_fates, view).axes
    names = ["baseline", "late_only (proposal)", "both (reference)", "baseline_2k", "late_only_2k"]
    assert [label.get_text() for label in whole.get_yticklabels()] == names
    for axes in (whole, friend, other):
        assert lengths(axes, view) == pytest.approx([1] * len(view.arms))
    shown = [view.estimate(arm, "waterfall", "shown")["value"] for arm in ordered(view)]
    assert lengths(lost, view) == pytest.approx([1 - value for value in shown])


def test_the_flow_ends_at_what_is_shown(view):
    panels = drawn(flow.oracle_flow, view).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["late_only", "both"]
    for axes, arm in zip(panels, ("late_only", "both"), strict=True):
        friends = view.estimate(arm, "share", "oracle", "friend")["value"]
        widths = {"friend": friends, "other": 1 - friends}
        bands = [
            part.get_paths()[0].vertices for part in axes.collections if part.get_paths()[0].vertices[:, 0].min() == 0
        ]
        for band, (slice_, side) in zip(bands, flow.SIDES.items(), strict=True):
            shown = widths[slice_] * view.estimate(arm, "terminal", "shown", slice_)["value"]
            heights = side * band[:, 1]
            assert heights.max() == pytest.approx(widths[slice_])
            assert heights[band[:, 0] == band[:, 0].max()].max() == pytest.approx(shown)


def test_wide_parts_of_a_bar_carry_their_number(view):
    axes = drawn(funnel.value_waterfall, view).axes[0]
    shown = view.estimate("both", "waterfall", "shown")["value"]
    assert f"{100 * shown:.1f}" in [label.get_text() for label in axes.texts]


def test_figures_are_saved_as_svg_and_png_and_the_same_every_time(view, tmp_path):
    save(FIGURES, view, tmp_path / "a")
    save(FIGURES, view, tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(f"{plot.name}.{kind}" for plot in FIGURES for kind in ("svg", "png", "csv"))
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_the_numbers_of_a_figure_lie_beside_it(view, tmp_path):
    save(FIGURES, view, tmp_path)
    for plot in FIGURES:
        assert pl.read_csv(tmp_path / f"{plot.name}.csv").height == len(plot.data(view)) > 0, plot.name
    recall = pl.read_csv(tmp_path / "funnel_recall.csv").filter(arm="both", stage="early", slice="friend")
    assert recall["value"].item() == view.estimate("both", "recall", "early", "friend")["value"]


def test_the_verdict_comes_first_with_its_numbers(tree, view):
    verdict = view.summary["verdict"]
    plain = [sentence.replace("`", "") for sentence in (verdict["headline"], *verdict["sentences"])]
    places = [tree.text.index(sentence) for sentence in plain]
    assert places == sorted(places)
    assert places[-1] < tree.text.index("Recall down the funnel")


def test_the_page_stands_alone(tree, html, folder):
    beside = [link for link in tree.links if not link.startswith(("#", "https://"))]
    assert len(beside) == 3 * len(FIGURES)
    assert all((folder / link).is_file() for link in beside)
    assert not {"link", "iframe", "img"} & set(tree.tags)
    assert "<script src" not in html
    assert "@import" not in html
    assert "url(http" not in html


def test_ids_are_unique_and_links_lead_somewhere(tree):
    assert len(tree.ids) == len(set(tree.ids))
    assert {link[1:] for link in tree.links if link.startswith("#")} <= set(tree.ids)


def test_figures_stand_in_the_page_in_its_own_ink(tree, html):
    assert tree.tags.count("svg") == len(FIGURES)
    assert INK not in html[html.index("<svg") :]
    assert "prefers-color-scheme: dark" in html


def test_every_table_scrolls_in_its_own_box(html):
    boxes = re.findall(r'<div class="scroll[ "][^>]*>\s*<table', html)
    assert len(boxes) == html.count("<table") > 10


def test_every_caption_says_what_stands_behind_it(html):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, flags=re.DOTALL)
    assert len(captions) == len(FIGURES)
    behind, example = "n = 3 seeds (worlds), 40 requests each.", "an example and no estimate, so it has no interval"
    assert sum(behind in caption for caption in captions) == len(FIGURES) - 1
    assert sum(example in caption for caption in captions) == 1


@pytest.mark.parametrize(
    "words",
    [
        "Differences against baseline",
        "Differences against both",
        "Guardrails",
        "Calibration of the late stage",
        "macs early",
        "index recall",
        "Death certificates",
        "Definitions that fool people",
        "Known limits",
        "Recall against positives that the same funnel has shown is 1 by construction.",
        "Nothing: the base as it is.",
    ],
)
def test_the_page_holds(tree, words):
    assert words in tree.text


def test_the_page_is_the_same_every_time(folder, html):
    assert page.build(folder).read_text() == html


def test_one_seed_renders_and_says_what_it_speaks_of(tmp_path):
    tree = Tree(page.build(run_of(tmp_path / "one", seeds=1)).read_text())
    assert "n = 1 seed (one world), 40 requests. Intervals: bootstrap over requests, of that one world." in tree.text
    assert "it is undecided whether late_only loses candidates or forgoes value" in tree.text
    assert ", this world" in tree.text


def test_a_world_without_friend_items_renders_and_says_so(tmp_path):
    tree = Tree(page.build(run_of(tmp_path / "none", seeds=2, friends=0.0)).read_text())
    assert "no such items" in tree.text
    assert "no cases" in tree.text
    assert "loses no candidates and forgoes no value" in tree.text
    assert "No friend item of the oracle was cut at early among the sampled requests." in tree.text


def test_no_results_no_page(tmp_path):
    with pytest.raises(ResultsError) as error:
        page.build(tmp_path / "nothing")
    assert (
        str(error.value) == f"{tmp_path / 'nothing'}: should be a results folder. Found none. Run the scenario first."
    )


def test_what_a_user_wrote_is_escaped(tmp_path):
    asked = run_of(tmp_path / "odd", seeds=2, question="Is 1 < 2 & <script>alert(1)</script>?")
    html = page.build(asked).read_text()
    assert "<script>alert" not in html and "<script>alert(1)</script>?" in Tree(html).text


@pytest.mark.parametrize(
    ("value", "unit", "signed", "expected"),
    [
        (0.1234, "share", False, "12.3 %"),
        (-0.0001, "share", False, "0.0 %"),
        (0.0123, "points", True, "+1.2 pt"),
        (1.0316, "ratio", False, "1.032"),
        (1234.5, "cost", False, "1,234"),
        (2_500_000.0, "cost", False, "2,500,000"),
        (100.0, "count", False, "100.0"),
        (5.45, "value", False, "5.450"),
        (0.0, "mean", False, "0.00"),
        (0.0, "fact", False, "0"),
        (0.003333, "mean", False, "0.00333"),
        (20_000, "fact", False, "20,000"),
    ],
)
def test_numbers_as_a_reader_wants_them(value, unit, signed, expected):
    assert text(value, unit, signed) == expected


def test_the_ends_of_an_interval_have_the_decimals_of_its_value():
    found = {"value": 0.4859, "low": 0.05351, "high": 0.9182, "n": 3}
    assert number(found, "value", 3) == Number("0.4859", "0.0535 to 0.9182", value=0.4859)


def test_cells_say_why_they_have_no_interval():
    ends = dict.fromkeys(("low", "high", "bootstrap_low", "bootstrap_high"))
    assert number({"value": None, "n": 0} | ends, "share", 5) == Number(UNKNOWN, "no cases")
    assert number({"value": 0.5, "n": 1} | ends, "share", 5) == Number("50.0 %", "1 seed", value=0.5)
    some = {"value": 0.5, "n": 3} | ends | {"low": 0.4, "high": 0.6}
    assert number(some, "share", 5) == Number("50.0 %", "40.0 % to 60.0 %, n = 3", value=0.5)
    same = {"value": 0.0, "n": 5} | ends | {"low": 0.0, "high": 0.0}
    assert number(same, "points", 5, signed=True) == Number("0", "the same in every seed", value=0.0)


def test_a_contrast_is_told_with_its_weights(tmp_path):
    weights = {"both": 1.0, "late_only": -0.5, "baseline": -0.5}
    folder = runs.write(tmp_path / "run", contrasts={"most": weights})
    table = next(table for table in tables.main(View(results.read(folder))) if table.title == "Contrasts")
    assert "`most` is `both` - 0.5 `late_only` - 0.5 `baseline`." in table.note
    assert table.header == ("most",)
    assert {label: cells[0].text[-2:] for label, cells in table.rows}["Lost candidates"] == "pt"
