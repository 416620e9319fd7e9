"""Survival through a cascade of two cuts, made smooth: what a loss on both stages together descends on."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

HALVINGS = 30
"""of the interval that holds the border; the last is beyond what float32 can tell"""


def log_membership(score: Tensor, filled: Tensor, share: float, temperature: float) -> Tensor:
    """log P(in): how far each candidate is among the best `share` of its list, (R, L); 0 at empty places.

    P(in) = sigmoid((z - border) / temperature) with z the score standardised in its list, and the border where the
    P(in) of a list sum to the number that goes through. This is the entropic optimal transport of Xie et al.
    (Differentiable Top-k, NeurIPS 2020), whose two anchors leave one unknown. LCRON (arXiv 2503.09492) takes the
    permutation matrix of a differentiable sort instead, which costs L^2 a list.

    Args:
        score: (R, L), any value at empty places. filled: bool (R, L).
        share: of the filled places. temperature: in standard deviations of the list's scores.
    """
    z = _standardised(score, filled) / temperature
    count = share * filled.sum(1, keepdim=True)
    return torch.where(filled, logsigmoid(z - _border(z, filled, count)), 0.0)


def survival_loss(early: Tensor, late: Tensor, worth: Tensor) -> Tensor:
    """Mean over lists of -sum_i w_i log(P_i(early) P_i(late)), w the candidates' shares of their list's worth.

    The cross-entropy on what survives the whole funnel of LCRON and GPRP (arXiv 2405.04844): a candidate is lost
    wherever it is lost, so the stage that is more likely to lose it gets the greater gradient.

    Args:
        early, late: (R, L), of `log_membership`.
        worth: (R, L), not negative, 0 at empty places; a list without any is left out.
    """
    total = worth.sum(1)
    losses = -(worth * (early + late)).sum(1) / torch.where(total > 0, total, 1.0)
    return losses.sum() / (total > 0).sum().clamp(min=1)


def _standardised(score: Tensor, filled: Tensor) -> Tensor:
    """(R, L): mean 0 and deviation 1 over the filled places of each list; 0 at the others, and where all are equal."""
    count = filled.sum(1, keepdim=True).clamp(min=1)
    apart = torch.where(filled, score - torch.where(filled, score, 0.0).sum(1, keepdim=True) / count, 0.0)
    variance = apart.square().sum(1, keepdim=True) / count
    return apart / (variance + 1e-12).sqrt()


def _border(z: Tensor, filled: Tensor, count: Tensor) -> Tensor:
    """(R, 1): the border at which `count` (R, 1) go through, with its derivative by the scores z (R, L)."""
    with torch.no_grad():
        low, high = z.amin(1, keepdim=True) - 20, z.amax(1, keepdim=True) + 20
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            too_many = _through(z, middle, filled).sum(1, keepdim=True) > count
            low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
        border = (low + high) / 2
        through = _through(z, border, filled)
        slope = (through * (1 - through)).sum(1, keepdim=True).clamp(min=1e-6)
    # A step of Newton, which moves the border by nothing and gives it the derivative of the implicit function.
    return border + (_through(z, border, filled).sum(1, keepdim=True) - through.sum(1, keepdim=True)) / slope


def _through(z: Tensor, border: Tensor, filled: Tensor) -> Tensor:
    return torch.sigmoid(z - border) * filled
