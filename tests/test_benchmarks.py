"""Every benchmark at tiny size: what it says, never how long it took."""

from datetime import date

import numpy as np
import pytest
import torch

from benchmarks.bed import TINY, Bed
from benchmarks.clock import alternating
from benchmarks.figure import HEADS, Figure, markdown, plain, terminal
from benchmarks.run import BENCHMARKS, LIBRARIES, page
from benchmarks.serving import Arithmetic
from benchmarks.truth import channels
from funnel.tasks import Formula

WORDS = {
    "serving": ["one thread", "processes", "baseline", "both"],
    "oracle": ["exact oracle"],
    "labels": ["256 requests", "1024 requests"],
    "indexes": ["exact", "inverted_file", "hnsw"],
    "balancers": ["2 tasks, gradnorm", "3 tasks, pcgrad"],
    "rankers": ["training, MMoE", "scoring, MMoE", "training, PLE", "50 tasks", "training loop", "one thread"],
    "feedback loop": ["moved on", "peak memory"],
    "world and oracle at scale": ["world", "bounds", "oracle", "peak memory"],
}
"""what the figures of each benchmark speak of"""


@pytest.fixture(scope="module")
def bed(tmp_path_factory) -> Bed:
    return Bed(TINY, tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_figure_stands_beside_a_floor(name, bed):
    if name == "rankers":
        pytest.importorskip("torch_rechub", reason="the peer to race is an extra: make bench installs it")
    figures = BENCHMARKS[name](bed)
    said = " ".join(figure.what for figure in figures)
    assert [word for word in WORDS[name] if word not in said] == []
    for figure in figures:
        assert figure.unit and figure.floor_is and figure.aim
        assert np.isfinite([figure.ours, figure.floor]).all() and min(figure.ours, figure.floor) > 0
        assert isinstance(figure.met, bool)


RATE = Figure("served", 1_500.0, "/s", 3_000.0, "search alone", aim="1,000/s", met=True, remark="recall 0.9")
TIME = Figure("built", 3.0, "s", 2.0, "ten times the base", more_is_better=False)


def test_costs_are_told_in_floors():
    assert (RATE.times_the_floor, TIME.times_the_floor) == (2.0, 1.5)


def test_the_faces_say_the_same():
    rows = [
        ("served", "1,500 /s", "3,000 /s", "2.00", "1,000/s", "met", "floor: search alone; recall 0.9"),
        ("built", "3 s", "2 s", "1.50", "", "", "floor: ten times the base"),
    ]
    assert [figure.cells() for figure in (RATE, TIME)] == rows
    table = terminal([RATE, TIME])
    assert [column.header for column in table.columns] == list(HEADS)
    assert [tuple(cells) for cells in zip(*(column.cells for column in table.columns), strict=True)] == rows
    assert all(cell in line for row, line in zip(rows, plain([RATE, TIME])[1:], strict=True) for cell in row)
    assert markdown([TIME]).splitlines()[2] == "| built | 3 s | 2 s | 1.50 |  |  | floor: ten times the base |"


def test_the_page_says_what_it_was_measured_on():
    text = page([RATE], date(2026, 1, 2))
    assert "2026-01-02" in text and "cores" in text and all(name in text for name in LIBRARIES)


def test_contenders_take_turns():
    turns: list[str] = []
    medians = alternating(lambda: turns.append("a"), lambda: turns.append("b"), rounds=2)
    assert turns == ["a", "b"] * 3 and len(medians) == 2


def test_arithmetic_is_noted():
    with torch.inference_mode(), Arithmetic() as noted:
        left, right, bias = torch.ones(3, 4), torch.ones(4, 5), torch.ones(5)
        torch.addmm(bias, left, right).addmm_(left, right)
        torch.bmm(left[None], right[None])
        torch.sigmoid(left @ right).softmax(1)
    assert [(tuple(a), tuple(b)) for a, b in noted.products] == [
        ((3, 4), (4, 5)),
        ((3, 4), (4, 5)),
        ((1, 3, 4), (1, 4, 5)),
        ((3, 4), (4, 5)),
    ]
    assert noted.exponentials == 30


def test_channels_of_a_value_are_counted_once():
    assert channels(Formula(formula={"long_view": 1.0, "effective_view": 1.0, "bubble_engage": 1.0})) == 3
