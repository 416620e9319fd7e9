"""What each architecture computes, written out, and when one is another."""

import pytest
import torch
from torch.nn.functional import logsigmoid

from funnel.models.catalogue import build
from funnel.models.mmoe import MMoE
from funnel.models.ple import PLE
from funnel.models.spec import ESMMSpec, MMoESpec, PLESpec, SharedBottomSpec, SingleTaskSpec, TowerTreeSpec
from funnel.models.tower_tree import TowerTree
from tests.networks import COLUMNS, SURFACES, TASKS, made, rows


@pytest.mark.parametrize("tower", [(), (5,)])
def test_mmoe_with_one_expert_is_a_shared_bottom(tower):
    expert = made(MMoESpec(experts=1, expert=(8, 6), tower=tower))
    bottom = made(SharedBottomSpec(bottom=(8, 6), tower=tower))
    torch.testing.assert_close(expert(rows()), bottom(rows()), rtol=1e-5, atol=1e-6)


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
    torch.testing.assert_close(
        turned.gates(turned_hidden)["experts"], model.gates(hidden)["experts"][:, :, order], rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(turned(rows()), model(rows()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tower", [(), (5,)])
def test_with_one_task_a_shared_bottom_is_a_single_task_network(tower):
    bottom = build(SharedBottomSpec(bottom=(8, 6), tower=tower), COLUMNS, ("like",), 0)
    single = build(SingleTaskSpec(trunk=(8, 6), tower=tower), COLUMNS, ("like",), 0)
    torch.testing.assert_close(bottom(rows()), single(rows()), rtol=1e-5, atol=1e-6)


def test_single_task_networks_are_those_of_each_task_by_itself():
    spec = SingleTaskSpec(trunk=(8, 6), tower=(5,))
    together = made(spec)(rows())
    for place, task in enumerate(TASKS):
        alone = build(spec, COLUMNS, (task,), 0)(rows())
        torch.testing.assert_close(together[:, [place]], alone, rtol=1e-5, atol=1e-6)


def test_the_entire_space_model_has_the_network_of_a_shared_bottom():
    esmm, bottom = (kind(bottom=(8, 6), tower=(5,)) for kind in (ESMMSpec, SharedBottomSpec))
    assert torch.equal(made(esmm)(rows()), made(bottom)(rows()))


def test_a_chained_probability_never_exceeds_its_parent():
    tasks = ("click", "like", "conversion")
    model = build(ESMMSpec(), COLUMNS, tasks, 0)
    log_probability = logsigmoid(model(40 * rows(200)))
    parents = [log_probability[:, max(parent, 0)] if parent >= 0 else 0.0 for parent in model.parents]
    chained = torch.stack([own + parent for own, parent in zip(log_probability.T, parents, strict=True)], 1)
    assert model.parents == (-1, -1, 0)
    assert (chained[:, 2] <= log_probability[:, 0]).all()


@pytest.mark.parametrize("shared", [1, 3])
def test_ple_with_one_layer_and_no_private_expert_is_mmoe(shared):
    ple = made(PLESpec(layers=1, shared=shared, private=0, expert=(8, 6), tower=(5,)))
    mmoe = made(MMoESpec(experts=shared, expert=(8, 6), tower=(5,)))
    torch.testing.assert_close(ple(rows()), mmoe(rows()), rtol=1e-5, atol=1e-6)


def test_ple_with_one_layer_is_customised_gate_control_written_out_for_one_row():
    model = made(PLESpec(layers=1, shared=2, private=2, expert=(8,), tower=()))
    assert isinstance(model, PLE)
    x = rows()[3]
    shared = torch.relu(x @ model.weights["trunk"]).view(2, 8)
    private = torch.relu(x @ model.weights["private"]).view(len(TASKS), 2, 8)
    gate = model.weights["gate"].view(-1, len(TASKS), 4)
    logits = []
    for task in range(len(TASKS)):
        mixed = (x @ gate[:, task]).softmax(0) @ torch.cat([private[task], shared])
        logits.append(mixed @ model.towers.head[task, :, 0])
    torch.testing.assert_close(model(rows())[3], torch.stack(logits), rtol=1e-5, atol=1e-6)


def test_layers_of_ple_written_out_for_one_row():
    model = made(PLESpec(layers=2, shared=2, private=1, expert=(8,), tower=()))
    assert isinstance(model, PLE)
    x, layer = rows()[3], model.layers[1]
    shared = torch.relu(x @ model.weights["trunk"]).view(2, 8)
    private = torch.relu(x @ model.weights["private"]).view(len(TASKS), 8)
    gate = model.weights["gate"].view(-1, len(TASKS), 3)
    carried = (x @ model.weights["carry"]).softmax(0) @ torch.cat([private, shared])
    said = torch.stack([torch.relu(carried @ layer.experts["trunk"].weights[0][expert]) for expert in range(2)])
    logits = []
    for task in range(len(TASKS)):
        mixed = (x @ gate[:, task]).softmax(0) @ torch.cat([private[[task]], shared])
        own = torch.relu(mixed @ layer.experts["private"].weights[0][task])
        mixed = (mixed @ layer.gates["gate"].weight[task]).softmax(0) @ torch.cat([own[None], said])
        logits.append(mixed @ model.towers.head[task, :, 0])
    torch.testing.assert_close(model(rows())[3], torch.stack(logits), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 3])
def test_without_shared_experts_the_tasks_of_ple_decouple(layers):
    model = made(PLESpec(layers=layers, shared=0, private=2, expert=(8, 6), tower=(5,)))
    blocks = [block for layer in model.layers for block in layer.experts["private"].parameters()]
    for task in range(len(TASKS)):
        model.zero_grad()
        model(rows(200))[:, task].sum().backward()
        by_task = torch.stack([block.grad.unflatten(0, (len(TASKS), 2)).flatten(1).any(1) for block in blocks])
        first = model.weights["private"].grad.unflatten(1, (len(TASKS), -1)).any(0).any(1)
        own = torch.arange(len(TASKS)) == task
        assert torch.equal(first, own)
        assert all(torch.equal(reached, own) for reached in by_task)


def tree(**fields) -> TowerTree:
    model = made(TowerTreeSpec(**{"surfaces": SURFACES, "expert": (8, 6), "tower": (5,)} | fields))
    assert isinstance(model, TowerTree)
    return model


def test_a_tower_tree_of_one_surface_is_mmoe():
    model, mmoe = tree(surfaces=("home",), shared=3, private=0), made(MMoESpec(experts=3, expert=(8, 6), tower=(5,)))
    assert isinstance(mmoe, MMoE)
    with torch.no_grad():
        # Gates and towers are drawn by the names of surface and task, so they are carried over; experts are the same.
        model.branches[0].gate_weight.copy_(mmoe.gate_weight)
        for own, other in zip(model.towers.parameters(), mmoe.towers.parameters(), strict=True):
            own.copy_(other)
    torch.testing.assert_close(model(rows()), mmoe(rows()), rtol=1e-5, atol=1e-6)
    assert (model.macs, model.size) == (mmoe.macs, mmoe.size)


def test_a_tower_tree_computes_what_it_says():
    """t_sk(u_s(sum_i g_ski E_i)), and the fused column, written out row by row."""
    model = tree(shared=1, private=1, expert=(8,), trunk=(7,), tower=(), fusion={"search": ("tower_match",)})
    assert model.shared is not None
    found, seen = model(rows(20)), set()
    for row, logits in zip(rows(20), found, strict=True):
        surface = int(row[:3].argmax())
        branch, inside = model.branches[surface], row[:8]
        experts = torch.stack([torch.relu(inside @ part.weight) for part in (branch.private, model.shared)])
        for task in range(len(TASKS)):
            share = (inside @ branch.gate_weight.view(8, len(TASKS), 2)[:, task]).softmax(0)
            read = torch.relu(share @ experts @ branch.trunk.weights[0][0])
            read = torch.cat([read, row[8:]]) if SURFACES[surface] == "search" else read
            expected = read @ model.towers.trees[surface].head[task, :, 0]
            assert logits[task].item() == pytest.approx(expected.item(), abs=1e-5)
        seen.add(surface)
    assert seen == {0, 1, 2}


def test_without_shared_experts_the_surfaces_of_a_tower_tree_decouple():
    for shared, reach in ((0, [False, False]), (1, [True, False])):
        model = tree(shared=shared)
        of_home = rows(60)[:, :3].argmax(1) == 0
        model(rows(60))[of_home].sum().backward()
        elsewhere = [part for place in (1, 2) for part in (model.branches[place], model.towers.trees[place])]
        common = [model.shared] if model.shared else []
        reached = [
            any(parameter.grad.any() for part in parts for parameter in part.parameters())
            for parts in (common, elsewhere)
        ]
        assert reached == reach


def test_what_is_fused_moves_the_logits_of_its_surface_alone():
    model = tree(fusion={"search": ("tower_match",)})
    moved = rows(60)
    moved[:, 8] += 1
    changed = (model(moved) != model(rows(60))).any(1)
    assert torch.equal(changed, rows(60)[:, :3].argmax(1) == 1)


def test_a_request_costs_one_tree_however_many_surfaces_there_are():
    three, one = tree(), tree(surfaces=("home",))
    assert three.macs == one.macs
    assert three.size > 2 * one.size - sum(parameter.numel() for parameter in one.shared.parameters())
