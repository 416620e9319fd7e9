"""Balancers against what their papers promise: laws are functions, and each method signs up for those it keeps."""

import subprocess
import sys
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor
from torchjd.aggregation import IMTLGWeighting, PCGradWeighting

from funnel.balancing import surgery
from funnel.balancing.base import Surgeon, Weigher
from funnel.balancing.catalogue import make
from funnel.balancing.dwa import DWA
from funnel.balancing.gradnorm import GradNorm
from funnel.balancing.spec import (
    AlignedMTLSpec,
    BalancerSpec,
    CAGradSpec,
    DWASpec,
    GradNormSpec,
    IMTLGSpec,
    MGDASpec,
    NashMTLSpec,
    PCGradSpec,
    StaticSpec,
    SurgerySpec,
    UncertaintySpec,
    UPGradSpec,
)
from funnel.balancing.surgery import surgeon
from funnel.balancing.uncertainty import Uncertainty
from funnel.errors import SpecError
from funnel.rng import seed_of
from funnel.spec import Spec

SPECS = get_args(get_args(BalancerSpec)[0])
SURGERIES = [spec for spec in SPECS if issubclass(spec, SurgerySpec)]
TASKS, KINDS = ("like", "watch_seconds", "share"), ("binary", "regression", "binary")

CONFLICT = torch.tensor([[1.0, 0, 2, 1], [-2, 1, 1, 0], [0.5, -1.5, -1, 3]])
"""(3, 4): tasks 1 and 3 agree, task 2 is against task 3"""
SCALES = torch.tensor([[4.0, 3, 0], [-0.5, 0.1, 0.3], [0.1, -0.02, 0.2]])
"""(3, 3): a loud task that two quiet ones disagree with"""
PAIR = torch.tensor([[-4.0, 1, 1], [6, 1, 1]])
MATRICES = (CONFLICT, SCALES, PAIR)


def weights(spec: SurgerySpec, gradients: Tensor) -> Tensor:
    """(T,): of a surgeon at its first batch, which has all tasks."""
    return surgeon(spec, seed=0).weights(gradients, torch.ones(len(gradients), dtype=torch.bool))


def unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


# Laws of surgery


def assert_no_task_is_harmed(spec: SurgerySpec) -> None:
    for gradients in MATRICES:
        direction = unit(weights(spec, gradients) @ gradients)
        assert (gradients @ direction >= -1e-3 * gradients.norm(dim=1)).all()


def assert_the_order_of_tasks_does_not_matter(spec: SurgerySpec) -> None:
    for gradients in MATRICES:
        order = torch.arange(len(gradients)).roll(1)
        turned = weights(spec, gradients[order]) @ gradients[order]
        torch.testing.assert_close(turned, weights(spec, gradients) @ gradients, rtol=1e-2, atol=1e-2)


def assert_the_scale_of_a_task_does_not_turn_the_direction(spec: SurgerySpec) -> None:
    for gradients in MATRICES:
        louder = gradients * torch.tensor([3.0, 1.0, 0.5])[: len(gradients), None]
        directions = [unit(weights(spec, rows) @ rows) for rows in (gradients, louder)]
        torch.testing.assert_close(*directions, rtol=1e-2, atol=1e-2)


def assert_one_task_is_plain_descent(spec: SurgerySpec) -> None:
    torch.testing.assert_close(weights(spec, CONFLICT[:1]), torch.ones(1))


def assert_tasks_that_agree_are_plain_descent(spec: SurgerySpec) -> None:
    torch.testing.assert_close(weights(spec, torch.eye(3)), torch.ones(3), rtol=1e-3, atol=1e-3)


def assert_the_norm_is_that_of_the_plain_sum(spec: SurgerySpec) -> None:
    for gradients in MATRICES:
        norm = (weights(spec, gradients) @ gradients).norm()
        torch.testing.assert_close(norm, gradients.sum(0).norm(), rtol=1e-4, atol=1e-4)


def assert_an_absent_task_takes_no_part(spec: SurgerySpec) -> None:
    absent = torch.cat([CONFLICT[:1], torch.zeros(1, 4), CONFLICT[1:]])
    found = surgeon(spec, seed=0).weights(absent, torch.tensor([True, False, True, True]))
    expected = weights(spec, CONFLICT)
    torch.testing.assert_close(found, torch.stack([expected[0], torch.tensor(0.0), *expected[1:]]))


def assert_no_task_present_is_no_direction(spec: SurgerySpec) -> None:
    assert not surgeon(spec, seed=0).weights(CONFLICT, torch.zeros(3, dtype=torch.bool)).any()


EVERY_SURGERY = (
    assert_one_task_is_plain_descent,
    assert_tasks_that_agree_are_plain_descent,
    assert_the_norm_is_that_of_the_plain_sum,
    assert_an_absent_task_takes_no_part,
    assert_no_task_present_is_no_direction,
)
FAIR = assert_the_order_of_tasks_does_not_matter
PROMISES: dict[type[SurgerySpec], tuple[Callable[[SurgerySpec], None], ...]] = {
    PCGradSpec: (),  # with three tasks its order counts, and a projection may undo another
    MGDASpec: (FAIR, assert_no_task_is_harmed),
    CAGradSpec: (FAIR,),
    NashMTLSpec: (FAIR, assert_no_task_is_harmed, assert_the_scale_of_a_task_does_not_turn_the_direction),
    IMTLGSpec: (FAIR, assert_no_task_is_harmed, assert_the_scale_of_a_task_does_not_turn_the_direction),
    AlignedMTLSpec: (FAIR,),
    UPGradSpec: (FAIR, assert_no_task_is_harmed),
}


@pytest.mark.parametrize(
    ("spec", "law"),
    [(spec, law) for spec in SURGERIES for law in (*EVERY_SURGERY, *PROMISES[spec])],
    ids=lambda value: value.__name__.removeprefix("assert_").removesuffix("Spec"),
)
def test_laws_of_surgery(spec, law):
    law(spec())


GOLDEN = {
    "pcgrad": (0.8109, 1.2839, 1.0380),
    "mgda": (0.8473, 1.5460, 0.8390),
    "cagrad": (0.8638, 1.5024, 0.8638),
    "nash_mtl": (0.9625, 1.3554, 0.8831),
    "imtl_g": (0.6905, 1.5174, 0.9923),
    "aligned_mtl": (0.9600, 1.3173, 0.9086),
    "upgrad": (0.8110, 1.2838, 1.0380),
}


@pytest.mark.parametrize("spec", SURGERIES, ids=lambda spec: spec.__name__)
def test_every_surgery_on_one_tiny_problem(spec):
    found = weights(spec(), CONFLICT)
    torch.testing.assert_close(found, torch.tensor(GOLDEN[spec().kind]), rtol=2e-3, atol=2e-3)


# Single methods


def projected(gradients: Tensor, orders: list[list[int]]) -> Tensor:
    """Algorithm 1 of PCGrad, written out: task i meets the others in `orders[i]`."""
    total = torch.zeros_like(gradients[0])
    for own, order in zip(gradients, orders, strict=True):
        for other in gradients[order]:
            if own @ other < 0:
                own = own - (own @ other) / (other @ other) * other
        total += own
    return total


def test_pcgrad_is_the_librarys_and_the_papers_for_the_same_order_of_tasks():
    ours = surgery.PCGrad(seed=5)
    gramian = CONFLICT.double() @ CONFLICT.double().T
    found = ours.rule(gramian, (0, 1, 2))
    seed = seed_of(5, "pcgrad", 0)
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        theirs = PCGradWeighting()(gramian)
    assert torch.equal(found, theirs)
    draws = torch.Generator().manual_seed(seed)
    orders = [[j for j in torch.randperm(3, generator=draws).tolist() if j != i] for i in range(3)]
    torch.testing.assert_close(found @ CONFLICT.double(), projected(CONFLICT.double(), orders))


def test_pcgrad_leaves_the_global_generator_alone_and_draws_from_its_own():
    before = torch.get_rng_state()
    first, again = surgery.PCGrad(seed=0), surgery.PCGrad(seed=0)
    told = [[rule.weights(CONFLICT, torch.ones(3, dtype=torch.bool)) for _ in range(6)] for rule in (first, again)]
    assert torch.equal(torch.stack(told[0]), torch.stack(told[1]))
    assert torch.equal(torch.get_rng_state(), before)


def test_pcgrad_and_upgrad_of_two_tasks_harm_none_and_are_the_same():
    direction = weights(PCGradSpec(), PAIR) @ PAIR
    assert (PAIR @ direction >= 0).all()
    torch.testing.assert_close(weights(UPGradSpec(), PAIR), weights(PCGradSpec(), PAIR), rtol=1e-3, atol=1e-3)


def test_mgda_is_the_shortest_vector_of_the_hull():
    share = torch.linspace(0, 1, 10_001)[:, None]
    hull = share * PAIR[0] + (1 - share) * PAIR[1]
    shortest = hull[hull.norm(dim=1).argmin()]
    torch.testing.assert_close(unit(weights(MGDASpec(), PAIR) @ PAIR), unit(shortest), rtol=1e-2, atol=1e-2)


def test_cagrad_with_no_ball_is_plain_descent_and_with_a_wide_one_harms_none():
    torch.testing.assert_close(weights(CAGradSpec(c=0), CONFLICT), torch.ones(3), rtol=1e-4, atol=1e-4)
    assert_no_task_is_harmed(CAGradSpec(c=1.0))


def test_imtl_g_projects_equally_on_all_gradients():
    direction = weights(IMTLGSpec(), CONFLICT) @ CONFLICT
    shadows = CONFLICT @ direction / CONFLICT.norm(dim=1)
    torch.testing.assert_close(shadows, shadows[:1].expand(3), rtol=1e-4, atol=1e-4)


def test_imtl_g_goes_downhill_where_the_papers_weights_would_climb():
    """Two loud tasks at an angle, and a faint one nearly between them, whose weight is negative and large."""
    gradients = torch.tensor([[1.0, 0.3, 0.0], [1.0, -0.3, 0.0], [0.01, 0.0, 0.0005]])
    theirs = IMTLGWeighting()((gradients @ gradients.T).double()).float() @ gradients
    assert (gradients @ theirs < 0).all()
    assert (gradients @ (weights(IMTLGSpec(), gradients) @ gradients) > 0).all()


def test_nash_weights_are_inverse_to_what_their_task_gains():
    """G alpha = 1 / alpha, up to the length that is set afterwards."""
    found = weights(NashMTLSpec(), CONFLICT)
    product = (CONFLICT @ CONFLICT.T @ found) * found
    torch.testing.assert_close(product, product[:1].expand(3), rtol=1e-2, atol=1e-2)


def test_nash_goes_on_apart_for_every_set_of_tasks():
    nash = surgeon(NashMTLSpec(), 0)
    all_there, two = torch.tensor([True, True, True]), torch.tensor([True, False, True])
    fresh = nash.weights(CONFLICT, all_there)
    nash.weights(CONFLICT, two)
    torch.testing.assert_close(nash.weights(CONFLICT, all_there), fresh, rtol=1e-2, atol=1e-2)


def test_tasks_that_cannot_both_gain_stand_still():
    opposed = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    for spec in (MGDASpec(), UPGradSpec(), PCGradSpec()):
        assert not weights(spec, opposed).any()


def test_a_solver_that_is_missing_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr("torchjd._mixins.find_spec", lambda name: None)
    with pytest.raises(SpecError) as error:
        make(CAGradSpec(), TASKS, KINDS, 0)
    assert str(error.value) == (
        "balancer `cagrad`: should find its solver. Found none: CAGradWeighting requires ['numpy', 'cvxpy', "
        "'clarabel'] "
        'to be installed. Install them with: pip install "torchjd[cagrad]". '
        "Install it: pip install 'funnel[surgery]'."
    )


def test_solvers_are_loaded_for_who_wants_them_only():
    code = "import sys, funnel.balancing.catalogue; sys.exit(bool({'torchjd', 'cvxpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Weighers


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_spec_has_its_balancer(spec):
    balancer = make(spec(), TASKS, KINDS, seed=0)
    assert isinstance(balancer, Surgeon if issubclass(spec, SurgerySpec) else Weigher)
    assert spec.needs_shared == (isinstance(balancer, Surgeon) or balancer.needs_norms)


def weigher(spec: Spec) -> Weigher:
    made = make(spec, TASKS, KINDS, 0)
    assert isinstance(made, Weigher)
    return made


@pytest.mark.parametrize("spec", [StaticSpec, UncertaintySpec, GradNormSpec, DWASpec], ids=lambda spec: spec.__name__)
def test_weights_are_what_gradients_are_multiplied_by(spec):
    losses = torch.tensor([0.4, 2.0, 0.1], requires_grad=True)
    made = weigher(spec())
    made(losses).backward()
    torch.testing.assert_close(losses.grad, made.weights)


def test_static_weights_of_one_are_the_plain_sum_bit_for_bit():
    losses = torch.rand(3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.equal(weigher(StaticSpec())(losses), losses.sum())
    heavy = weigher(StaticSpec(weights={"share": 3.0}))
    assert heavy.weights.tolist() == [1, 1, 3]


def test_uncertainty_is_the_papers_by_kind():
    made, losses = Uncertainty(KINDS), torch.tensor([0.4, 2.0, 0.1])
    spread = torch.tensor([0.3, -0.2, 0.1])
    with torch.no_grad():
        made.log_variance.copy_(spread)
    total = made(losses)
    expected = [
        torch.exp(-spread[0]) * 0.4 + spread[0] / 2,
        torch.exp(-spread[1]) * 2.0 / 2 + spread[1] / 2,
        torch.exp(-spread[2]) * 0.1 + spread[2] / 2,
    ]
    torch.testing.assert_close(total, torch.stack(expected).sum())
    total.backward()
    slope = -torch.tensor([0.4, 1.0, 0.1]) * torch.exp(-spread) + 0.5
    torch.testing.assert_close(made.log_variance.grad, slope)


def test_uncertainty_does_not_move_for_a_task_that_is_absent():
    made = Uncertainty(KINDS)
    made(torch.tensor([0.4, 0.0, 0.1])).backward()
    assert made.log_variance.grad[1] == 0


def test_the_slope_of_gradnorm_is_that_of_its_loss():
    """Finite differences of sum_k |w_k n_k - target_k| on each weight, the target held still."""
    made = GradNorm(3, alpha=1.5, rate=0.1)
    made.learn(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 1.0, 1.0]))
    losses, norms = torch.tensor([0.5, 1.5, 3.9]), torch.tensor([0.3, 2.0, 0.9])
    ratio = losses / torch.tensor([1.0, 2.0, 4.0])
    start = made.weights.clone()
    target = (start * norms).mean() * (ratio / ratio.mean()) ** 1.5
    loss = lambda weights: (weights * norms - target).abs().sum()  # noqa: E731
    step = 1e-2 * torch.eye(3)
    expected = torch.stack([(loss(start + up) - loss(start - up)) / 2e-2 for up in step])
    found = made.slope(losses, norms, torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_gradnorm_weights_are_positive_sum_to_the_tasks_and_even_the_norms_out():
    made, norms = GradNorm(2, alpha=0.0, rate=0.01), torch.tensor([1.0, 4.0])
    for _ in range(400):
        made.learn(torch.tensor([1.0, 1.0]), norms)
        assert made.weights.sum().item() == pytest.approx(2, rel=1e-5)
        assert (made.weights > 0).all()
    torch.testing.assert_close(made.weights, torch.tensor([1.6, 0.4]), rtol=0.1, atol=0.05)


def test_gradnorm_pulls_the_task_that_lags():
    made = GradNorm(2, alpha=1.5, rate=0.01)
    made.learn(torch.tensor([1.0, 1.0]), torch.ones(2))
    for _ in range(20):
        made.learn(torch.tensor([0.9, 0.1]), torch.ones(2))
    assert made.weights[0] > 1 > made.weights[1]


def test_gradnorm_goes_on_when_a_task_is_absent():
    made = GradNorm(3, alpha=1.5, rate=0.01)
    for losses in (torch.tensor([1.0, 0.0, 2.0]), torch.tensor([0.9, 3.0, 2.0])):
        made.learn(losses, torch.where(losses > 0, 1.0, 0.0))
        assert made.weights.isfinite().all()


def test_dwa_follows_the_ratios_of_two_epochs():
    made = DWA(3, temperature=2.0)
    for epoch in (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 1.9, 3.3])):
        assert torch.equal(made.weights, torch.ones(3))
        made.end_epoch(epoch)
    ratio = torch.tensor([0.5, 0.95, 1.1])
    expected = 3 * (ratio / 2).exp() / (ratio / 2).exp().sum()
    torch.testing.assert_close(made.weights, expected)
    assert made.weights.sum().item() == pytest.approx(3)


# Specs


def test_unknown_balancers_and_wrong_numbers_are_errors_with_a_path():
    class Stage(Spec):
        balancer: BalancerSpec

    with pytest.raises(SpecError) as error:
        Stage.parse({"balancer": {"kind": "pcgradd"}}, "late")
    assert str(error.value) == "late.balancer.kind: `pcgradd` is not a known kind. Did you mean `pcgrad`?"
    with pytest.raises(SpecError) as error:
        Stage.parse({"balancer": {"kind": "static", "weights": {"like": 0}}}, "late")
    assert str(error.value) == "late.balancer.weights.like: should be greater than 0. Found 0."
    with pytest.raises(SpecError) as error:
        Stage.parse({"balancer": {"kind": "gradnorm", "alfa": 1}}, "late")
    assert str(error.value) == "late.balancer.alfa: `alfa` is not a known key. Did you mean `alpha`?"
