"""Two towers (Yi et al., RecSys 2019): user and item features to unit vectors in one space.

Unlike the paper there are no id embeddings: an item's vector is a function of what it is, so a new item has one too.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from funnel.models.blocks import Draws


class Tower(nn.Module):
    """One side: a hidden layer with ReLU, then a linear map, then the unit sphere."""

    def __init__(self, draws: Draws, name: str, hidden: int, dim: int):
        super().__init__()
        self.weight = draws.first(name, (0,), hidden)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.output = nn.Parameter(draws.block((hidden, dim), hidden, name, "output"))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) to (B, d), rows of unit length."""
        return normalize(torch.relu(torch.addmm(self.bias, x, self.weight)) @ self.output)


class TwoTower(nn.Module):
    """A user tower and an item tower; their inner product, a cosine, orders the corpus for a user."""

    def __init__(self, user: Draws, item: Draws, hidden: int, dim: int):
        """
        Args:
            user, item: initial weights over the columns of each side.
        """
        super().__init__()
        self.user = Tower(user, "user", hidden, dim)
        self.item = Tower(item, "item", hidden, dim)
