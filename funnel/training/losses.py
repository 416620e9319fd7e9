"""Loss of every task on a batch, over the rows whose label exists."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def task_losses(logits: Tensor, labels: Tensor, binary: Tensor) -> Tensor:
    """Mean loss of each task over its labelled rows: cross-entropy where binary, squared error where not.

    Args:
        logits: (B, T); for a regression task the prediction itself.
        labels: (B, T); NaN where the label does not exist (its condition did not hold).
        binary: bool (T,).

    Returns:
        (T,); 0 without gradient for a task that has no label in the batch.
    """
    labelled = ~labels.isnan()
    known = torch.where(labelled, labels, 0.0)
    entropy = binary_cross_entropy_with_logits(logits, known, reduction="none")
    losses = torch.where(binary, entropy, (logits - known).square())
    return (losses * labelled).sum(0) / labelled.sum(0).clamp(min=1)
