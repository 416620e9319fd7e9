"""Laws of every architecture in the catalogue."""

from itertools import pairwise
from typing import get_args

import pytest
import torch

from funnel.errors import SpecError
from funnel.models.blocks import Draws, Stack
from funnel.models.catalogue import NETWORKS, build
from funnel.models.spec import ESMMSpec, MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec, TowerTreeSpec
from funnel.spec import Spec
from tests.networks import CATALOGUE, COLUMNS, TASKS, made, rows

every_model = pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: f"{spec.kind}-{spec.tower}")


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
def test_a_logit_depends_on_its_own_slice_of_the_representation_alone(spec):
    model = made(spec)
    hidden = torch.addmm(model.first()[1], rows(), model.first()[0])
    slices = model.represent(hidden.clone()).detach().clone().requires_grad_()
    logits = model.towers(slices)
    torch.testing.assert_close(logits, model.body(hidden), rtol=1e-5, atol=1e-6)
    for task in range(len(TASKS)):
        (gradient,) = torch.autograd.grad(logits[:, task].sum(), slices, retain_graph=True)
        assert [bool(of.any()) for of in gradient] == [other == task for other in range(len(TASKS))]


@every_model
def test_towers_are_apart_by_their_first_dimension(spec):
    assert {len(parameter) for parameter in made(spec).towers.parameters()} == {len(TASKS)}


@every_model
def test_the_last_shared_layer_is_shared_and_read_by_all_tasks(spec):
    model = made(spec)
    shared, last = ({id(parameter) for parameter in part} for part in (model.shared_parameters(), model.last_shared()))
    assert last <= shared
    assert bool(last) == bool(shared) == spec.shares
    for task in range(len(TASKS)):
        model.zero_grad()
        model(rows(200))[:, task].sum().backward()
        assert all(parameter.grad.any() for parameter in model.last_shared())


@every_model
def test_gates_sum_to_one_over_the_experts_of_a_layer(spec):
    model = made(spec)
    weight, bias = model.first()
    gates = model.gates(rows() @ weight + bias)
    for shares in gates.values():
        assert shares.shape[:2] == (12, len(TASKS))
        assert (shares > 0).all()
        torch.testing.assert_close(shares.sum(-1), torch.ones(12, len(TASKS)))


@pytest.mark.parametrize(
    ("spec", "layers"),
    [
        (MMoESpec(experts=3, expert=(8,)), {"experts": 3}),
        (PLESpec(layers=2, shared=2, private=1, expert=(8,)), {"layer 1": 3, "layer 2": 3}),
        (SharedBottomSpec(), {}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_gated_layers_tell_the_experts_that_a_task_may_mix(spec, layers):
    model = made(spec)
    weight, bias = model.first()
    gates = model.gates(rows() @ weight + bias)
    assert {name: shares.shape[2] for name, shares in gates.items()} == layers


@every_model
def test_losses_are_chained_in_the_entire_space_model_alone(spec):
    chained = build(spec, COLUMNS, ("conversion", "like", "click"), 0)
    assert made(spec).parents == (-1, -1, -1)
    assert chained.parents == ((2, -1, -1) if spec.kind == "esmm" else (-1, -1, -1))


@every_model
def test_alone_a_task_has_a_network_of_the_same_widths(spec):
    model, alone = made(spec), made(spec.alone())
    assert alone.shared_parameters() == []
    assert alone.towers.macs == model.towers.macs - fused_macs(spec)
    assert alone.first()[0].shape[1] % len(TASKS) == 0
    assert spec.alone().alone() == spec.alone()


@every_model
def test_with_an_expert_less_a_network_is_smaller_and_shares_as_before(spec):
    fewer = spec.fewer()
    if fewer is None:
        assert spec.kind not in ("mmoe", "ple", "tower_tree")
    else:
        assert made(fewer).size < made(spec).size
        assert fewer.shares == spec.shares


def perceptron(*widths: int) -> int:
    """Multiply-adds of a row."""
    return sum(a * b for a, b in pairwise(widths))


def trunk_macs(spec: ModelSpec) -> int:
    """Multiply-adds of a row before the towers, counted layer by layer."""
    features, tasks = sum(COLUMNS.values()), len(TASKS)
    match spec:
        case SingleTaskSpec():
            return tasks * perceptron(features, *spec.trunk)
        case SharedBottomSpec() | ESMMSpec():
            return perceptron(features, *spec.bottom)
        case MMoESpec():
            experts = spec.experts * perceptron(features, *spec.expert)
            return experts + features * tasks * spec.experts + tasks * spec.experts * spec.expert[-1]
        case TowerTreeSpec():
            count, inside = spec.shared + spec.private, features - len(spec.fused)
            experts, depth = count * perceptron(inside, *spec.expert), spec.expert[-1]
            return experts + tasks * (inside * count + count * depth + perceptron(depth, *spec.trunk))
    experts, depth, total = tasks * spec.private + spec.shared, spec.expert[-1], 0
    for layer in range(spec.layers):
        wide = depth if layer else features
        gates = tasks * (spec.private + spec.shared) + (experts if spec.shared and layer < spec.layers - 1 else 0)
        total += experts * perceptron(wide, *spec.expert) + gates * (wide + depth)
    return total


def fused_macs(spec: ModelSpec) -> int:
    """Multiply-adds of a row by what towers read beside what is below them."""
    width = spec.tower[0] if spec.tower else 1
    return len(TASKS) * width if isinstance(spec, TowerTreeSpec) and spec.fusion else 0


@every_model
def test_multiply_adds_are_counted_from_the_layers(spec):
    model = made(spec)
    towers = len(TASKS) * perceptron(spec.alone().trunk[-1], *spec.tower, 1) + fused_macs(spec)
    assert model.macs == trunk_macs(spec) + towers


@every_model
def test_initial_weights_depend_on_the_seed_alone(spec):
    first, again, other = (made(spec, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@every_model
def test_adding_a_feature_or_a_task_leaves_all_other_initial_weights_as_they_were(spec):
    columns = {"surface": 3, "friend_count": 4, "activity": 1, "content": 4, "tower_match": 1, "bubble_count": 1}
    small, large = made(spec), build(spec, columns, ("long_view", "hide", "like", "share"), 0)
    for (name, parameter), (_, grown) in zip(small.named_parameters(), large.named_parameters(), strict=True):
        for axis, (size, larger) in enumerate(zip(parameter.shape, grown.shape, strict=True)):
            grown = grown.index_select(axis, torch.tensor(stayed(size, larger)))
        assert torch.equal(parameter, grown), name


def stayed(size: int, larger: int) -> list[int]:
    """Where the places of an axis went when its features, or its tasks, became more."""
    if size == larger:
        return list(range(size))
    if (size, larger) in ((9, 14), (8, 13)):  # with or without what a tower tree fuses late
        return [0, 1, 2, *range(7, size + 4)]
    one = larger - size
    # Second in order, the new task stands between the first and the others; what all tasks share stands behind them.
    return [*range(one), *range(2 * one, larger)]


def test_the_initial_scale_is_that_of_he():
    weight = build(SharedBottomSpec(bottom=(256,)), {"content": 400}, ("like",), 0).weight
    assert weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.02)


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


def test_an_extraction_layer_without_any_expert_is_an_error():
    class Stage(Spec):
        model: ModelSpec

    with pytest.raises(SpecError) as error:
        Stage.parse({"model": {"kind": "ple", "shared": 0, "private": 0}}, "early")
    assert str(error.value) == (
        "early.model: should give each task an expert. Found shared = 0 and private = 0. Raise one of them."
    )
    with pytest.raises(SpecError) as error:
        Stage.parse({"model": {"kind": "ple", "layers": 0, "expert": []}}, "early")
    assert str(error.value) == (
        "early.model.expert: tuple should have at least 1 item after validation, not 0. Found [].\n"
        "early.model.layers: should be greater than or equal to 1. Found 0."
    )
    for kind, trunk in (("single_task", "trunk"), ("shared_bottom", "bottom"), ("esmm", "bottom")):
        with pytest.raises(SpecError) as error:
            Stage.parse({"model": {"kind": kind, trunk: []}}, "early")
        assert str(error.value) == (
            f"early.model.{trunk}: tuple should have at least 1 item after validation, not 0. Found []."
        )
