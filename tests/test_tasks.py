"""The catalogue of tasks: conditions form chains of binary tasks, and the formula counts a task by its chain."""

import numpy as np
import pytest

from funnel.errors import SpecError
from funnel.formula import evaluate
from funnel.tasks import TASKS, Formula, Task, chain, check_catalogue, parents


def test_a_chain_starts_at_its_root_and_ends_at_the_task():
    assert chain("like") == ("like",)
    assert chain("conversion") == ("click", "conversion")
    assert chain("bubble_engage") == ("bubble", "bubble_engage")


def test_parents_are_places_among_the_tasks_at_hand():
    assert parents(("like", "conversion", "click", "bubble_tap")) == (-1, 2, -1, -1)
    assert parents(("bubble_tap", "bubble")) == (1, -1)
    assert parents(()) == ()


def test_every_graded_task_has_rising_thresholds_and_no_other_has_any():
    for task in TASKS:
        assert bool(task.grades) == (task.kind == "graded") and list(task.grades) == sorted(set(task.grades))


def test_a_catalogue_whose_conditions_lead_nowhere_is_told():
    tasks = (
        Task(name="click"),
        Task(name="purchase", given="clik"),
        Task(name="seconds", kind="regression"),
        Task(name="rewatch", given="seconds"),
        Task(name="a", given="b"),
        Task(name="b", given="a"),
        Task(name="c", given="b"),
        Task(name="self", given="self"),
    )
    with pytest.raises(SpecError) as error:
        check_catalogue(tasks)
    assert error.value.problems == (
        "Task `purchase` names a parent that is none: `clik` is not a task. Did you mean `click`?",
        "Task `rewatch`: its parent should be a binary task. Found `seconds`, a regression task.",
        "Task `a`: should not be its own condition. Found `a` given `b` given `a`. Take out one `given`.",
        "Task `b`: should not be its own condition. Found `b` given `a` given `b`. Take out one `given`.",
        "Task `self`: should not be its own condition. Found `self` given `self`. Take out one `given`.",
    )


MEANS = {
    "long_view": np.array([0.2, 0.4], np.float32),
    "click": np.array([0.5, 0.1], np.float32),
    "conversion": np.array([0.4, 0.8], np.float32),
    "bubble_tap": np.array([0.3, 0.6], np.float32),
    "hide": np.array([0.01, 0.02], np.float32),
}


def test_a_conditional_task_counts_by_the_probability_of_its_chain():
    found = evaluate(Formula(formula={"long_view": 1.0, "conversion": 10.0, "hide": -2.0}), MEANS, None)
    assert found == pytest.approx([0.2 + 10 * 0.2 - 0.02, 0.4 + 10 * 0.08 - 0.04])
    powers = Formula(formula={"click": 0.5, "conversion": 2.0, "hide": -1.0}, combine="product")
    assert evaluate(powers, MEANS, None) == pytest.approx([0.5**0.5 * 0.2**2 / 0.01, 0.1**0.5 * 0.08**2 / 0.02])


def test_a_bubble_is_seen_or_predicted_or_taken_for_granted():
    tap, seen = Formula(formula={"bubble_tap": 2.0}), np.array([True, False])
    predicted = MEANS | {"bubble": np.array([0.1, 0.9], np.float32)}
    assert evaluate(tap, MEANS, seen) == pytest.approx([0.6, 0.0])
    assert evaluate(tap, predicted, seen) == pytest.approx([0.6, 0.0])
    assert evaluate(tap, predicted, None) == pytest.approx([0.06, 1.08])
    assert evaluate(tap, MEANS, None) == pytest.approx([0.6, 1.2])
    powers = Formula(formula={"bubble_tap": 2.0}, combine="product")
    assert evaluate(powers, MEANS, seen) == pytest.approx([0.09, 1.0])


@pytest.mark.parametrize(
    ("task", "kind"), [("watch_seconds", "regression"), ("watch_grade", "graded")], ids=["regression", "graded"]
)
def test_a_product_takes_binary_tasks_only(task, kind):
    with pytest.raises(SpecError) as error:
        Formula.parse({"formula": {"like": 1.0, task: 0.5}, "combine": "product"}, "base.value")
    assert str(error.value) == (
        f"base.value: formula: a product should weigh binary tasks. Found `{task}`, a {kind} task. Take it out, or say "
        '`combine = "sum"`.'
    )
