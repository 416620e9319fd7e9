"""Pages of made-up runs, and what a test sees of a page and of a figure."""

import re
from html.parser import HTMLParser

import matplotlib

from funnel.report.figures.style import STYLE
from tests import runs

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Tree(HTMLParser):
    """What a page holds: its tags, ids, links and text; fails on tags that do not close in order."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.words = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        named = dict(attributes)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named[name] for name in ("href", "src", "xlink:href") if name in named]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def run_of(folder, found=None, **settings):
    """A results folder; `found` by diagnosing, settings of `runs.write`."""
    return runs.write(folder, found=found, **settings)


def drawn(plot, view):
    """The figure, in the style of the page."""
    with matplotlib.rc_context(STYLE):
        return plot(view)


def table_of(html: str, title: str) -> list[list[str]]:
    """Texts of the cells of the table of a name, row by row."""
    (table,) = re.findall(rf'aria-label="{title}"[^>]*>\s*(<table.*?</table>)', html, flags=re.DOTALL)
    rows = table.split("<tr>")[1:]
    return [[Tree(cell).text.strip() for cell in re.findall(r"(<t[hd].*?</t[hd]>)", row)] for row in rows]
