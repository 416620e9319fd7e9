"""What task kinds mean for logits: losses, predictions, and the chained loss over the entire space."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from funnel.tasks import TASK, Task
from funnel.training.chains import Chains
from funnel.training.heads import Heads

GRADED = Task(name="share", kind="graded", channel="watch", grades=(0.1, 0.3, 0.6, 1.0))


def heads(*tasks: Task | str, parents: tuple[int, ...] | None = None, kept: list[float] | None = None) -> Heads:
    named = [TASK[task] if isinstance(task, str) else task for task in tasks]
    return Heads(named, parents or (-1,) * len(tasks), kept)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


# Binary and regression


def test_losses_are_means_over_labelled_rows():
    logits = torch.tensor([[0.0, 2.0], [1.0, 5.0], [-1.0, 0.0]])
    labels = torch.tensor([[1.0, 1.0], [torch.nan, 2.0], [0.0, torch.nan]])
    losses = heads("like", "watch_seconds")(logits, labels)
    entropy = (np.log(2) + np.log1p(np.exp(-1))) / 2
    torch.testing.assert_close(losses, torch.tensor([entropy, (1 + 9) / 2], dtype=torch.float32))


@pytest.mark.parametrize("task", ["like", "watch_seconds", GRADED], ids=str)
def test_a_task_without_a_label_in_the_batch_gives_zero_and_no_gradient(task):
    logits = torch.tensor([[3.0, 0.5], [-2.0, 0.1]], requires_grad=True)
    labels = torch.tensor([[torch.nan, 1.0], [torch.nan, 0.0]])
    losses = heads(task, "share")(logits, labels)
    losses.sum().backward()
    assert losses[0] == 0
    assert not logits.grad[:, 0].any()
    assert logits.grad[:, 1].all()


def test_a_regression_task_is_fitted_in_deviations_and_told_in_its_unit():
    made, labels = heads("watch_seconds"), column(10, 30, np.nan, 50)
    assert made.start(labels).tolist() == [0]
    targets = made.targets(labels)
    assert targets.nanmean().item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(made.expected(0, targets[:, 0].clone()).numpy(), labels[:, 0], equal_nan=True)


def test_training_starts_from_the_rates_of_the_labels():
    made = heads("like", "share")
    constants = made.start(np.array([[1, 0], [0, np.nan], [0, 0]], np.float32))
    torch.testing.assert_close(torch.sigmoid(constants), torch.tensor([2 / 5, 1 / 4]))


# Graded


def grade_probabilities(made: Heads, logits: Tensor) -> Tensor:
    """(n, grades + 1): exp(-loss) of every grade."""
    grades = len(GRADED.grades) + 1
    asked = torch.arange(grades, dtype=torch.float32).repeat_interleave(len(logits))[:, None]
    told = made.own(logits.repeat(grades)[:, None], asked)
    return torch.exp(-told).view(grades, -1).T


def uneven() -> Heads:
    made = heads(GRADED)
    with torch.no_grad():
        made.thresholds_of(0)[0].copy_(torch.tensor([-1.0, 0.5, 2.0]))
    return made


def test_the_probabilities_of_all_grades_sum_to_one():
    told = grade_probabilities(uneven(), torch.tensor([-3.0, 0.0, 2.5]))
    assert (told > 0).all()
    torch.testing.assert_close(told.sum(1), torch.ones(3))


def test_the_expected_grade_is_that_of_the_probabilities():
    logits = torch.tensor([-3.0, 0.0, 2.5])
    told = grade_probabilities(uneven(), logits)
    torch.testing.assert_close(uneven().expected(0, logits), told @ torch.arange(5.0))


def test_a_grade_is_the_difference_of_two_cumulative_probabilities():
    made, logit = uneven(), torch.tensor([0.7])
    thresholds = torch.cat([torch.zeros(1), torch.nn.functional.softplus(torch.tensor([-1.0, 0.5, 2.0])).cumsum(0)])
    reached = torch.cat([torch.ones(1), torch.sigmoid(logit - thresholds), torch.zeros(1)])
    torch.testing.assert_close(grade_probabilities(made, logit)[0], reached[:-1] - reached[1:])


def test_the_graded_loss_is_finite_at_any_logit_and_teaches_the_thresholds():
    made = heads(GRADED)
    losses = made.own(torch.tensor([[200.0], [-200.0], [200.0]]), torch.tensor([[0.0], [4.0], [2.0]]))
    assert losses.isfinite().all()
    losses.sum().backward()
    assert made.thresholds_of(0)[0].grad.isfinite().all()
    assert made.thresholds_of(0)[0].grad.any()


def test_one_grade_is_a_binary_task():
    single = Task(name="share", kind="graded", channel="watch", grades=(0.5,))
    logits, labels = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.0], [0.0]])
    torch.testing.assert_close(heads(single)(logits, labels), heads("like")(logits, labels))


def test_graded_training_starts_from_the_rate_of_every_grade():
    labels = column(*[0] * 400, *[1] * 200, *[2] * 200, *[3] * 150, *[4] * 50, np.nan)
    made = heads(GRADED)
    told = grade_probabilities(made, made.start(labels))
    torch.testing.assert_close(told[0], torch.tensor([0.4, 0.2, 0.2, 0.15, 0.05]), atol=2e-3, rtol=0)


# Chains

NESTED = (-1, 0, 1, -1)
"""three tasks in a chain, and one that stands alone"""


def test_the_joint_label_is_whether_the_whole_chain_happened():
    nan = torch.nan
    labels = torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 1], [1, 0, nan, nan], [0, nan, nan, 1], [nan, nan, nan, 0]])
    expected = [[1.0, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, nan], [0, 0, 0, 1], [nan, nan, nan, 0]]
    torch.testing.assert_close(Chains(NESTED).joint(labels), torch.tensor(expected), equal_nan=True)


def test_a_parent_may_stand_after_its_child():
    logits = torch.tensor([[0.3, -0.8]])
    forward, backward = Chains((-1, 0)), Chains((1, -1))
    ones = torch.ones(1, 1)
    torch.testing.assert_close(forward.losses(logits, ones), backward.losses(logits.flip(1), ones))


def test_the_chained_loss_is_the_entropy_of_the_product():
    logits = torch.tensor([[0.3, -0.8, 1.1, 0.2], [-1.5, 2.0, 0.1, -0.4]])
    labels = torch.tensor([[1.0, 1, 1, 0], [1, 0, 0, 1]])
    product = torch.sigmoid(logits).double()[:, :3].cumprod(1)
    expected = -(labels[:, 1:3] * product[:, 1:].log() + (1 - labels[:, 1:3]) * (1 - product[:, 1:]).log()).mean(0)
    losses = heads("bubble", "click", "like", "share", parents=NESTED)(logits, labels)
    torch.testing.assert_close(losses[1:3], expected.float())
    plain = binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(0)
    torch.testing.assert_close(losses[[0, 3]], plain[[0, 3]])


def test_the_product_never_exceeds_its_parent():
    logits = torch.linspace(-5, 5, 36).view(12, 3)[:, [2, 0, 1]]
    happened = -Chains((-1, 0, 1)).losses(logits, torch.ones(12, 2))
    parent = torch.nn.functional.logsigmoid(logits[:, 0])
    assert (happened[:, 1] <= happened[:, 0]).all()
    assert (happened[:, 0] <= parent).all()


@pytest.mark.parametrize("level", [30.0, 100.0, 1e4])
def test_the_chained_loss_is_stable_at_great_logits(level):
    logits = torch.tensor([[level, level, -level], [-level, level, level], [level, level, level]], requires_grad=True)
    losses = Chains((-1, 0, 1)).losses(logits, torch.tensor([[1.0, 1], [1, 1], [0, 0]]))
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad.isfinite().all()
    # All of it was expected and the last step did not happen: the price is about the logit.
    assert losses[2, 0].item() == pytest.approx(level, rel=0.05)


def test_the_gradient_reaches_the_child_from_rows_where_the_parent_did_not_happen():
    made = heads("click", "conversion", parents=(-1, 0))
    logits = torch.tensor([[0.2, 0.4]], requires_grad=True)
    joint = made.joint(torch.tensor([[0.0, torch.nan]]))
    made(logits, joint).sum().backward()
    assert logits.grad[0, 1] > 0


def test_reported_losses_are_of_the_tasks_own_labels_in_every_model():
    logits, labels = torch.tensor([[0.2, 0.4], [1.0, -1.0]]), torch.tensor([[1.0, 1.0], [0.0, torch.nan]])
    chained = heads("click", "conversion", parents=(-1, 0)).own(logits, labels)
    alone = heads("click", "conversion").own(logits, labels)
    torch.testing.assert_close(chained, alone, equal_nan=True)
    assert chained.isnan().tolist() == [[False, False], [False, True]]


# Sampling


def test_a_sampled_task_reads_its_logit_on_the_scale_of_what_it_sees():
    """With a tenth of the negatives the odds are ten times as high."""
    made = heads("like", "share", kept=[0.1, 1.0])
    logits, labels = torch.tensor([[-2.0, -2.0]]), torch.tensor([[1.0, 1.0]])
    losses = made(logits, labels)
    odds = np.exp(-2.0) * 10
    assert losses[0].item() == pytest.approx(-np.log(odds / (1 + odds)), rel=1e-5)
    assert losses[1].item() == pytest.approx(np.log1p(np.exp(2.0)), rel=1e-5)
    assert made.own(logits, labels)[0, 0].item() == pytest.approx(np.log1p(np.exp(2.0)), rel=1e-5)
