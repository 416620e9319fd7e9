"""Laws of every architecture in the catalogue, and the reductions between them."""

from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor

from funnel.errors import SpecError
from funnel.models.blocks import Draws, MultiTaskModel, Stack
from funnel.models.catalogue import NETWORKS, build
from funnel.models.mmoe import MMoE
from funnel.models.spec import MMoESpec, ModelSpec, SharedBottomSpec
from funnel.spec import Spec

COLUMNS = {"interests": 3, "activity": 1, "content": 4, "tower_match": 1}
TASKS = ("long_view", "like", "share")

CATALOGUE = [
    SharedBottomSpec(),
    SharedBottomSpec(bottom=(8, 6), tower=(5,)),
    MMoESpec(),
    MMoESpec(experts=3, expert=(8,), tower=()),
    MMoESpec(experts=2, expert=(8, 8, 8), tower=(8, 8)),
]
every_model = pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: f"{spec.kind}-{spec.tower}")


def rows(count: int = 12, features: int = sum(COLUMNS.values())) -> Tensor:
    return torch.linspace(-2, 2, count * features).sin().view(count, features).contiguous() * 1.5


def made(spec: ModelSpec, seed: int = 0) -> MultiTaskModel:
    return build(spec, COLUMNS, TASKS, seed)


def test_the_catalogue_builds_every_kind_of_the_union():
    assert set(NETWORKS) == set(get_args(get_args(ModelSpec)[0])) == {type(spec) for spec in CATALOGUE}


@every_model
def test_logits_are_finite_one_row_each_one_column_a_task(spec):
    logits = made(spec)(rows())
    assert logits.shape == (12, len(TASKS))
    assert logits.isfinite().all()


@every_model
def test_rows_do_not_influence_each_other(spec):
    model = made(spec)
    torch.testing.assert_close(model(rows())[4:7], model(rows()[4:7]), rtol=1e-5, atol=1e-6)


@every_model
def test_columns_follow_the_order_of_the_tasks(spec):
    model, turned = made(spec), build(spec, COLUMNS, TASKS[::-1], 0)
    torch.testing.assert_close(model(rows()), turned(rows()).flip(1), rtol=1e-5, atol=1e-6)


@every_model
def test_the_first_layer_may_be_added_up_by_sides(spec):
    model, x = made(spec), rows()
    weight, bias = model.first()
    user, item, pair = (
        part @ share for part, share in zip(x.split([4, 4, 1], 1), weight.split([4, 4, 1]), strict=True)
    )
    torch.testing.assert_close(model.body(user + item + pair + bias), model(x), rtol=1e-5, atol=1e-5)


@every_model
def test_a_gradient_reaches_every_parameter(spec):
    model = made(spec)
    model(rows(200)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


@every_model
def test_shared_parameters_are_those_that_more_than_one_task_trains(spec):
    model = made(spec)
    shared = {id(parameter) for parameter in model.shared_parameters()}
    reached = []
    for task in range(len(TASKS)):
        model.zero_grad()
        model(rows(200))[:, task].sum().backward()
        reached.append([parameter.grad != 0 for parameter in model.parameters()])
    for parameter, *by_task in zip(model.parameters(), *reached, strict=True):
        tasks = torch.stack(by_task).sum(0)
        assert tasks.max() == (len(TASKS) if id(parameter) in shared else 1)


@every_model
def test_multiply_adds_are_counted_from_the_layers(spec):
    features, tasks = sum(COLUMNS.values()), len(TASKS)
    pairs = lambda widths: sum(a * b for a, b in pairwise(widths))  # noqa: E731
    if spec.kind == "shared_bottom":
        expected = pairs((features, *spec.bottom)) + tasks * pairs((spec.bottom[-1], *spec.tower, 1))
    else:
        expected = spec.experts * pairs((features, *spec.expert)) + features * tasks * spec.experts
        expected += tasks * (spec.experts * spec.expert[-1] + pairs((spec.expert[-1], *spec.tower, 1)))
    assert made(spec).macs == expected


@every_model
def test_initial_weights_depend_on_the_seed_alone(spec):
    first, again, other = (made(spec, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@every_model
def test_adding_a_feature_or_a_task_leaves_all_other_initial_weights_as_they_were(spec):
    columns = {"interests": 3, "friend_count": 2, "activity": 1, "content": 4, "tower_match": 1, "bubble_count": 1}
    kept = [0, 1, 2, 5, 6, 7, 8, 9, 10]
    tasks = ("long_view", "hide", "like", "share")
    small, large = made(spec), build(spec, columns, tasks, 0)
    (weight, _), (grown, _) = small.first(), large.first()
    trunk = small.weight.shape[1]
    assert torch.equal(weight[:, :trunk], grown[kept, :trunk])
    for (name, parameter), (_, other) in zip(small.named_parameters(), large.named_parameters(), strict=True):
        if name.startswith("gate_weight"):
            by_task, grown_by_task = (p.unflatten(1, (-1, spec.experts)) for p in (parameter, other))
            assert torch.equal(by_task, grown_by_task[kept][:, [0, 2, 3]])
        elif name.startswith("towers."):
            assert torch.equal(parameter, other[[0, 2, 3]])
        elif name not in ("weight", "gate_bias"):
            assert torch.equal(parameter, other)


def test_the_initial_scale_is_that_of_he():
    weight = build(SharedBottomSpec(bottom=(256,)), {"content": 400}, ("like",), 0).weight
    assert weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.02)


@pytest.mark.parametrize("tower", [(), (5,)])
def test_mmoe_with_one_expert_is_a_shared_bottom(tower):
    expert = made(MMoESpec(experts=1, expert=(8, 6), tower=tower))
    bottom = made(SharedBottomSpec(bottom=(8, 6), tower=tower))
    torch.testing.assert_close(expert(rows()), bottom(rows()), rtol=1e-5, atol=1e-6)


def test_gates_sum_to_one_over_the_experts():
    model = made(MMoESpec(experts=5))
    assert isinstance(model, MMoE)
    weight, bias = model.first()
    gates = model.gates(rows() @ weight + bias)
    assert gates.shape == (12, len(TASKS), 5)
    assert (gates > 0).all()
    torch.testing.assert_close(gates.sum(-1), torch.ones(12, len(TASKS)))


def test_gates_weigh_their_own_experts():
    """f_k = sum_i g_ki E_i, written out for one row."""
    model = made(MMoESpec(experts=3, expert=(8,), tower=()))
    assert isinstance(model, MMoE)
    x = rows()[3]
    experts = torch.relu(x @ model.weight).view(3, 8)
    logits = []
    for task in range(len(TASKS)):
        share = (x @ model.gate_weight.view(-1, len(TASKS), 3)[:, task]).softmax(0)
        logits.append(share @ experts @ model.towers.head[task, :, 0])
    torch.testing.assert_close(model(rows())[3], torch.stack(logits), rtol=1e-5, atol=1e-6)


def test_permuting_experts_permutes_gates_and_leaves_the_logits():
    spec = MMoESpec(experts=3, expert=(8, 6))
    model, turned = made(spec), made(spec)
    assert isinstance(model, MMoE)
    assert isinstance(turned, MMoE)
    order = [2, 0, 1]
    with torch.no_grad():
        turned.weight.copy_(model.weight.unflatten(1, (3, 8))[:, order].flatten(1))
        turned.gate_weight.copy_(model.gate_weight.unflatten(1, (-1, 3))[:, :, order].flatten(1))
        for own, other in zip(turned.deeper.parameters(), model.deeper.parameters(), strict=True):
            own.copy_(other[order])
    hidden, turned_hidden = (rows() @ m.first()[0] + m.first()[1] for m in (model, turned))
    torch.testing.assert_close(turned.gates(turned_hidden), model.gates(hidden)[:, :, order], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(turned(rows()), model(rows()), rtol=1e-5, atol=1e-6)


def test_a_stack_is_its_networks_one_by_one():
    stack = Stack(Draws(0, {}), "tower", ("a", "b"), (4, 3, 2))
    x = rows(5, 4)
    for network, output in enumerate(stack(x)):
        hidden = x
        for weight, bias in zip(stack.weights, stack.biases, strict=True):
            hidden = torch.relu(hidden @ weight[network] + bias[network])
        torch.testing.assert_close(output, hidden)
    torch.testing.assert_close(stack(x), stack(torch.stack([x, x])))


def test_unknown_architectures_and_empty_trunks_are_errors_with_a_path():
    class Stage(Spec):
        model: ModelSpec

    with pytest.raises(SpecError) as error:
        Stage.parse({"model": {"kind": "mmo"}}, "early")
    assert str(error.value) == "early.model.kind: `mmo` is not a known kind. Did you mean `mmoe`?"
    with pytest.raises(SpecError) as error:
        Stage.parse({"model": {"kind": "mmoe", "expert": [], "experts": 0, "tower": [0]}}, "early")
    assert str(error.value) == (
        "early.model.expert: tuple should have at least 1 item after validation, not 0. Found [].\n"
        "early.model.experts: should be greater than or equal to 1. Found 0.\n"
        "early.model.tower.0: should be greater than or equal to 1. Found 0."
    )
