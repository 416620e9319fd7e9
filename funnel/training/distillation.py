"""Distillation from late to early: losses that bring a student's order of a request's candidates near a teacher's.

All take the student's scores (R, L), the teacher's (R, L), standardised over the log, and which places of the lists are
filled, bool (R, L); what stands at an empty place has no effect. Each is a mean over the lists that tell something.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from funnel.training.repair_spec import DistilSpec, ListwiseSpec, PairwiseSpec, PointwiseSpec, PSelectSpec

ListLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def pointwise(student: Tensor, teacher: Tensor, filled: Tensor) -> Tensor:
    """Mean of (s - t)^2 (regression on the teacher's output; Ba and Caruana, NeurIPS 2014).

    It also learns how scores differ between requests, which sorts nothing and takes some of the network's capacity.
    """
    return ((student - teacher).square() * filled).sum() / filled.sum().clamp(min=1)


def listwise(student: Tensor, teacher: Tensor, filled: Tensor, temperature: float) -> Tensor:
    """Mean over lists of KL(softmax(t / temperature) || softmax(s / temperature)).

    The top-one distributions of ListNet (Cao et al., ICML 2007) with a temperature on both sides, so that it is 0 where
    both say the same; ListNet takes the cross-entropy, which differs by the teacher's entropy, a constant.
    """
    wanted, given = (
        (scores / temperature).masked_fill(~filled, -torch.inf).log_softmax(1).masked_fill(~filled, 0.0)
        for scores in (teacher, student)
    )
    # An epoch of fewer lists than steps has batches without any, whose mean would not be a number.
    return (wanted.exp() * (wanted - given) * filled).sum(1).sum() / max(len(filled), 1)


def pairwise(student: Tensor, teacher: Tensor, filled: Tensor) -> Tensor:
    """Mean over lists of the mean of log(1 + exp(s_j - s_i)) over the pairs with t_i > t_j.

    RankNet (Burges et al., ICML 2005) with certain targets. Pairs are not weighed: neither by how far apart the teacher
    puts them nor by their ranks, as LambdaRank would.
    """
    ordered = (teacher[:, :, None] > teacher[:, None, :]) & filled[:, :, None] & filled[:, None, :]
    losses = softplus(student[:, None, :] - student[:, :, None]) * ordered
    return _mean_of_lists(losses.flatten(1).sum(1), ordered.flatten(1).sum(1))


def pselect(student: Tensor, teacher: Tensor, filled: Tensor, share: float) -> Tensor:
    """Mean cross-entropy of the sigmoid of s against whether t is among the best of its list.

    The label of PSelect in Instagram's Explore (Meta, 2023): is the candidate one that the later stage would take?
    There the first stage takes it as one more task; here it has the loss and the score for itself.
    """
    losses = binary_cross_entropy_with_logits(student, selected(teacher, filled, share), reduction="none")
    return (losses * filled).sum() / filled.sum().clamp(min=1)


def selected(teacher: Tensor, filled: Tensor, share: float) -> Tensor:
    """float (R, L): 1 at the best ceil(share x count) of each list, of equal ones the first; 0 elsewhere."""
    order = teacher.masked_fill(~filled, -torch.inf).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(1)
    return ((rank < (share * filled.sum(1, keepdim=True)).ceil()) & filled).to(teacher.dtype)


def list_loss(spec: DistilSpec) -> ListLoss:
    """The loss of a spec."""
    match spec:
        case PointwiseSpec():
            return pointwise
        case ListwiseSpec():
            return partial(listwise, temperature=spec.temperature)
        case PairwiseSpec():
            return pairwise
        case PSelectSpec():
            return partial(pselect, share=spec.share)


def _mean_of_lists(sums: Tensor, counts: Tensor) -> Tensor:
    """The mean over lists, (R,), of sum over count; lists without anything to count are left out."""
    return (sums / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)
