"""Bubbles by lot: the draws, the slopes of a trial whose law is known, the scenario, its verdict and its page."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from funnel.candidates import Requests, from_pairs
from funnel.cli import app
from funnel.errors import SpecError
from funnel.report import dose as page
from funnel.report.trial import Trial as Seen
from funnel.rng import stream
from funnel.scenario import envelope, harness
from funnel.scenario.dose.slopes import ESTIMATORS, WORLD, cells, curves, slopes
from funnel.scenario.dose.spec import DoseSpec
from funnel.scenario.dose.trial import ANY, LOGGED, TASKS, Trial
from funnel.scenario.dose.verdict import outcome, verdict
from funnel.scenario.executors import Executor
from funnel.scenario.file import load
from funnel.traffic.doses import doses, showing
from funnel.traffic.log import impressions
from funnel.traffic.slates import ranked
from funnel.world.bubbles import Bubbles, join
from funnel.world.engagement import Engagement
from tests.pages import Tree
from tests.worlds import SMALL_FUNNEL

PROJECT = Path(__file__).parents[1]
SMALL = [*(one for one in SMALL_FUNNEL if "traffic" not in one), "base.traffic={bootstrap_requests=60, requests=400}"]


# Lots


@pytest.fixture(scope="module")
def requests():
    return Requests(np.arange(400) + 7, np.arange(400))


@pytest.fixture(scope="module")
def bubbles(world, requests) -> Bubbles:
    return join(world.observed, requests.user)


def test_lots_are_uniform_from_nobody_to_all_and_the_rest_show_all(bubbles, requests):
    number, lots = doses(bubbles, requests, 0.4, seed=1)
    assert abs(lots.mean() - 0.4) < 0.02
    assert (number[~lots] == bubbles.count[~lots]).all() and (number <= bubbles.count).all()
    for available in (1, 2, 3):
        drawn = number[lots & (bubbles.count == available)]
        shares = np.bincount(drawn, minlength=available + 1) / len(drawn)
        assert shares == pytest.approx([1 / (available + 1)] * (available + 1), abs=4 / np.sqrt(len(drawn)))


def test_a_lot_belongs_to_its_request_and_item(bubbles, requests, world):
    number, lots = doses(bubbles, requests, 0.4, seed=1)
    few = requests.slice(100, 130)
    part = join(world.observed, few.user)
    rows = slice(bubbles.offsets[100], bubbles.offsets[130])
    again, also = doses(part, few, 0.4, seed=1)
    assert np.array_equal(again, number[rows]) and np.array_equal(also, lots[rows])


def test_showing_all_changes_nothing_and_showing_nobody_leaves_a_friends_item(bubbles, world):
    whole = showing(bubbles, bubbles.edge.shape[1])
    assert all(np.array_equal(getattr(whole, name), getattr(bubbles, name)) for name in ("edge", "strong", "closeness"))
    bare, engagement = showing(bubbles, 0), Engagement.of(world)
    assert np.array_equal(bare.item, bubbles.item) and not bare.count.any() and not bare.closeness.any()
    assert np.allclose(engagement.cue(bare), world.spec.engagement.friend_shift)
    one = showing(bubbles, 1)
    assert (one.count == 1).all() and np.array_equal(one.edge[:, 0], bubbles.edge[:, 0])
    assert (engagement.cue(one) > engagement.cue(bare)).all()


def test_an_impression_that_shows_nobody_has_no_bubble_to_engage_with(bubbles, requests, world):
    pool = from_pairs(bubbles.request, bubbles.item, np.ones(len(bubbles.item), np.int64), 400, world.items)
    number, _ = doses(bubbles, requests, 0.9, seed=1)
    log = impressions(Engagement.of(world), requests, ranked(pool), showing(bubbles, number))
    row = bubbles.find(log["request"].to_numpy() - 7, log["item"].to_numpy())
    assert np.array_equal(log["bubble_count"].to_numpy(), number[row])
    assert np.array_equal(log["bubble"].to_numpy() > 0, number[row] > 0)
    assert log["bubble_engage"].null_count() == (number == 0).sum() and log["like"].null_count() == 0


# Slopes of a known law


CAUSE, SHARED_TASTE = 0.3, 0.5


def made(rows: int = 60_000, cap: int = 3, seed: int = 0) -> Trial:
    """A trial in which a friend shown causes CAUSE, and items of more friends are better by SHARED_TASTE a friend."""
    generator = stream(seed, "tests", "trial")
    available = np.minimum(generator.poisson(0.8, rows), cap)
    randomised = (available > 0) & (generator.random(rows) < 0.5)
    drawn = (generator.random(rows) * (available + 1)).astype(int)
    shown = np.where(randomised, drawn, available)
    base = -2.0 + SHARED_TASTE * available
    every = expit(base[:, None] + CAUSE * np.minimum(np.arange(cap + 1), available[:, None]))
    single = every[np.arange(rows), shown]
    probability = np.repeat(single[:, None], len(TASKS), 1)
    happened = generator.random((rows, len(TASKS))) < probability
    return Trial(
        user=generator.integers(0, 400, rows),
        item=generator.integers(0, 900, rows),
        position=np.zeros(rows, int),
        available=available,
        shown=shown,
        randomised=randomised,
        happened=happened,
        expected=probability.astype(np.float32),
        by_dose=np.repeat(every[randomised][:, :, None], len(TASKS), 2),
    )


def test_lots_find_the_cause_and_the_others_the_company_it_keeps(world):
    trial = made()
    found = slopes(trial, cells(trial), world.observed)
    assert found.keys() == {*ESTIMATORS, WORLD}
    for task in TASKS:
        assert found[WORLD][task] == pytest.approx(CAUSE, abs=1e-5)
        assert found["causal"][task] == pytest.approx(CAUSE, abs=0.08)
        for naive in ("observational", "shown_only", "adjusted"):
            assert found[naive][task] == pytest.approx(CAUSE + SHARED_TASTE, abs=0.1)


def test_curves_rise_by_the_cause_and_say_nothing_where_too_little_happened():
    trial = made()
    told = curves(cells(trial)).filter(pl.col("task") == ANY).sort("shown")
    own = told.filter(pl.col("source") == WORLD)["log_odds"].to_list()
    assert own == pytest.approx([CAUSE, 2 * CAUSE, 3 * CAUSE], abs=1e-4)
    assert told.filter(pl.col("source") == "randomised")["log_odds"].to_list() == pytest.approx(own, abs=0.25)
    others = told.filter(pl.col("source") == "others")["log_odds"].to_list()
    assert others == pytest.approx([step * (CAUSE + SHARED_TASTE) for step in (1, 2, 3)], abs=0.25)
    rare = replace(trial, happened=trial.happened & (trial.shown < 3)[:, None])
    some = curves(cells(rare)).filter((pl.col("task") == ANY) & (pl.col("source") != WORLD)).sort("source", "shown")
    assert [odds is None for odds in some["log_odds"]] == [False, False, True] * 2


def test_where_too_little_happened_there_is_no_slope(world):
    trial = replace(made(3_000), happened=np.zeros((3_000, len(TASKS)), bool))
    found = slopes(trial, cells(trial), world.observed)
    assert {found[name][task] for name in ESTIMATORS for task in TASKS} == {None}
    assert found[WORLD][ANY] == pytest.approx(CAUSE, abs=1e-5)


def test_cells_count_every_impression_once_a_source():
    trial, one = made(5_000), pl.col("task") == ANY
    counted = cells(trial).filter(one)
    by = dict(counted.group_by("source").agg(pl.col("n").sum()).iter_rows())
    lots = trial.randomised.sum()
    assert by == {"randomised": lots, "others": 5_000 - lots, "world": pytest.approx(lots)}
    assert counted.filter(pl.col("source") != WORLD)["happened"].sum() == trial.happened[:, TASKS.index(ANY)].sum()
    others = counted.filter(pl.col("source") == "others")
    assert (others["available"] == others["shown"]).all()


# The scenario


@pytest.fixture(scope="module")
def scenario() -> DoseSpec:
    return load(PROJECT / "scenarios/bubble_dose.toml", seeds=2, assignments=SMALL)


@pytest.fixture(scope="module")
def folder(scenario, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("dose")
    return harness.run(scenario, Executor(workers=1), data=root / "data", reports=root / "reports")


@pytest.fixture(scope="module")
def summary(folder) -> dict:
    return envelope.read(folder)


def test_the_summary_has_its_documented_keys(summary, folder):
    assert list(summary) == [
        "schema_version",
        "kind",
        "scenario",
        "fingerprint",
        "versions",
        "verdict",
        "base",
        "estimates",
        "biases",
        "curves",
        "rates",
        "facts",
        "seconds",
    ]
    assert summary["kind"] == "bubble_dose" and summary["scenario"]["tasks"] == [*LOGGED, ANY]
    assert list(summary["estimates"]) == [*ESTIMATORS, WORLD] and list(summary["biases"]) == [*ESTIMATORS]
    assert list(summary["rates"]) == ["randomised_seen", "randomised_true", "others_seen", "others_true"]
    facts = summary["facts"]
    assert sum(facts["available"].values()) == pytest.approx(facts["impressions"]) == 400 * 5
    assert 0 < facts["randomised"] < facts["bubbles"] < facts["impressions"]
    assert {path.name for path in folder.glob("*.parquet")} == {"slopes.parquet", "curves.parquet", "cells.parquet"}


def test_the_worlds_own_slope_is_positive_and_known_in_every_world(folder, summary):
    table = pl.read_parquet(folder / "slopes.parquet").filter(pl.col("estimator") == WORLD)
    assert table["slope"].null_count() == 0 and (table["slope"] > 0).all()
    told = summary["estimates"][WORLD][ANY]
    assert told["value"] == pytest.approx(table.filter(pl.col("task") == ANY)["slope"].mean()) and told["n"] == 2


def test_a_second_run_finds_everything_finished_and_the_same(folder, scenario):
    root = folder.parents[1]
    made = {path: path.stat().st_mtime_ns for path in (root / "data").glob("*/*/manifest.json")}
    again = harness.run(scenario, Executor(workers=1), data=root / "data", reports=root / "again")
    assert {path: path.stat().st_mtime_ns for path in (root / "data").glob("*/*/manifest.json")} == made
    for name in ("slopes", "curves", "cells"):
        assert pl.read_parquet(again / f"{name}.parquet").equals(pl.read_parquet(folder / f"{name}.parquet"))


def number(value: float | None, low: float | None = None, high: float | None = None) -> dict:
    return {"value": value, "low": low, "high": high, "n": 5}


def test_the_verdict_says_what_the_intervals_say():
    by = {
        "causal": (number(0.14, 0.1, 0.18), number(0.01, -0.03, 0.05)),
        "observational": (number(0.23, 0.2, 0.26), number(0.1, 0.07, 0.13)),
        "shown_only": (number(0.08, 0.06, 0.1), number(-0.05, -0.07, -0.03)),
        "adjusted": (number(None), number(None)),
        "world": (number(0.13, 0.12, 0.14), None),
    }
    estimates = {name: dict.fromkeys(TASKS, slope) for name, (slope, _) in by.items()}
    biases = {name: dict.fromkeys(TASKS, bias) for name, (_, bias) in by.items() if bias}
    told = verdict(estimates, biases)
    assert told["sentence"] == (
        "In truth one more friend shown moves the log odds of any engagement by +0.130; `causal` (+0.140, +0.100 to "
        "+0.180) holds it and `observational` (+0.230, +0.200 to +0.260) lies above it."
    )
    assert told["sentences"][1] == (
        "Of `like` the world's own slope is +0.130, +0.120 to +0.140: `causal` (+0.140, +0.100 to +0.180) holds it, "
        "`observational` (+0.230, +0.200 to +0.260) lies above it, `shown_only` (+0.080, +0.060 to +0.100) lies below "
        "it, `adjusted` saw too little happen."
    )
    assert told["outcomes"]["shown_only"] == dict.fromkeys(TASKS, "below")


def test_one_seed_decides_nothing_and_no_lot_tells_nothing():
    assert outcome(number(0.5)) == "undecided" and outcome(number(None)) == "unknown"
    nothing = {name: dict.fromkeys(TASKS, number(None)) for name in (*ESTIMATORS, WORLD)}
    assert verdict(nothing, nothing)["sentence"] == (
        "No lot fell on a bubble, so nothing is known of what showing a friend does."
    )


# The file


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    shutil.copytree(PROJECT / "scenarios", tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_a_preset_a_patch_and_an_assignment_reach_the_base():
    plain, small = load("bubble_dose"), load("bubble_dose", preset="smoke", assignments=["share=0.4"])
    assert isinstance(plain, DoseSpec) and plain.base.traffic.requests == 100_000
    assert (small.share, small.seeds, small.base.traffic.requests) == (0.4, 2, 800)
    assert small.origin.name == "reels" and small.origin.changes["traffic"]["requests"] == 800


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("share=0.0", "share: should be greater than 0. Found 0.0."),
        ("share=1.0", "share: should be less than 1. Found 1.0."),
        ("shares=0.5", "shares: `shares` is not a known key. Did you mean `share`?"),
        ("base=reel", "scenarios/base: `reel` is not a base in scenarios/base. Did you mean `reels`?"),
        ("base.traffic.request=5", "base.traffic.request: `request` is not a known key. Did you mean `requests`?"),
        ("name=other", "name: should be `bubble_dose`, as its file is called. Found `other`."),
    ],
)
def test_every_mistake_is_told_with_its_path(assignment, told):
    with pytest.raises(SpecError) as caught:
        load("bubble_dose", assignments=[assignment])
    assert caught.value.problems[-1].endswith(told.removeprefix("scenarios/base: "))


# The page


def test_the_page_says_the_verdict_and_shows_every_figure(folder, summary):
    text = page.build(folder).read_text()
    tree = Tree(text)
    for figure in page.FIGURES:
        assert f'id="{figure.name}"' in text and (folder / "figures" / f"{figure.name}.csv").is_file()
    assert tree.tags.count("svg") == len(page.FIGURES)
    assert summary["verdict"]["sentence"].replace("`", "") in tree.text
    assert "of them left to a lot" in tree.text and "traffic.requests" in tree.text
    assert page.build(folder).read_text() == text


def test_a_slope_that_nobody_knows_is_told_as_such(folder):
    summary = json.loads((folder / "results.json").read_text())
    summary["estimates"]["causal"]["share"] = number(None)
    seen = Seen(summary)
    slopes_, _, rates_ = seen.tables()
    cells_ = dict(slopes_.rows)["share"]
    assert cells_[slopes_.header.index("causal")].text == "n/a"
    assert len(rates_.rows) == len(TASKS) * 4


def test_the_command_line_runs_it_and_builds_its_page_again(project):
    smaller = [part for one in [*SMALL, "base.traffic.requests=60"] for part in ("--set", one)]
    done = CliRunner().invoke(app, ["run", "bubble_dose", "--seeds", "1", "--workers", "1", *smaller])
    assert done.exit_code == 0, done.output
    built = project / "reports/bubble_dose/index.html"
    built.unlink()
    assert CliRunner().invoke(app, ["report", "bubble_dose"]).exit_code == 0 and built.is_file()
