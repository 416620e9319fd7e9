"""Task gradients, cut at the towers, against a full backward pass a task; over the whole catalogue of models."""

import pytest
import torch
from torch import Tensor

from funnel.balancing.base import Surgeon
from funnel.balancing.gradnorm import GradNorm
from funnel.models.blocks import MultiTaskModel
from funnel.models.catalogue import build
from funnel.models.spec import ESMMSpec, MMoESpec, PLESpec, SharedBottomSpec, SingleTaskSpec, TowerTreeSpec
from funnel.tasks import TASK
from funnel.training.gradients import Cut, flat, task_gradients
from funnel.training.groups import Groups
from funnel.training.heads import Heads
from funnel.training.record import Recorder
from funnel.training.update import Balanced, Normed, Operated

TASKS = ("click", "watch_seconds", "conversion", "watch_grade")
COLUMNS = {"surface": 2, "content": 3, "age": 1}
SHARING = (
    SharedBottomSpec(bottom=(6,)),
    SharedBottomSpec(bottom=(6, 5), tower=(4,)),
    ESMMSpec(bottom=(6, 5), tower=(4,)),
    MMoESpec(experts=3, expert=(6,), tower=()),
    MMoESpec(experts=2, expert=(6, 5), tower=(4,)),
    PLESpec(layers=1, shared=2, private=1, expert=(6,), tower=(4,)),
    PLESpec(layers=3, shared=1, private=2, expert=(6, 5), tower=(4,)),
    TowerTreeSpec(
        surfaces=("home", "search"), shared=2, expert=(6, 5), trunk=(7,), tower=(4,), fusion={"home": ("age",)}
    ),
    TowerTreeSpec(surfaces=("home", "search"), shared=0, private=2, expert=(6,), tower=()),
)
ALONE = (SingleTaskSpec(trunk=(6, 5), tower=(4,)), PLESpec(layers=2, shared=0, private=1, expert=(6,)))
every_sharing = pytest.mark.parametrize("spec", SHARING, ids=lambda spec: spec.kind)


def made(spec) -> tuple[MultiTaskModel, Heads, Tensor, Tensor]:
    model = build(spec, COLUMNS, TASKS, seed=0)
    heads = Heads([TASK[task] for task in TASKS], model.parents)
    draws = torch.Generator().manual_seed(0)
    x, uniforms = torch.randn(40, 6, generator=draws), torch.rand(40, 4, generator=draws)
    click = (uniforms[:, 0] < 0.5).float()
    converted = torch.where(click == 1, (uniforms[:, 2] < 0.5).float(), torch.nan)
    labels = torch.stack([click, uniforms[:, 1] * 3, converted, (uniforms[:, 3] * 4).floor()], 1)
    return model, heads, x, heads.joint(labels)


@every_sharing
def test_task_gradients_are_those_of_a_full_pass_a_task(spec):
    model, heads, x, joint = made(spec)
    cut = Cut(model, heads)
    losses = cut.losses(x, joint)
    plain = heads(model(x), joint)
    torch.testing.assert_close(losses, plain)
    expected = task_gradients(plain, model.shared_parameters())
    torch.testing.assert_close(cut.task_gradients(losses), expected, rtol=1e-4, atol=1e-6)
    assert expected.any(1).all()


class Sum(Surgeon):
    def weights(self, gradients: Tensor, present: Tensor) -> Tensor:
        return torch.ones(len(gradients))


def update(kind: type[Balanced], spec, recorder: Recorder | None = None, **balancer) -> Balanced:
    model, heads, x, joint = made(spec)
    groups = Groups(model, heads, [], {})
    return kind(model=model, heads=heads, groups=groups, x=x, joint=joint, recorder=recorder, **balancer)


@pytest.mark.parametrize("spec", ALONE, ids=lambda spec: spec.kind)
def test_there_is_no_gradient_where_nothing_is_shared(spec):
    model, heads, x, joint = made(spec)
    cut = Cut(model, heads)
    assert cut.task_gradients(cut.losses(x, joint)).shape == (4, 0)


@every_sharing
def test_a_surgeon_that_sums_is_plain_descent(spec):
    operated = update(Operated, spec, surgeon=Sum())
    operated.backward(operated.losses(torch.arange(40)))
    model, heads, x, joint = made(spec)
    heads(model(x), joint).sum().backward()
    pairs = zip(
        (*operated.model.parameters(), *operated.heads.parameters()),
        (*model.parameters(), *heads.parameters()),
        strict=True,
    )
    for found, expected in pairs:
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6)


@every_sharing
def test_gradnorm_descends_the_weighted_sum_and_is_told_the_norms(spec):
    told = []

    class Spy(GradNorm):
        def learn(self, losses, norms):
            told.append(norms)

    weigher = Spy(4, alpha=1.5, rate=0.1)
    weigher.weights.copy_(torch.tensor([0.5, 2.0, 0.7, 0.8]))
    normed = update(Normed, spec, weigher=weigher)
    normed.backward(normed.losses(torch.arange(40)))
    model, heads, x, joint = made(spec)
    losses = heads(model(x), joint)
    torch.testing.assert_close(told[0], task_gradients(losses, model.last_shared()).norm(dim=1), rtol=1e-4, atol=1e-6)
    (weigher.weights * losses).sum().backward()
    for found, expected in zip(normed.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6)


@every_sharing
@pytest.mark.parametrize("kind", [Operated, Normed])
def test_the_notes_are_of_the_unweighted_losses(spec, kind):
    recorder = Recorder(every=1)
    balancer = {"surgeon": Sum()} if kind is Operated else {"weigher": GradNorm(4, alpha=1.5, rate=0.1)}
    noted = update(kind, spec, recorder, **balancer)
    for _ in range(2):
        noted.backward(noted.losses(torch.arange(40)))
    model, heads, x, joint = made(spec)
    gradients = task_gradients(heads(model(x), joint), model.shared_parameters())
    unit = gradients / gradients.norm(dim=1, keepdim=True)
    torch.testing.assert_close(torch.from_numpy(recorder.cosine[0]), unit @ unit.T, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(torch.from_numpy(recorder.norm[0]), gradients.norm(dim=1), rtol=1e-3, atol=1e-5)
    assert recorder.steps.tolist() == [0, 1]


def test_an_absent_task_has_no_cosine_and_a_model_that_shares_nothing_has_none_at_all():
    recorder = Recorder(every=3)
    assert [step for step in range(7) if recorder.due(step)] == [0, 3, 6]
    recorder.note(0, torch.tensor([[1.0, 0], [0, 0], [1, 1]]), torch.ones(3))
    cosine = recorder.cosine[0]
    assert cosine[0, 2] == pytest.approx(2**-0.5)
    assert [bool(value) for value in torch.from_numpy(cosine).isnan()[1]] == [True, True, True]
    assert recorder.norm[0].tolist() == pytest.approx([1, 0, 2**0.5])
    nothing = Recorder(every=1)
    nothing.note(0, torch.zeros(2, 0), torch.ones(2))
    assert torch.from_numpy(nothing.cosine).isnan().all()
    assert flat([torch.ones(2, 2), torch.zeros(1)]).tolist() == [1, 1, 1, 1, 0]
