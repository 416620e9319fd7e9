"""Losses on lists: what each asks of a student, and when it asks nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from funnel.training.distillation import list_loss, listwise, pairwise, pointwise, pselect, selected
from funnel.training.lessons import soft, spread
from funnel.training.lists import Lists
from funnel.training.repair_spec import ListwiseSpec, PairwiseSpec, PointwiseSpec, PSelectSpec

KINDS = [PointwiseSpec(), ListwiseSpec(), PairwiseSpec(), PSelectSpec()]
FILLED = torch.tensor([[True, True, True, True], [True, True, False, False]])
TEACHER = torch.tensor([[2.0, -1.0, 0.5, 0.0], [-0.5, 1.0, 9.0, 9.0]])
STUDENT = torch.tensor([[0.3, 0.1, -0.2, 0.4], [1.0, 0.0, 7.0, -7.0]])


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_what_stands_at_empty_places_has_no_effect(spec):
    loss = list_loss(spec)
    before = loss(STUDENT, TEACHER, FILLED)
    other = torch.where(FILLED, 0.0, 5.0)
    assert_close(loss(STUDENT + other, TEACHER - other, FILLED), before, rtol=0, atol=0)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_a_step_down_the_loss_brings_the_orders_nearer(spec):
    student = STUDENT.clone().requires_grad_()
    list_loss(spec)(student, TEACHER, FILLED).backward()
    assert student.grad is not None
    # The student has the best of the first list second and the pair of the second list the wrong way round.
    assert student.grad[1, 0] > 0 > student.grad[1, 1]
    assert (student.grad[~FILLED] == 0).all()


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_the_order_of_the_candidates_of_a_list_does_not_matter(spec):
    turned = torch.tensor([2, 0, 3, 1])
    loss = list_loss(spec)
    parts = (STUDENT[:, turned], TEACHER[:, turned], FILLED[:, turned])
    assert_close(loss(*parts), loss(STUDENT, TEACHER, FILLED))


def test_the_losses_of_a_tiny_list():
    """Two candidates, worked out by hand: scores 1 and 0 by the student, 0 and 2 by the teacher."""
    student, teacher, filled = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.ones(1, 2).bool()
    assert pointwise(student, teacher, filled).item() == pytest.approx((1 + 4) / 2)
    assert pairwise(student, teacher, filled).item() == pytest.approx(np.log(1 + np.e))
    assert pselect(student, teacher, filled, 0.5).item() == pytest.approx((np.log(1 + np.e) + np.log(2)) / 2)
    t, s = 1 / (1 + np.exp(2)), 1 / (1 + np.exp(-1))
    expected = t * np.log(t / s) + (1 - t) * np.log((1 - t) / (1 - s))
    assert listwise(student, teacher, filled, 1.0).item() == pytest.approx(expected)


def test_listwise_is_zero_where_both_say_the_same_up_to_a_constant():
    assert listwise(TEACHER + torch.tensor([[3.0], [-2.0]]), TEACHER, FILLED, 0.5).item() == pytest.approx(0, abs=1e-6)
    assert listwise(STUDENT, TEACHER, FILLED, 0.5).item() > 0.1


def test_pairs_are_those_that_the_teacher_tells_apart():
    tied = torch.tensor([[1.0, 1.0, 0.0]])
    student = torch.tensor([[5.0, -5.0, 0.0]])
    found = pairwise(student, tied, torch.ones(1, 3).bool()).item()
    assert found == pytest.approx((np.log(1 + np.exp(-5)) + np.log(1 + np.exp(5))) / 2)
    assert pairwise(student, torch.zeros(1, 3), torch.ones(1, 3).bool()).item() == 0
    # A list in which nothing is told apart does not thin out the others.
    two = torch.cat([tied, torch.zeros(1, 3)]), torch.cat([student, student])
    assert pairwise(two[1], two[0], torch.ones(2, 3).bool()).item() == pytest.approx(found)


@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 100),
    levels=st.integers(1, 5),
)
def test_the_teacher_selects_its_share_of_every_list(counts, share, seed, levels):
    draws = np.random.Generator(np.random.PCG64(seed))
    filled = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    teacher = torch.from_numpy(draws.integers(0, levels, tuple(filled.shape)).astype(np.float32))
    chosen = selected(teacher, filled, share)
    assert chosen.sum(1).tolist() == [np.ceil(np.float32(share) * count) for count in counts]
    assert not chosen[~filled].any()
    for row in range(len(counts)):
        inside, outside = teacher[row][chosen[row] == 1], teacher[row][(chosen[row] == 0) & filled[row]]
        assert not len(outside) or inside.min() >= outside.max()


def test_soft_labels_ask_nothing_where_the_student_says_the_same():
    logits = torch.tensor([[0.5, -1.0], [2.0, 0.0]], requires_grad=True)
    probability = torch.sigmoid(logits.detach())
    probability[1, 1] = torch.nan
    loss = soft(logits, probability)
    loss.backward()
    assert_close(logits.grad, torch.zeros(2, 2), rtol=0, atol=1e-7)
    entropy = -(probability * probability.log() + (1 - probability) * (1 - probability).log())
    assert loss.item() == pytest.approx(entropy.nanmean(0).sum().item())


def test_lists_hold_every_row_of_the_requests_that_count_once():
    request = np.array([3, 3, 3, 5, 8, 8])
    lists = Lists(request, among=request != 5)
    assert lists.place.tolist() == [[0, 1, 2], [4, 5, -1]]
    assert Lists(request, np.ones(6, bool)).place.tolist() == [[0, 1, 2], [3, -1, -1], [4, 5, -1]]


def test_fewer_lists_than_steps_leave_batches_empty():
    turns = Lists(np.repeat(np.arange(3), 2), np.ones(6, bool)).turns(5, seed=0, device="cpu")
    epoch = [next(turns) for _ in range(5)]
    assert [tuple(place.shape) for place in epoch] == [(1, 2)] * 3 + [(0, 2)] * 2


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_no_list_asks_nothing(spec):
    student = torch.zeros(0, 2, requires_grad=True)
    loss = list_loss(spec)(student, torch.zeros(0, 2), torch.zeros(0, 2).bool())
    loss.backward()
    assert loss.item() == 0


def test_every_list_comes_once_an_epoch():
    request = np.repeat(np.arange(7), 2)
    lists = Lists(request, np.ones(14, bool))
    turns, again = (lists.turns(3, seed=0, device="cpu") for _ in range(2))
    epochs = [torch.cat([next(turns) for _ in range(3)])[:, 0].tolist() for _ in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(0, 14, 2))] * 2
    assert epochs[0] != epochs[1]
    assert torch.cat([next(again) for _ in range(3)])[:, 0].tolist() == epochs[0]


def test_values_are_spread_over_the_filled_places():
    assert spread(torch.arange(1.0, 7.0), FILLED).tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]
