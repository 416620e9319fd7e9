"""Pages as a browser shows them: every kind of page opens from disk, fits its window, and its controls work."""

from collections.abc import Iterator

import pytest

from funnel.report import page
from funnel.report.template import SCRIPTS
from tests import browser, runs
from tests.browser import WIDTHS, Browser
from tests.pages import run_of


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    driver = browser.started()
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The page of a scenario with everything that a page can have."""
    return page.build(run_of(tmp_path_factory.mktemp("reports") / "all", runs.diagnostics(), seeds=3))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_opens_from_disk_without_complaint_or_fetching_and_fits_its_window(window, built, width):
    for tab in ("#review", "#what-if"):
        window.open(built, width, tab)
        assert window.js(browser.OVERFLOW) <= 0
        assert window.js(browser.EMPTY_FIGURES) == [] or tab == "#what-if"
        assert window.logs() == ([], [built.as_uri()])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["#review", "#what-if"])
def test_every_text_can_be_read_in_either_scheme(window, built, scheme, tab):
    with window.media(scheme=scheme):
        window.open(built, 1280, tab)
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
        seen = "return ['panel-review', 'panel-what-if'].map((id) => document.getElementById(id).checkVisibility())"
        assert window.js(seen) == [True, False]


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
