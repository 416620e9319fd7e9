"""Tasks that can only happen after others: the probability of a whole chain, and whether all of it happened."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid


class Chains(nn.Module):
    """The chains, root to child, of C tasks among T whose losses are over the entire space (Ma et al., SIGIR 2018)."""

    ends: Tensor
    path: Tensor
    beyond: Tensor

    def __init__(self, parents: Sequence[int]):
        """
        Args:
            parents: column of the task that each task is chained to, -1 for none; (T,), without a cycle.
        """
        super().__init__()
        paths = {place: _path(parents, place) for place in range(len(parents)) if parents[place] >= 0}
        longest = max(map(len, paths.values()), default=0)
        padded = [path + [0] * (longest - len(path)) for path in paths.values()]
        beyond = [[step >= len(path) for step in range(longest)] for path in paths.values()]
        self.paths = paths
        self.register_buffer("ends", torch.tensor(list(paths), dtype=torch.int64), persistent=False)
        self.register_buffer("path", torch.tensor(padded, dtype=torch.int64), persistent=False)
        self.register_buffer("beyond", torch.tensor(beyond, dtype=torch.bool), persistent=False)

    def __len__(self) -> int:
        return len(self.paths)

    def joint(self, labels: Tensor) -> Tensor:
        """Whether the whole chain of a task happened, in the place of its own label.

        Args:
            labels: (N, T); NaN where a label does not exist.

        Returns:
            (N, T): 0 where an earlier task of the chain did not happen; NaN where that is not known.
        """
        result = labels.clone()
        for child, path in self.paths.items():
            happened = labels[:, path[0]]
            for step in path[1:]:
                happened = torch.where(happened == 1, labels[:, step], happened)
            result[:, child] = happened
        return result

    def losses(self, logits: Tensor, joint: Tensor) -> Tensor:
        """Cross-entropy of the chained probability, in log space, so that no logit is too great for it.

        Args:
            logits: (B, T), conditional.
            joint: (B, C), 0 or 1: whether the whole chain happened.

        Returns:
            (B, C)
        """
        steps = logits[:, self.path]
        happens = logsigmoid(steps).masked_fill(self.beyond, 0.0)
        until = happens.cumsum(2)
        before = torch.cat([torch.zeros_like(until[:, :, :1]), until[:, :, :-1]], 2)
        # A chain fails at exactly one of its steps, after all those before it.
        fails = (before + logsigmoid(-steps)).masked_fill(self.beyond, -torch.inf).logsumexp(2)
        return -(joint * until[:, :, -1] + (1 - joint) * fails)


def _path(parents: Sequence[int], place: int) -> list[int]:
    """Columns from the root to a task."""
    path = [place]
    while parents[path[0]] >= 0:
        path.insert(0, parents[path[0]])
    return path
