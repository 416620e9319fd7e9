"""Pages as a browser shows them: every kind of page opens from disk, fits its window, and its controls work."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from funnel.report import audit, calibration, compare, conflict, page, rounds, sweep
from funnel.report.template import SCRIPTS
from funnel.report.whatif.measures import Fraction, Setting, own, whatif
from funnel.report.whatif.pool import Pool, pool
from funnel.scenario import results
from tests import audits, browser, calibrations, conflicts, loops, runs
from tests.accounts import made
from tests.browser import WIDTHS, Browser
from tests.pages import run_of
from tests.sweeps import KEEP, WEIGHT, folder_of, sweep_of


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    driver = browser.started()
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The page of a scenario with everything that a page can have."""
    return page.build(run_of(tmp_path_factory.mktemp("reports") / "all", runs.diagnostics(), seeds=3, world=made()))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """The page of a scenario of 30 arms."""
    return page.build(run_of(tmp_path_factory.mktemp("reports") / "crowd", arms=runs.many(30), seeds=2))


@pytest.fixture(scope="module")
def pages(built, crowd, tmp_path_factory) -> dict[str, tuple[Path, str]]:
    """Every kind of page and tab: its file, and the hash that opens it."""
    other = run_of(tmp_path_factory.mktemp("other") / "other", seeds=2)
    compared = compare.build(built.parent, other, other.parent)
    swept = tmp_path_factory.mktemp("sweeps")
    line = sweep.build(folder_of(swept / "line", sweep_of(KEEP), np.array([0.3, 0.1, 0.02, 0.0])))
    area = sweep.build(folder_of(swept / "area", sweep_of(WEIGHT, KEEP), np.linspace(0.3, 0, 12)))
    scenario = {"review": (built, "#review"), "what if": (built, "#what-if"), "compare": (compared, "")}
    loop = rounds.build(loops.folder_of(swept / "loop", loops.loop_of(seeds=3), np.array([0.3, 0.1, 0.02])))
    study = conflict.build(conflicts.folder_of(swept / "conflict"))
    logs = {"audit": audit.build(audits.folder_of(swept / "audit"))}
    logs["sampled audit"] = audit.build(audits.sampled(swept / "sampled"))
    fitted = calibration.build(calibrations.folder_of(swept / "calibration"))
    others = {"crowd": crowd, "sweep": line, "map": area, "rounds": loop, "conflict": study, "calibration": fitted}
    others |= logs
    return scenario | {kind: (page, "") for kind, page in others.items()}


KINDS = (
    *("review", "what if", "crowd", "compare", "sweep", "map", "rounds", "conflict"),
    *("audit", "sampled audit", "calibration"),
)
DRAWN = tuple(kind for kind in KINDS if kind not in ("what if", "compare"))
"""those that have figures"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_from_disk_without_complaint_or_fetching_and_fits_its_window(window, pages, kind, width):
    page, tab = pages[kind]
    window.open(page, width, tab)
    assert window.js(browser.OVERFLOW) <= 0
    assert window.logs() == ([], [page.as_uri()])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", DRAWN)
def test_every_figure_is_drawn_with_marks_in_it(window, pages, kind, width):
    window.open(pages[kind][0], width)
    assert window.js("return document.querySelectorAll('figure').length") > 0
    assert window.js(browser.EMPTY_FIGURES) == []
    marks = "figure g[id*=-axes_] > g:not([id*=matplotlib])"
    window.js("document.querySelectorAll(arguments[0]).forEach((mark) => mark.remove())", marks)
    assert len(window.js(browser.EMPTY_FIGURES)) == window.js("return document.querySelectorAll('figure').length")


def test_a_page_of_many_arms_is_small(crowd):
    assert crowd.stat().st_size < 5e6


PAPER = 718
"""CSS pixels between the margins of upright A4"""


@pytest.mark.parametrize("kind", ["crowd", "map", "rounds", "conflict", "audit", "calibration"])
def test_paper_cuts_no_table_off(window, pages, kind):
    with window.media("print"):
        window.open(pages[kind][0], PAPER)
        assert window.js(browser.OVERFLOW) <= 0


def test_what_differs_is_in_sight_on_a_phone(window, built):
    window.open(built, 400, "#what-if")
    box = "const box = document.querySelector('#what-if-measures').parentElement;"
    assert window.js(f"{box} return box.scrollWidth - box.clientWidth") <= 0


def test_a_figure_that_is_wider_than_its_window_says_so(window, built):
    hint = "return getComputedStyle(document.querySelector('figure .scroll'), '::before').content"
    for width, told in ((400, '"Wider than this window: scroll it sideways →"'), (1280, "none")):
        window.open(built, width)
        assert window.js(hint) == told


def test_examples_break_no_word_on_a_phone(window, built):
    window.open(built, 400)
    wraps = "return [...document.querySelectorAll('#examples td')].map((cell) => getComputedStyle(cell).whiteSpace)"
    assert set(window.js(wraps)) == {"nowrap"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_can_be_read_in_either_scheme(window, pages, kind, scheme):
    page, tab = pages[kind]
    with window.media(scheme=scheme):
        window.open(page, 1280, tab)
        assert window.js(browser.POOR_CONTRAST) == []


def shown(window) -> list[str]:
    return window.js("return [...document.querySelectorAll('[role=tabpanel]:not([hidden])')].map(found => found.id)")


def test_tabs_open_by_click_by_key_and_by_address(window, built):
    window.open(built)
    assert shown(window) == ["panel-review"]
    window.click("#what-if")
    assert shown(window) == ["panel-what-if"]
    assert window.js("return location.hash") == "#what-if"
    window.keys("#what-if", "\ue012")  # left arrow
    assert shown(window) == ["panel-review"]
    assert window.js("return document.activeElement.id") == "review"
    window.driver.back()
    assert shown(window) == ["panel-what-if"]
    window.open(built, hash_="#what-if")
    assert shown(window) == ["panel-what-if"]
    window.js("location.hash = '#method'")
    assert shown(window) == ["panel-review"]


def test_changing_tabs_moves_nothing_above_them(window, built):
    place = "return document.querySelector('.tabs').getBoundingClientRect().toJSON()"
    window.open(built)
    before = window.js(place)
    window.click("#what-if")
    assert window.js(place) == before


def test_paper_shows_the_review_whatever_tab_is_open(window, built):
    with window.media("print"):
        window.open(built, hash_="#what-if")
        seen = "return arguments[0].map((found) => document.querySelector(found).checkVisibility())"
        assert window.js(seen, ["#panel-review", "#panel-what-if", ".on-paper"]) == [True, False, True]


TABLE = "#measures table"


def column(window, place: int) -> list[float | None]:
    """The numbers of a column of the first table of measures, from top to bottom."""
    found = window.js(
        "const rows = [...document.querySelector(arguments[0]).tBodies[0].rows];"
        "return rows.map((row) => row.cells[arguments[1]].dataset.value)",
        TABLE,
        place,
    )
    return [float(value) if value else None for value in found]


def test_a_table_sorts_by_number_up_down_and_back(window, built):
    window.open(built)
    before = column(window, 1)
    known = sorted(value for value in before if value is not None)
    unknown = [None] * (len(before) - len(known))
    head = f"{TABLE} th:nth-child(2)"
    for order, expected in (
        ("ascending", known + unknown),
        ("descending", known[::-1] + unknown),
        ("none", before),
    ):
        window.click(f"{head} button")
        assert (column(window, 1), window.js("return document.querySelector(arguments[0]).ariaSort", head)) == (
            expected,
            order,
        )


def test_a_table_sorts_by_text_from_the_keyboard(window, built):
    window.open(built)
    window.keys(f"{TABLE} th:first-child button", "\n")
    labels = window.texts(f"{TABLE}:first-of-type tbody th")[: len(column(window, 1))]
    assert labels == sorted(labels, key=str.lower)


def test_rows_stay_in_their_group(window, tmp_path):
    html = (
        "<table><thead><tr><th>name</th><th>n</th></tr></thead>"
        "<tbody><tr><th>a</th><td>10</td></tr><tr><th>b</th><td>9</td></tr></tbody>"
        "<tbody><tr><th>c</th><td>8</td></tr><tr><th>d</th><td data-value=''>n/a</td></tr></tbody></table>"
        "<table id='fixed'><thead><tr><th>x</th></tr></thead>"
        "<tbody><tr><td rowspan='2'>1</td></tr><tr></tr></tbody></table>"
    )
    place = tmp_path / "groups.html"
    place.write_text(f"{html}<script>{(SCRIPTS / 'sort.js').read_text()}</script>")
    window.open(place)
    window.click("th:nth-child(2) button")
    assert window.texts("tbody th") == ["b", "a", "c", "d"]
    assert window.texts("#fixed button") == []


ARMS = ("late_only", "both", "baseline")


@pytest.fixture(scope="module")
def pools(built) -> dict[str, Pool]:
    """What the page's arms hold, as Python reads it."""
    found = results.read(built.parent)
    spec = json.loads((built.parent / "spec.json").read_text())
    tables = found.table("sample"), found.table("contributions")
    return {arm: pool(arm, spec["arms"][arm]["stages"], *tables) for arm in ARMS}


def set_to(window, control: str, value) -> None:
    """Moves a control of the what-if tab as a hand would."""
    window.js(
        "const control = document.querySelector(arguments[0]); control.value = arguments[1];"
        "for (const name of ['input', 'change']) control.dispatchEvent(new Event(name, {bubbles: true}))",
        control,
        str(value),
    )


def choose(window, arm: str, setting: Setting) -> Setting:
    """Puts a setting in; gives it back as the sliders took it."""
    set_to(window, "#what-if-arm", ARMS.index(arm))
    set_to(window, "#what-if-keep", setting.keep)
    set_to(window, "#what-if-slate", setting.slate_size)
    taken = {}
    for task, weight in setting.weights.items():
        slider = f"#what-if-weights input[data-task={task}]"
        set_to(window, slider, weight)
        taken[task] = float(window.js("return document.querySelector(arguments[0]).value", slider))
    return Setting(setting.keep, setting.slate_size, taken)


def told(window, place: int) -> dict[str, float | None]:
    """A column of the measures of the what-if tab."""
    found = window.js(
        "return [...document.querySelectorAll('#what-if-measures tbody tr')].map("
        "(row) => [row.dataset.measure, row.cells[arguments[0]].dataset.value])",
        place,
    )
    return {name: float(value) if value else None for name, value in found}


def values(found: dict[str, Fraction]) -> dict[str, float | None]:
    return {name: ratio.value for name, ratio in found.items()}


@pytest.mark.parametrize(
    ("arm", "setting"),
    [
        ("late_only", Setting(10, 5)),
        ("late_only", Setting(25, 5)),
        ("late_only", Setting(3, 8)),
        ("late_only", Setting(10, 5, {"bubble_engage": 0.0})),
        ("both", Setting(10, 5, {"bubble_engage": 25.0})),
        ("both", Setting(14, 7, {"bubble_engage": 3.0, "like": 20.0})),
        ("baseline", Setting(51, 1, {"like": 0.0})),
    ],
)
def test_the_what_if_tab_tells_what_python_measures_on_the_same_numbers(window, built, pools, arm, setting):
    window.open(built, hash_="#what-if")
    taken = choose(window, arm, setting)
    assert told(window, 1) == pytest.approx(values(whatif(pools[arm], taken)), rel=1e-12)
    assert told(window, 2) == pytest.approx(values(whatif(pools[arm], own(pools[arm]))), rel=1e-12)
    assert window.logs()[0] == []


def test_the_reset_brings_back_the_runs_own(window, built):
    window.open(built, hash_="#what-if")
    before = told(window, 2)
    assert told(window, 1) == before
    choose(window, "late_only", Setting(30, 3, {"like": 1.0}))
    assert told(window, 1) != before
    window.click("#what-if-reset")
    assert told(window, 1) == before
    assert set(told(window, 3).values()) == {0.0}
    assert window.texts("#what-if-keep-now") == ["10 (own 10)"]


def test_the_what_if_tab_lists_the_best_items_that_are_not_shown(window, built):
    window.open(built, hash_="#what-if")
    choose(window, "late_only", Setting(10, 5))
    sample = results.read(built.parent).table("sample").filter(arm="late_only", oracle=True, slate=False)
    best = sample.sort("value", descending=True).head(8)
    assert [int(cell) for cell in window.texts("#what-if-lost td:nth-child(2)")] == best["item"].to_list()
    ranks = [None if cell == "n/a" else int(cell) for cell in window.texts("#what-if-lost td:nth-child(6)")]
    assert ranks == best["early_rank"].to_list()
    flags = best.select("retrieved", "early").rows()
    ended = ["late" if early else "early" if retrieved else "retrieval" for retrieved, early in flags]
    assert window.texts("#what-if-lost td:nth-child(5)") == ended


def test_every_control_has_a_name_and_says_its_value(window, built):
    window.open(built, hash_="#what-if")
    labels = (
        "return [...document.querySelectorAll('#panel-what-if :is(input, select)')].map((one) => one.labels.length)"
    )
    assert set(window.js(labels)) == {1}
    assert window.texts("#what-if-weights label") == ["like", "bubble_engage"]
    assert window.texts("#what-if-weights .now") == [
        "own: early 10, late 10",
        "own: early does not predict it, late 10",
    ]
    assert "of the oracle's items are shown" in window.texts("#what-if-told")[0]
    window.keys("#what-if-keep", "\ue014")  # right arrow
    assert window.texts("#what-if-keep-now") == ["11 (own 10)"]
