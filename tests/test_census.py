"""The census benchmark: what its rows hold, who is tested on, and what its table says."""

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks import census, persons
from benchmarks.persons import COLUMNS, FILE, FOLDER, NUMBERS
from funnel.errors import DataError
from funnel.models.spec import MMoESpec, SharedBottomSpec
from funnel.scenario.executors import Executor
from funnel.training.spec import TrainSpec

HERE = Path(__file__).parents[1] / FOLDER
needs_data = pytest.mark.skipif(not (HERE / FILE).is_file(), reason=f"needs the census data in {FOLDER}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A made-up file in the format of the true one: older people earn more and are married."""
    path = tmp_path_factory.mktemp("census")
    generator = np.random.default_rng(0)
    lines = []
    for _ in range(1_000):
        age = int(generator.integers(18, 80))
        old = age + generator.normal(0, 10) > 50
        row = {name: f"{name} {generator.integers(3)}" for name in COLUMNS}
        row |= {name: str(generator.integers(0, 5)) for name in NUMBERS} | {"age": str(age)}
        row |= {
            "instance_weight": "1700.09",
            "marital_stat": "Married-civilian spouse present" if old else "Never married",
            "income_50k": "50000+." if old else "- 50000.",
        }
        lines.append(", ".join(row[name] for name in COLUMNS))
    (path / FILE).write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_the_labels_and_what_tells_them_are_no_inputs(folder):
    rows = persons.read(folder)
    asked = len(COLUMNS) - len(persons.LEFT_OUT) - len(NUMBERS)
    assert asked == 31
    assert rows.x.shape == (1_000, len(NUMBERS) + 3 * asked)
    assert rows.x.dtype == rows.labels.dtype == np.float32
    assert (rows.x[:, len(NUMBERS) :].sum(1) == asked).all()
    assert (rows.labels.sum(1) == 1).all()  # in this file whoever does not earn has never married


def test_categories_keep_their_scale_and_numbers_do_not(folder):
    rows = persons.read(folder)
    scaled = persons.scaling(rows).apply(rows.x)
    assert scaled[:, : len(NUMBERS)].std(0) == pytest.approx(np.ones(len(NUMBERS)), abs=1e-3)
    assert (scaled[:, len(NUMBERS) :] == rows.x[:, len(NUMBERS) :]).all()


def test_a_fifth_is_tested_on_whatever_the_seed(folder):
    chosen = persons.tested(persons.read(folder))
    assert chosen.mean() == pytest.approx(0.2, abs=0.05)
    assert (chosen == persons.tested(persons.read(folder))).all()


def test_every_model_is_scored_under_every_seed(folder, monkeypatch):
    models = {"shared_bottom": SharedBottomSpec(bottom=(8,)), "mmoe": MMoESpec(experts=2, expert=(4,), tower=())}
    monkeypatch.setattr(census, "MODELS", models)
    train = TrainSpec(epochs=6, batch=64, rate=1e-2, held_out=0.25, patience=2)
    scores = census.measure(folder, 2, train, Executor(workers=1))
    assert [(score.model, score.seed) for score in scores] == [(model, seed) for model in models for seed in (0, 1)]
    assert all(0.6 < auc < 1 for score in scores for auc in score.auc)
    assert scores == census.measure(folder, 2, train, Executor(workers=1))


def test_the_models_are_of_about_one_size():
    from funnel.models.catalogue import build

    sizes = [build(model, {"content": 485}, census.LENT, 0).size for model in census.MODELS.values()]
    assert max(sizes) / min(sizes) < 1.12


def test_the_table_has_means_and_deviations():
    scores = [census.Score("mmoe", seed, (0.9 + seed / 100, 0.99), 1234, 3 + seed) for seed in range(2)]
    assert census.table(scores).splitlines() == [
        "| model | parameters | AUC income | AUC never_married | best epoch | seeds |",
        "| --- | --- | --- | --- | --- | --- |",
        "| mmoe | 1,234 | 0.9050 ± 0.0071 | 0.9900 ± 0.0000 | 3.5 | 2 |",
    ]
    assert "2026-01-02" in census.page(scores, date(2026, 1, 2))


def test_absent_data_is_told(tmp_path):
    with pytest.raises(DataError) as caught:
        persons.read(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / FILE}: should be the census data. Found none. Say where: python -m benchmarks.census FOLDER"
    )


@needs_data
def test_the_true_file_has_its_counts():
    rows = persons.read(HERE)
    assert len(rows) == 99_762
    assert rows.labels.sum(0).tolist() == [6_186, 43_143]
    assert abs(np.corrcoef(rows.labels.T)[0, 1]) == pytest.approx(0.1787, abs=5e-4)
