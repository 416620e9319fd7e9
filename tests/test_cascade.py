"""The two ranking stages trained together: what survives both cuts, made smooth, and what is learnt from it."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from logs import cut_log, log, towers, world
from scipy.stats import spearmanr
from torch.testing import assert_close

from funnel.balancing.spec import PCGradSpec
from funnel.formula import evaluate
from funnel.models.spec import MMoESpec, SharedBottomSpec
from funnel.tasks import Formula
from funnel.training.batches import Period, columns_of, rows
from funnel.training.cascade import Pair, Survival, _goods, smooth_value, train_cascade, worth
from funnel.training.fitting import prepared
from funnel.training.lists import Lists
from funnel.training.logged import logged
from funnel.training.ranker import Ranker, train_ranker
from funnel.training.repair_spec import CascadeSpec
from funnel.training.spec import RankerSpec, TrainSpec
from funnel.training.survival import log_membership, survival_loss

PLAIN = CascadeSpec()
TRAIN = TrainSpec(epochs=3, batch=512)
EARLY = RankerSpec(
    features=("interests", "content", "tower_match", "position"),
    tasks=("long_view", "like"),
    model=SharedBottomSpec(bottom=(16,)),
    train=TRAIN,
)
LATE = RankerSpec(
    features=("interests", "content", "tower_match", "content_match", "bubble_count", "position"),
    tasks=("long_view", "watch_seconds", "like", "bubble_engage", "click", "conversion"),
    model=MMoESpec(experts=2, expert=(8,), tower=(4,)),
    train=TRAIN,
)
FORMULA = Formula(
    formula={"long_view": 1.0, "like": -0.5, "bubble_engage": 2.0, "conversion": 3.0, "watch_seconds": 0.01}
)


@pytest.fixture(scope="module")
def candidates():
    return logged(log(), cut_log(), world().observed)


def trained(candidates, spec: CascadeSpec = PLAIN, **fields: Any) -> tuple[Ranker, Ranker]:
    early, late = (changed(ranker, **fields) for ranker in (EARLY, LATE))
    logs = ([Period(one, world().observed, towers())] for one in (log(), candidates))
    return train_cascade(spec, Pair(early, late, FORMULA), *logs, 0)


def changed(spec: RankerSpec, **fields: Any) -> RankerSpec:
    return RankerSpec(**{name: getattr(spec, name) for name in RankerSpec.model_fields} | fields)


def same(first: Ranker, second: Ranker) -> bool:
    """Whether all that both have is the same bits."""
    mine, other = ({**ranker.model.state_dict(), **ranker.heads.state_dict()} for ranker in (first, second))
    return all(torch.equal(mine[name], other[name]) for name in mine.keys() & other.keys())


# Smooth cuts


@given(
    counts=st.lists(st.integers(2, 12), min_size=1, max_size=5),
    share=st.floats(0.1, 0.9),
    temperature=st.floats(0.05, 2),
    seed=st.integers(0, 100),
)
def test_as_many_go_through_as_should(counts, share, temperature, seed):
    filled = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    score = torch.from_numpy(np.random.Generator(np.random.PCG64(seed)).standard_normal(filled.shape)).float()
    members = log_membership(score * 100, filled, share, temperature)
    assert (members[~filled] == 0).all() and (members <= 0).all()
    through = (members.exp() * filled).sum(1)
    assert_close(through, share * filled.sum(1), rtol=1e-3, atol=1e-3)


def test_a_sharp_cut_is_the_plain_one():
    score = torch.tensor([[3.0, -1.0, 2.0, 0.0, 99.0]])
    filled = torch.tensor([[True, True, True, True, False]])
    through = log_membership(score, filled, 0.5, 0.01).exp()
    assert_close(through[0, :4], torch.tensor([1.0, 0.0, 1.0, 0.0]), rtol=0, atol=1e-4)


def test_a_membership_does_not_know_the_scale_of_scores():
    score, filled = torch.randn(3, 6, generator=torch.Generator().manual_seed(0)), torch.ones(3, 6).bool()
    members = (log_membership(scores, filled, 0.4, 0.5) for scores in (score, 50 * score - 7))
    assert_close(*members, rtol=1e-4, atol=1e-5)


def test_the_border_moves_with_the_scores():
    """The derivative against differences: pushing one candidate up pushes the others down by as much altogether."""
    score = torch.tensor([[0.3, -0.2, 1.0, 0.1]], dtype=torch.float64, requires_grad=True)
    filled = torch.ones(1, 4).bool()
    assert torch.autograd.gradcheck(lambda s: log_membership(s, filled, 0.5, 0.7), (score,), eps=1e-3, atol=2e-3)
    (through,) = torch.autograd.grad(log_membership(score, filled, 0.5, 0.7).exp().sum(), score)
    assert_close(through, torch.zeros_like(through), rtol=0, atol=1e-6)


def test_the_loss_on_survival_is_that_of_both_cuts():
    early, late = torch.tensor([[0.5, 1.0], [0.1, 0.1]]).log(), torch.tensor([[0.5, 0.2], [0.1, 0.1]]).log()
    worth = torch.tensor([[3.0, 1.0], [0.0, 0.0]])
    expected = -(0.75 * np.log(0.25) + 0.25 * np.log(0.2))
    assert survival_loss(early, late, worth).item() == pytest.approx(expected)
    assert survival_loss(early, late, 10 * worth).item() == pytest.approx(expected)
    assert survival_loss(early, late, torch.zeros(2, 2)).item() == 0


# What is descended on


@pytest.mark.parametrize("seen", [True, False])
def test_the_smooth_value_is_the_value(seen, candidates):
    observed = world().observed
    data = rows(LATE, [Period(candidates, observed, towers())])
    ranker = train_ranker(LATE, [Period(log(), observed, towers())], 0)
    fitting = prepared(LATE, data, _columns(LATE), 0, "cpu", False, ranker.inputs)
    fitting.update.model.load_state_dict(ranker.model.state_dict())
    fitting.update.heads.load_state_dict(ranker.heads.state_dict())
    bubble = candidates["bubble_count"].to_numpy() > 0 if seen else None
    means = dict(zip(LATE.tasks, ranker.predict_rows(data).T, strict=True))
    found = smooth_value(
        FORMULA, fitting.update, fitting.update.x, None if bubble is None else torch.from_numpy(bubble)
    )
    np.testing.assert_allclose(found.detach().numpy(), evaluate(FORMULA, means, bubble), rtol=1e-4, atol=1e-5)
    assert found.requires_grad


def test_worth_is_the_formula_over_what_happened(candidates):
    found = worth(FORMULA, candidates)
    assert (found[candidates["cut"].is_not_null().to_numpy()] == 0).all() and (found >= 0).all()
    for place in np.flatnonzero(found)[:200]:
        row = candidates.row(int(place), named=True)
        expected = row["long_view"] - 0.5 * row["like"] + 0.01 * row["watch_seconds"] + 2 * (row["bubble_engage"] or 0)
        expected += 3 * (row["conversion"] or 0)
        assert found[place] == pytest.approx(expected, rel=1e-5)


def test_the_late_cut_is_among_what_was_shown(candidates):
    """What was cut has no label, so whatever the late ranker makes of it, the loss asks nothing of it."""
    fittings = [
        prepared(spec, rows(spec, [Period(candidates, world().observed, towers())]), _columns(spec), 0, "cpu", own)
        for spec, own in ((EARLY, True), (LATE, False))
    ]
    early, late = (fitting.update for fitting in fittings)
    shown, bubble, good = _goods(FORMULA, candidates, "cpu")
    inputs = early.x, late.x.clone().requires_grad_()
    lists = Lists(candidates["request"].to_numpy(), np.ones(len(candidates), bool))
    survival = Survival(PLAIN, Pair(EARLY, LATE, FORMULA), inputs, shown, bubble, good, lists.turns(1, 0, "cpu"))
    survival.loss(early, late).backward()
    asked = inputs[1].grad.abs().sum(1) > 0
    assert not asked[~shown].any() and asked[shown].float().mean() > 0.5
    assert early.model.scorer.head.grad.abs().sum() > 0


def _columns(spec: RankerSpec) -> dict[str, int]:
    return columns_of(spec.features, world().observed)


# Training


def test_without_weight_both_stages_are_trained_as_if_alone(candidates):
    early, late = trained(candidates, CascadeSpec.model_construct(weight=0.0))
    for together, spec in ((early, EARLY), (late, LATE)):
        alone = train_ranker(spec, [Period(log(), world().observed, towers())], 0)
        assert same(together, alone)
        np.testing.assert_allclose(together.curve, alone.curve, rtol=1e-5)
    assert early.scores and not late.scores


def test_with_weight_both_learn_what_survives(candidates):
    """The score of its own puts what was worth something above what was cut, and the late formula moves, too."""
    early, late = trained(candidates, CascadeSpec(weight=3.0))
    alone = train_ranker(LATE, [Period(log(), world().observed, towers())], 0)
    assert not same(late, alone)
    x = torch.from_numpy(early.inputs.apply(rows(EARLY, [Period(candidates, world().observed, towers())]).x))
    with torch.no_grad():
        score = early.model.score(early.model.represent_rows(x)).numpy()
    good = worth(FORMULA, candidates)
    untaught, _ = trained(candidates, CascadeSpec.model_construct(weight=0.0))
    with torch.no_grad():
        before = untaught.model.score(untaught.model.represent_rows(x)).numpy()
    assert spearmanr(score, good)[0] > 0.1 > spearmanr(before, good)[0]


def test_a_cascade_is_the_same_bits_again(candidates):
    assert all(same(*both) for both in zip(trained(candidates), trained(candidates), strict=True))


def test_a_cascade_goes_with_surgery_rates_of_heads_and_held_out_requests(candidates):
    train = TrainSpec(epochs=2, batch=512, held_out=0.2, head_rates={"like": 1e-3})
    early, late = trained(candidates, train=train, balancer=PCGradSpec())
    assert early.held_out_curve.shape == (2, 2) and late.held_out_curve.shape == (2, 6)
    assert np.isfinite(early.curve).all() and np.isfinite(late.curve).all()
