"""The search over made-up funnels: what it does where a measure has no value, and where nothing can be made."""

from pathlib import Path

import pytest

from funnel.calibrate.file import load
from funnel.calibrate.measure import Found, Task
from funnel.calibrate.search import Search
from funnel.errors import SpecError

TARGETS = """
name = "ours"
base = "reels"
trials = 9
[targets]
label.late.like = { value = 0.02, tolerance = 0.001 }
share.early.friend = { value = 0.1, tolerance = 0.01 }
[knobs]
"""
KNOBS = """
world.history = { low = 2, high = 64, log = true }
world.engagement.taste = { low = 0.3, high = 4.0 }
"""
FOUND: Found = {"label.late.like": 0.05, "share.early.friend": 0.05}


def search(folder: Path, measure, knobs: str = KNOBS) -> Search:
    path = folder / "ours.toml"
    path.write_text(TARGETS + knobs)
    return Search(load(path), lambda tasks: [measure(task) for task in tasks], lambda line: None)


def problems(folder: Path, measure) -> list[str]:
    with pytest.raises(SpecError) as error:
        search(folder, measure).run()
    return str(error.value).splitlines()


def test_a_start_without_a_value_of_a_target_is_refused_before_the_search(tmp_path):
    asked = []

    def measure(task: Task) -> Found:
        asked.append(task)
        return FOUND | ({"share.early.friend": None} if task.passing else {})

    assert problems(tmp_path, measure) == [
        "targets.share.early.friend: should have a value at the size of a trial. Found none: it is a mean over rows of "
        "which the base has none there. Raise `evaluation.requests`, or leave it out."
    ]
    assert [task.passing for task in asked] == [True, False, False]


@pytest.mark.parametrize("passing", [True, False])
def test_a_start_that_cannot_be_measured_is_refused_with_the_reason(tmp_path, passing):
    fault = "base, seed 0: should train. Found a loss of nan."
    expected = [f"base: should be a funnel that can be measured. Found: {fault}"]
    assert problems(tmp_path, lambda task: fault if task.passing == passing else FOUND) == expected


def test_settings_that_cannot_be_made_are_left_out(tmp_path):
    def measure(task: Task) -> Found | str:
        return FOUND if task.funnel.world.engagement.taste <= 1 else "no"  # that of the base is 1

    found = search(tmp_path, measure)
    assert found.trials[found.run().trial].knobs["world.engagement.taste"] <= 1
    assert len(found.trials) == 9
    assert all((trial.why == "no") == (trial.knobs["world.engagement.taste"] > 1) for trial in found.trials)


def test_the_best_is_measured_in_worlds_that_the_search_has_not_seen(tmp_path):
    asked: list[tuple[int, bool]] = []

    def measure(task: Task) -> Found:
        asked.append((task.seed, task.passing))
        return {**FOUND, "label.late.like": 0.05 + task.seed / 100}

    found = search(tmp_path, measure)
    best = found.run()
    seen = set(asked)
    assert found.elsewhere(best)["label.late.like"] == pytest.approx(0.075)  # worlds 2 and 3
    assert set(asked[-2:]) == {(2, False), (3, False)} and not seen & set(asked[-2:])


def test_ranges_of_what_is_whole_are_whole(tmp_path):
    found = search(tmp_path, lambda task: FOUND, "world.history = { low = 2.5, high = 9.6 }")
    found.run()
    assert {trial.knobs["world.history"] for trial in found.trials} <= set(range(3, 10))
    with pytest.raises(SpecError) as error:
        search(tmp_path, lambda task: FOUND, "world.history = { low = 2.5, high = 2.9 }")
    assert str(error.value) == "knobs.world.history: should hold two whole numbers at least. Found 2.5 to 2.9."
