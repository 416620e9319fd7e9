"""The logged candidates of requests as lists: what losses on an order are taken over."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from funnel.rng import stream


class Lists:
    """R requests with up to L candidates each, as row numbers of a table."""

    def __init__(self, request: np.ndarray, among: np.ndarray):
        """
        Args:
            request: int64 (N,), ascending: the request of each row.
            among: bool (N,): the rows that count; all or none of a request.
        """
        _, first, count = np.unique(request, return_index=True, return_counts=True)
        first, count = first[among[first]], count[among[first]]
        step = np.arange(count.max(initial=0))
        self.place = np.where(step < count[:, None], first[:, None] + step, -1)
        """int64 (R, L): row numbers, -1 beyond the last candidate"""

    def turns(self, steps: int, seed: int, device: str) -> Iterator[Tensor]:
        """Batches of lists (r, L), without end: in each epoch of `steps` batches every list comes once.

        Where there are fewer lists than steps, some batches are empty.
        """
        place = torch.from_numpy(self.place).to(device)
        epoch = 0
        while True:
            order = stream(seed, "lists", epoch).permutation(len(place))
            for chosen in np.array_split(order, steps):
                yield place[torch.from_numpy(chosen).to(device)]
            epoch += 1
